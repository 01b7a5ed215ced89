//! What the server's program does by itself: it moves users, says something, and keeps users away.

use alloc::format;
use alloc::vec::Vec;

use super::account::Oracle;
use super::facts::{Membership, Request, Taken, TakenRequest, To};
use crate::sim::names::{number_of, user_of};
use crate::sim::violation::{Property, Violation};
use crate::{MessageId, RejectCode, UserName};

/// Stands for the program among the devices that send messages.
pub(in crate::sim) const PROGRAM: usize = u16::MAX as usize;

/// Stands for what the program does among sessions.
const NO_SESSION: usize = usize::MAX;

impl Oracle {
    /// The program has put a user into a room, or taken it out of one, or was told why it cannot.
    pub(in crate::sim) fn moved(
        &mut self,
        name: &UserName,
        room: usize,
        is_join: bool,
        outcome: Result<(), RejectCode>,
    ) -> Result<(), Violation> {
        let user = user_of(name.as_str());
        let living = self.living_of(user).next().map(|(session, facts)| (session, facts.stay));
        let before = living.map(|(session, _)| self.membership(session, room, u64::MAX));
        let is_possible = match outcome {
            Ok(()) => before.is_some_and(|before| is_join || before != Membership::No),
            Err(RejectCode::NoSuchUser) => before.is_none(),
            Err(RejectCode::NotAMember) => !is_join && before != Some(Membership::Yes),
            Err(code) => code == RejectCode::Unavailable || is_join,
        };
        self.hold(is_possible, Property::Rooms, || {
            format!("{name} is moved into room {room} ({is_join}): {outcome:?}, but was in it before: {before:?}")
        })?;
        let (Ok(()), Some((_, stay))) = (outcome, living) else { return Ok(()) };
        self.order += 1;
        self.operations += 1;
        let request = if is_join { Request::Join { room } } else { Request::Leave { room } };
        self.weigh(&request);
        self.owes_move(stay);
        self.note_move(user, stay, room, is_join, None);
        let answer = Some(Ok(()));
        self.own_moves.push(TakenRequest { order: self.order, request, verdict: Ok(()), is_sure: true, answer });
        Ok(())
    }

    /// The program is about to say something; returns which message it is, and its body.
    pub(in crate::sim) fn compose_own(&mut self, to: To, bytes: usize) -> (usize, Vec<u8>) {
        self.compose(PROGRAM, to, bytes)
    }

    /// The program has said what was composed last, or was told why it cannot.
    pub(in crate::sim) fn said(
        &mut self,
        message: usize,
        to: To,
        outcome: Result<MessageId, RejectCode>,
    ) -> Result<(), Violation> {
        let is_there = match to {
            To::User(user) => self.living_of(user).next().is_some(),
            To::Room(room) => (0..self.of_user.len()).any(|user| {
                let mut living = self.living_of(user);
                living.next().is_some_and(|(session, _)| self.membership(session, room, u64::MAX) == Membership::Yes)
            }),
        };
        let is_possible = match (outcome, to) {
            (Ok(_), To::User(_)) => is_there,
            (Ok(_), To::Room(_)) | (Err(RejectCode::RecipientFull | RejectCode::Unavailable), _) => true,
            (Err(RejectCode::NoSuchUser), To::User(_)) | (Err(RejectCode::NotAMember), To::Room(_)) => !is_there,
            (Err(_), _) => false,
        };
        self.hold(is_possible, Property::Fate, || {
            format!("the program says something to {to:?}, who is there: {is_there}, and is told {outcome:?}")
        })?;
        match outcome {
            Ok(id) => {
                self.order += 1;
                self.operations += 1;
                self.weigh(&Request::Send { message });
                let sent = &mut self.messages[message];
                (sent.has_come, sent.taken) = (true, Some(Taken { order: self.order, session: NO_SESSION }));
                if let To::Room(room) = to {
                    self.said_in.entry(room).or_default().push(message);
                }
                self.identify(message, id)
            }
            Err(code) => {
                self.discard();
                if code == RejectCode::RecipientFull { self.check_full("the program is refused") } else { Ok(()) }
            }
        }
    }

    /// An operator has ended all sessions of a user, and perhaps nobody gets its name until further notice.
    pub(in crate::sim) fn is_gone(&mut self, name: &UserName, is_banned: bool) -> Result<(), Violation> {
        let user = user_of(name.as_str());
        if is_banned {
            self.banned.insert(number_of(name.as_str()));
            self.operations += 1;
        }
        let living = self.living_of(user).count();
        self.hold(living == 0, Property::Isolation, || format!("{name} is kicked, and {living} of its sessions live"))
    }

    /// Nobody is let in under a name that is banned. Who has such a name because it was renamed keeps it.
    pub(super) fn check_ban(&self, name: &UserName) -> Result<(), Violation> {
        let is_banned = self.banned.contains(&number_of(name.as_str()));
        self.hold(!is_banned, Property::Isolation, || format!("{name} is banned, and let in"))
    }

    /// How often the program moved a user, said something or banned somebody.
    pub(in crate::sim) fn operations(&self) -> u64 {
        self.operations
    }

    /// A name is somebody's again who asks for it.
    pub(in crate::sim) fn is_unbanned(&mut self, name: &UserName) {
        self.banned.remove(&number_of(name.as_str()));
    }
}
