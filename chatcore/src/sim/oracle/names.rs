//! Which names users have had: an operator renames them.

use alloc::format;
use alloc::string::String;

use super::account::Oracle;
use super::facts::Named;
use super::operator::PROGRAM;
use crate::UserName;
use crate::sim::names::{name_of, number_of, user_of};
use crate::sim::violation::{Property, Violation};

/// Bytes of a renamed, at the most.
const RENAMED_BYTES_MAX: u64 = 100;

impl Oracle {
    /// Users are renamed.
    pub(in crate::sim) fn with_renames(self, has_renames: bool) -> Self {
        Self { has_renames, ..self }
    }

    pub(in crate::sim) const fn has_renames(&self) -> bool {
        self.has_renames
    }

    /// The name that a user has, or had last.
    pub(in crate::sim) fn current_name(&self, user: usize) -> usize {
        self.names.get(user).and_then(|names| names.last()).map_or(user, |named| named.name)
    }

    /// How many names a user has had: a name may count several times.
    pub(in crate::sim) fn names_of(&self, user: usize) -> usize {
        self.names.get(user).map_or(0, alloc::vec::Vec::len)
    }

    /// The name that a user had when the hub took a request.
    pub(super) fn name_at(&self, user: usize, order: u64) -> usize {
        let names = self.names[user].iter().rev();
        names.into_iter().find(|named| named.after < order).map_or(user, |named| named.name)
    }

    /// A session begins, of a user who has this name. If it is not the first of the user, the others have the same.
    pub(super) fn begins_as(&mut self, user: usize, session: usize, name: &UserName) -> Result<(), Violation> {
        let number = number_of(name.as_str());
        let is_first = !self.living_of(user).any(|(other, _)| other != session);
        self.hold(is_first || number == self.current_name(user), Property::Isolation, || {
            format!("{name} begins a session of a user who is {}", name_of(self.current_name(user)))
        })?;
        if is_first && self.has_renames {
            self.names[user].push(Named { after: self.order, name: number });
        }
        self.sessions[session].named = self.names[user].len();
        Ok(())
    }

    /// The hub has renamed a user who is there.
    pub(in crate::sim) fn renames(&mut self, user: usize, name: usize) {
        self.names[user].push(Named { after: self.order, name });
        *self.renamed.entry(user).or_default() += 1;
        let sessions: alloc::vec::Vec<usize> = self.living_of(user).map(|(session, _)| session).collect();
        for session in sessions {
            self.weigh_session(session);
            self.weigh_session(session);
            self.volume += RENAMED_BYTES_MAX;
            self.sessions[session].own_bytes += RENAMED_BYTES_MAX;
        }
    }

    /// How often a user was renamed.
    pub(super) fn renamed(&self, user: usize) -> usize {
        self.renamed.get(&user).copied().unwrap_or_default()
    }

    /// A session is told its name: each that its user gets, in their order, and perhaps once more the one that it was
    /// told last.
    pub(super) fn learn_renamed(&mut self, session: usize, name: &UserName) -> Result<(), Violation> {
        let told = &self.sessions[session];
        let (names, number, known) = (&self.names[told.user], number_of(name.as_str()), told.named);
        let is_next = names.get(known).is_some_and(|named| named.name == number);
        let is_again = known > 0 && names[known - 1].name == number;
        self.hold(is_next || is_again, Property::Isolation, || {
            format!("session {session} is told that it is {name}, after {known} names of {names:?}")
        })?;
        if is_next {
            self.sessions[session].named += 1;
        }
        Ok(())
    }

    /// A session knows its name.
    pub(super) fn close_name(&self, session: usize) -> Result<(), Violation> {
        let told = &self.sessions[session];
        let names = &self.names[told.user];
        self.hold(told.named == names.len(), Property::Isolation, || {
            format!("session {session} was told {} names of {names:?}", told.named)
        })
    }

    /// A message bears the name that its sender had when the hub took it.
    pub(super) fn check_from(&self, message: usize, from: &UserName, order: u64) -> Result<(), Violation> {
        if self.messages[message].sender == PROGRAM {
            return Ok(());
        }
        let had = self.name_at(self.user_with(self.messages[message].sender), order);
        self.hold(number_of(from.as_str()) == had, Property::Isolation, || {
            format!("message {message} comes from {from}, and was sent by {}", name_of(had))
        })
    }

    /// A user that is there is shown as it, or whoever renamed it, has spelled its name. After a renaming, devices may
    /// have spelled it in several ways.
    pub(super) fn check_shown(
        &self,
        name: &UserName,
        display_name: Option<&str>,
        is_there: bool,
    ) -> Result<(), Violation> {
        let shown = display_name.unwrap_or(name.as_str());
        let is_right = if self.has_renames {
            shown.to_lowercase() == name.as_str()
        } else {
            shown == crate::sim::names::spelling(user_of(name.as_str()))
        };
        self.hold(!is_there || is_right, Property::Presence, || format!("{name} is shown as {shown}"))
    }

    /// The name of a user, as a client is to know it.
    pub(in crate::sim) fn name_of(&self, user: usize) -> String {
        name_of(self.current_name(user))
    }
}
