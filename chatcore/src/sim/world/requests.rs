//! What users want.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;

use super::parts::World;
use crate::sim::names::{name_of, room_name};
use crate::sim::oracle::{Request, To};
use crate::sim::random::CERTAIN;
use crate::sim::violation::Violation;
use crate::{Client, ClientError, Instant};

impl World {
    /// Makes a device send a message to a user, both by their numbers from 0. Where each user has one device, these are
    /// the same numbers. Returns false if the device's client does not take the message now.
    ///
    /// # Errors
    ///
    /// A [`Violation`] if a property does not hold.
    pub fn send(&mut self, from: usize, to: usize, body_bytes: usize) -> Result<bool, Violation> {
        self.say(from, To::User(to), body_bytes)
    }

    fn say(&mut self, from: usize, to: To, body_bytes: usize) -> Result<bool, Violation> {
        let name = match to {
            To::User(user) => name_of(self.some_name(user)),
            To::Room(room) => room_name(room),
        };
        let (message, body) = self.oracle.compose(from, to, body_bytes);
        let is_taken = self.ask(from, Request::Send { message }, |client, now| client.send(now, &name, &body))?;
        if !is_taken {
            self.oracle.discard();
        }
        Ok(is_taken)
    }

    /// The number of the name that a user has, most likely; or of its own, of which it may have been deprived.
    fn some_name(&mut self, user: usize) -> usize {
        if self.plan.rename_pace.is_some() && self.random.chance(CERTAIN / 8) {
            return user;
        }
        self.oracle.current_name(user)
    }

    pub(super) fn ask(
        &mut self,
        user: usize,
        request: Request,
        ask: impl FnOnce(&mut Client, Instant) -> Result<u64, ClientError>,
    ) -> Result<bool, Violation> {
        // A program that does not know yet in which session it is numbers nothing.
        if !self.users[user].has_taken_all() {
            return Ok(false);
        }
        let Some(client) = &mut self.users[user].client else { return Ok(false) };
        match ask(client, self.now) {
            Ok(number) => self.oracle.asks(user, number, request).map(|()| true),
            Err(_) => Ok(false),
        }
    }

    /// Somebody wants something, or many things at once.
    pub(super) fn request(&mut self) -> Result<(), Violation> {
        let user = self.random.index(self.users.len());
        let more = self.random.upto(self.plan.burst_max - 1);
        (0..=more).try_for_each(|_| self.request_of(user))
    }

    fn request_of(&mut self, user: usize) -> Result<(), Violation> {
        if self.plan.is_paired {
            let bytes = usize::try_from(self.random.upto(self.plan.body_bytes_max)).unwrap_or_default();
            return self.say(user, To::User(user ^ 1), bytes).map(drop);
        }
        let other = self.random.index(self.plan.users);
        let room = self.random.index(self.plan.rooms);
        let name = room_name(room);
        match self.random.below(100) {
            0..40 => {
                let bytes = usize::try_from(self.random.upto(self.plan.body_bytes_max)).unwrap_or_default();
                self.say(user, To::User(other), bytes)?;
            }
            40..75 => {
                let bytes = usize::try_from(self.random.upto(self.plan.body_bytes_max)).unwrap_or_default();
                self.say(user, To::Room(room), bytes)?;
            }
            75..85 => {
                self.ask(user, Request::Join { room }, |client, now| client.join(now, &name))?;
            }
            85..88 => {
                self.ask(user, Request::Leave { room }, |client, now| client.leave(now, &name))?;
            }
            88..93 => {
                let users: BTreeSet<usize> = [other, self.random.index(self.plan.users)].into();
                let names: Vec<usize> = users.into_iter().map(|user| self.some_name(user)).collect();
                let texts: Vec<String> = names.iter().map(|name| name_of(*name)).collect();
                let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                self.ask(user, Request::Watch { names }, |client, now| client.watch(now, &texts))?;
            }
            93..95 => {
                let name = self.some_name(other);
                let request = Request::Unwatch { names: [name].into() };
                self.ask(user, request, |client, now| client.unwatch(now, &[&name_of(name)]))?;
            }
            95..97 => {
                self.ask(user, Request::Roster { room }, |client, now| client.roster(now, &name, 0))?;
            }
            _ => {
                self.ask(user, Request::Who, |client, now| client.who(now, 0))?;
            }
        }
        Ok(())
    }
}
