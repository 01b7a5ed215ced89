//! Another name for a user who is there.

use super::event::HubEvent;
use super::ordered::NewName;
use super::parts::Hub;
use super::work::{SLICE_WORK_MAX, Work};
use crate::name::{NameError, UserName};
use crate::time::Instant;
use crate::wire::cut_detail;

/// Why a user was not renamed: [`Hub::rename`] returns it. Nothing has changed then.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RenameError {
    /// Nobody has the old name.
    #[error("nobody here has that name: a user must be online to be renamed")]
    NoSuchUser,
    /// The new name can be no user's.
    #[error(transparent)]
    InvalidName(#[from] NameError),
    /// Another user has the new name.
    #[error("another user has the new name: choose another one, or rename that user first")]
    NameInUse,
    /// The new name looks like that of another user.
    #[error("the new name looks like that of another user: choose one that cannot be mistaken for it")]
    Confusable,
    /// More is on its way to the members of rooms than one call brings to its end.
    #[error("the hub is busy with messages for rooms: drain its actions, and try again")]
    Unavailable,
}

impl Hub {
    /// Gives a user another name, with all its sessions. `to` is a spelling, as in a registration: the name and the
    /// display name come from it. It may be a name that the hub reserves or bans; if it is the user's own name, only
    /// the display name changes. `why` is for the user, who is told at most
    /// [`DETAIL_BYTES_MAX`](crate::DETAIL_BYTES_MAX) bytes of it.
    ///
    /// The old name is free at once. The user keeps its sessions, its rooms, and all that is queued for it or by it.
    /// What it has said bears the old name, and its rooms get that before the news: they are told that the old name has
    /// left, with [`LeaveCode::Renamed`](crate::LeaveCode::Renamed), and that the new one has joined. Who watches the
    /// old name is told that it is offline. Nobody's watches change, and neither do bans: they are about names.
    ///
    /// A client that cannot be told at once is told when it resumes, for which its old name and its token are enough.
    ///
    /// ```
    /// use chatcore::{Hub, HubEvent, Instant, Limits, RenameError, UserName};
    /// # use chatcore::{Client, ClientConfig, Handshake};
    ///
    /// # let now = Instant::ZERO;
    /// let mut hub = Hub::new(Limits::default(), [7; 32]);
    /// # let mut client = Client::new(now, ClientConfig::default(), 7);
    /// # client.register(now, "alice", b"")?;
    /// # let arrived = client.transmit().concat();
    /// # let registration = Handshake::new(now, hub.limits()).receive(now, &mut &arrived[..])?.expect("it is whole");
    /// # hub.admit(now, registration)?;
    /// // A guest has registered as Alice, and now the one comes to whom the name belongs.
    /// let alice: UserName = "alice".parse()?;
    /// hub.rename(now, &alice, "Guest-17", "the name belongs to somebody else")?;
    /// assert_eq!(hub.user_names().map(UserName::as_str).collect::<Vec<_>>(), ["guest-17"]);
    /// assert_eq!(hub.rename(now, &alice, "Guest-18", ""), Err(RenameError::NoSuchUser));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Each [`RenameError`] says what is wrong. [`RenameError::Unavailable`] passes: drain the actions, and try again.
    pub fn rename(&mut self, now: Instant, user: &UserName, to: &str, why: &str) -> Result<(), RenameError> {
        self.clock(now);
        let name = UserName::new(to)?;
        let oldest = self.holder(user).ok_or(RenameError::NoSuchUser)?;
        let is_another = name != *user;
        if is_another && self.holder(&name).is_some() {
            return Err(RenameError::NameInUse);
        }
        let key = name.confusable_key();
        let sessions = self.ordered.sessions();
        // The name that it has is free when it has the other one.
        if sessions.lookalikes(&name, &key).any(|other| other != oldest) {
            return Err(RenameError::Confusable);
        }
        let display_name = Some(to).filter(|to| *to != name.as_str());
        if !is_another && sessions.ring(oldest).all(|session| sessions[session].display_name() == display_name) {
            return Ok(());
        }
        let mut work = Work::new(SLICE_WORK_MAX);
        let name_of = self.ordered.name_of(oldest, &mut work);
        let changed = name_of.map(|name_of| {
            name_of.change(&NewName { name: &name, display_name, key: &key }, cut_detail(why), self.delivery.last_id)
        });
        self.note_work(work.spent() + changed.unwrap_or_default());
        if changed.is_none() {
            return Err(RenameError::Unavailable);
        }
        let (sessions, _) = self.ordered.unordered();
        sessions.ring(oldest).for_each(|session| self.delivery.header_cache.forget(session));
        if is_another {
            self.presence.changed(sessions, user.as_str());
            self.presence.changed(sessions, name.as_str());
        }
        sessions.events.push_back(HubEvent::Renamed { from: user.clone(), name });
        Ok(())
    }
}
