//! Who is in the rooms, and when the server is asked for it.

use std::collections::BTreeSet;

use chatcore::RoomName;

use super::App;
use crate::program::command::Command;
use crate::program::full::conversation::Membership;
use crate::program::input::Input;
use crate::program::report::Users;

/// Rooms of which the members are kept, at the most. Those of another room are asked for when it is opened.
pub(in crate::program::full) const ROSTERS_MAX: usize = 20;

/// The protocol's word for it.
const NOT_A_MEMBER: &str = "not_a_member";

/// Rosters that nobody typed a command for.
#[derive(Default)]
pub(super) struct Rosters {
    /// Rooms whose members are to be asked for.
    due: BTreeSet<String>,
    /// The room whose members are asked for. One at a time, because commands wait until a listing is over.
    asked: Option<String>,
}

impl App {
    /// Asks for the members of a room when it is opened, unless they are known.
    pub(super) fn want_roster(&mut self, room: &str) {
        let Some(conversation) = self.conversations.get(room).filter(|_| room.starts_with('#')) else { return };
        // What is no room's name is asked for in vain, and has no answer.
        let can_be_asked = room.parse::<RoomName>().is_ok();
        if can_be_asked && !conversation.members.is_known() && conversation.membership != Membership::Out {
            self.rosters.due.insert(room.to_owned());
        }
    }

    /// The next roster that is to be asked for.
    pub(super) fn next_roster(&mut self) -> Option<Input> {
        if self.rosters.asked.is_some() || !self.takes_commands {
            return None;
        }
        let room = self.rosters.due.pop_first()?;
        self.rosters.asked = Some(room.clone());
        Some(Input::Command(Command::Roster(Some(room))))
    }

    /// Whether an answer was for the program itself, and nobody waits to read it.
    pub(super) fn is_own_roster(&mut self, room: &str) -> bool {
        self.rosters.asked.take_if(|asked| asked == room).is_some()
    }

    /// Nothing of it is known any more: the session is a new one. What was asked for in the one before is asked for
    /// again, and has its answer still to come.
    pub(super) fn forget_rosters(&mut self) {
        self.rosters.due.clear();
        for conversation in self.conversations.values_mut() {
            conversation.members.forget();
            if conversation.membership == Membership::In {
                conversation.membership = Membership::ComingBack;
            }
        }
        self.want_roster(&self.open.clone());
    }

    /// A request was rejected. That can tell that we are not in a room: we have not come into it, or are not there any
    /// more.
    pub(super) fn rejected(&mut self, to: &str, request: Option<&str>, reason: &str) {
        let Some(conversation) = self.conversations.get_mut(to).filter(|_| to.starts_with('#')) else { return };
        let has_not_come = request == Some("join") && conversation.membership != Membership::In;
        if has_not_come || reason == NOT_A_MEMBER {
            (conversation.membership, conversation.is_being_left) = (Membership::Out, false);
            conversation.members.forget();
        }
    }

    pub(super) fn listed(&mut self, room: &str, users: &Users) {
        let conversation = self.conversation(room);
        conversation.membership = Membership::In;
        conversation.members.set(users);
        self.forget_a_roster(room);
    }

    /// Forgets the members of the room that was used longest ago, if those of too many are kept. The one that was
    /// listed and the one that is open keep theirs.
    fn forget_a_roster(&mut self, listed: &str) {
        let kept = || self.conversations.iter().filter(|(_, conversation)| conversation.members.is_known());
        if kept().count() <= ROSTERS_MAX {
            return;
        }
        let others = kept().filter(|(name, _)| *name != listed && **name != self.open);
        let oldest = others.min_by_key(|(_, conversation)| conversation.used).map(|(name, _)| name.clone());
        if let Some(conversation) = oldest.and_then(|name| self.conversations.get_mut(&name)) {
            conversation.members.forget();
        }
    }

    pub(super) fn joined(&mut self, room: &str, name: &str) {
        let is_own = self.own_name.as_deref() == Some(name);
        let is_open = *room == self.open;
        let conversation = self.conversation(room);
        conversation.members.join(name);
        if is_own {
            conversation.membership = Membership::In;
            (conversation.is_closed, conversation.is_being_left) = (false, false);
            if is_open {
                self.want_roster(room);
            }
        }
    }

    pub(super) fn left(&mut self, room: &str, name: &str) {
        let is_own = self.own_name.as_deref() == Some(name);
        let conversation = self.conversation(room);
        conversation.members.leave(name);
        if is_own {
            conversation.membership = Membership::Out;
            conversation.is_being_left = false;
            conversation.members.forget();
        }
    }

    /// Who came and went was not told.
    pub(super) fn members_changed(&mut self, room: &str) {
        self.conversation(room).members.forget();
        if *room == self.open {
            self.want_roster(room);
        }
    }
}
