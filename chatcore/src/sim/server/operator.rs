//! What an operator has the hub do: it ends sessions, moves users, says something, and keeps users away.

use core::time::Duration;

use super::around::Around;
use super::parts::Server;
use crate::sim::names::room_name;
use crate::sim::oracle::To;
use crate::sim::violation::Violation;
use crate::{Audience, Denial, Instant, RoomName, UserName};

/// The name in which the program says something.
pub(in crate::sim) const PROGRAM_NAME: &str = "server";

/// When somebody who is banned may ask again.
const AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Server {
    /// Ends all sessions of a user.
    pub(in crate::sim) fn kick(&mut self, around: &mut Around<'_>, name: &UserName) -> Result<(), Violation> {
        if let Some(hub) = &mut self.hub {
            hub.kick(around.now, name);
        }
        self.drain(around)?;
        if around.oracle.knows_user(name) { around.oracle.is_gone(name, false) } else { Ok(()) }
    }

    /// Puts a user into a room, or takes it out of one.
    pub(in crate::sim) fn move_user(
        &mut self,
        around: &mut Around<'_>,
        name: &UserName,
        room: usize,
        is_join: bool,
    ) -> Result<(), Violation> {
        self.note_events(around)?;
        let Some(hub) = &mut self.hub else { return Ok(()) };
        let room_name = RoomName::new(&room_name(room)).expect("rooms have names that can be names");
        let outcome = if is_join {
            hub.put_into_room(around.now, name, &room_name)
        } else {
            hub.take_out_of_room(around.now, name, &room_name)
        };
        around.trace.note(around.now, format_args!("operator: {name} into {room_name} ({is_join}): {outcome:?}"));
        around.oracle.moved(name, room, is_join, outcome)?;
        self.drain_somehow(around)
    }

    /// Says something to a user or a room.
    pub(in crate::sim) fn say(
        &mut self,
        around: &mut Around<'_>,
        to: To,
        (user, bytes): (&UserName, usize),
    ) -> Result<(), Violation> {
        self.note_events(around)?;
        let Some(hub) = &mut self.hub else { return Ok(()) };
        let from = UserName::new(PROGRAM_NAME).expect("it can be a name");
        let (message, body) = around.oracle.compose_own(to, bytes);
        let outcome = match to {
            To::User(_) => hub.say(around.now, &from, Audience::User(user), &body),
            To::Room(room) => {
                let room = RoomName::new(&room_name(room)).expect("rooms have names that can be names");
                hub.say(around.now, &from, Audience::Room(&room), &body)
            }
        };
        around.trace.note(around.now, format_args!("operator: message {message} for {to:?}: {outcome:?}"));
        around.oracle.said(message, to, outcome)?;
        self.drain_somehow(around)
    }

    /// Keeps a user away until then.
    pub(in crate::sim) fn ban(
        &mut self,
        around: &mut Around<'_>,
        name: &UserName,
        until: Instant,
    ) -> Result<(), Violation> {
        let Some(hub) = &mut self.hub else { return Ok(()) };
        hub.ban(around.now, name, Denial::new("an operator keeps you away").with_wait(AGAIN_AFTER));
        self.bans.push((until, name.clone()));
        self.drain(around)?;
        around.oracle.is_gone(name, true)
    }

    /// Lets those in again whose time is over.
    pub(super) fn lift_bans(&mut self, around: &mut Around<'_>) {
        let now = around.now;
        while let Some(over) = self.bans.iter().position(|(until, _)| *until <= now) {
            let (_, name) = self.bans.swap_remove(over);
            // It may have been banned for longer since.
            if self.bans.iter().all(|(_, other)| *other != name) {
                around.oracle.is_unbanned(&name);
                if let Some(hub) = &mut self.hub {
                    hub.unban(&name);
                }
            }
        }
    }
}
