//! What fields hold beyond what their types say: lengths, and values that go together (protocol.md, *Bounds of fields*).
//! A breach is an `invalid_value`, whichever side finds it.

use super::message::{AcceptedRun, ClientMessage, HubMessage};
use super::message_id::MessageId;
use crate::limits::{CREDENTIAL_BYTES_MAX, DETAIL_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, ONLINE_NAMES_MAX};
use crate::name::{NAME_BYTES_MAX, ROOM_SIGN};

/// A set of messages that can be held against the bounds of their fields.
pub(super) trait Bounded {
    /// Every field is within its bounds.
    fn is_within_bounds(&self) -> bool;
}

impl Bounded for ClientMessage<'_> {
    fn is_within_bounds(&self) -> bool {
        match self {
            Self::Register(register) => {
                register.credential.len() <= CREDENTIAL_BYTES_MAX
                    && register.frame_bytes_max >= HANDSHAKE_FRAME_BYTES_MAX
            }
            Self::Resume(resume) => resume.frame_bytes_max >= HANDSHAKE_FRAME_BYTES_MAX,
            // Only a hub knows where to reconnect.
            Self::Goodbye(goodbye) => is_detail(goodbye.detail) && goodbye.reconnect.is_none(),
            Self::Error(error) => is_detail(error.detail),
            // Names are spellings, and a list may be too long: the hub answers these.
            Self::Send(_)
            | Self::Join(_)
            | Self::Leave(_)
            | Self::Roster(_)
            | Self::Watch(_)
            | Self::Unwatch(_)
            | Self::Who(_)
            | Self::Ack(_)
            | Self::Ping(_)
            | Self::Pong(_) => true,
        }
    }
}

impl Bounded for HubMessage<'_> {
    fn is_within_bounds(&self) -> bool {
        match self {
            Self::Welcome(welcome) => is_user(welcome.name),
            Self::Refused(refused) => is_detail(refused.detail),
            Self::Goodbye(goodbye) => {
                let address = goodbye.reconnect.and_then(|hint| hint.address);
                is_detail(goodbye.detail) && address.is_none_or(is_detail)
            }
            Self::Error(error) => is_detail(error.detail),
            Self::Deliver(deliver) => is_user(deliver.from),
            Self::RoomDeliver(deliver) => is_room(deliver.room) && is_user(deliver.from),
            Self::Accepted(accepted) => !accepted.runs.is_empty() && accepted.runs.iter().all(is_run),
            Self::Online(online) => is_page(&online.names),
            Self::Members(members) => is_page(&members.names),
            Self::Joined(joined) => is_room(joined.room) && is_user(joined.name),
            Self::Left(left) => is_room(left.room) && is_user(left.name),
            Self::Presence(presence) => is_user(presence.name),
            Self::Report(report) => is_user(report.to) && is_rising(&report.ids),
            Self::Missed(missed) => is_room(missed.room) && missed.first_id <= missed.last_id && missed.count > 0,
            Self::Stale(stale) => is_room(stale.room),
            Self::Resumed(_) | Self::Ack(_) | Self::Ping(_) | Self::Pong(_) | Self::Rejected(_) | Self::Done(_) => true,
        }
    }
}

fn is_detail(text: &str) -> bool {
    text.len() <= DETAIL_BYTES_MAX
}

/// A user's name as a hub sends it. The rest of what makes a name is for the hub to judge: a client may know less of
/// Unicode.
fn is_user(name: &str) -> bool {
    (1..=NAME_BYTES_MAX).contains(&name.len())
}

fn is_room(name: &str) -> bool {
    name.strip_prefix(ROOM_SIGN).is_some_and(is_user)
}

fn is_page(names: &[&str]) -> bool {
    names.len() <= ONLINE_NAMES_MAX && names.iter().all(|name| is_user(name))
}

fn is_run(run: &AcceptedRun) -> bool {
    let more = u64::from(run.more);
    run.number > 0 && run.number.checked_add(more).is_some() && run.id.0.checked_add(more).is_some()
}

fn is_rising(ids: &[MessageId]) -> bool {
    !ids.is_empty() && ids.is_sorted_by(|one, next| one < next)
}
