//! What fields hold beyond what their types say: lengths, and values that go together (protocol.md, *Rules and
//! breaches*). A breach is an `invalid_value`, whichever side finds it.

use super::chat::{
    Accepted, AcceptedRun, Deliver, DeliveryReport, Done, Join, Joined, Leave, Left, Members, Missed, Online, Presence,
    Rejected, Renamed, RoomDeliver, Roster, Send, Sent, Stale, Subscribed, Subscriptions, Unwatch, UserInfo, Watch,
    Who,
};
use super::connection::{Ack, ErrorMessage, Goodbye, Ping, Pong, Refused, Register, Resume, Resumed, Welcome};
use super::message_id::MessageId;
use super::sizes::{CREDENTIAL_BYTES_MAX, DETAIL_BYTES_MAX, HANDSHAKE_FRAME_BYTES_MAX, PAGE_NAMES_MAX, PAGE_USERS_MAX};
// The rest of what makes a name is for the hub to judge: a client may know less of Unicode.
use crate::name::{ROOM_SIGN, SPELLING_BYTES_MAX, is_room_sized as is_room, is_sized as is_user};

/// The end that says a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Client,
    Hub,
}

/// The fields of a message that can be held against their bounds.
pub(super) trait Bounded {
    /// Every field is within its bounds.
    fn is_within_bounds(&self, from: Side) -> bool;
}

macro_rules! bounds {
    ($($(#[$meta:meta])* $type:ty: |$fields:pat_param, $from:pat_param| $check:expr,)+) => {
        $($(#[$meta])* impl Bounded for $type {
            #[inline]
            fn is_within_bounds(&self, $from: Side) -> bool {
                let $fields = self;
                $check
            }
        })+
    };
}

bounds! {
    Register<'_>: |register, _| {
        register.credential.len() <= CREDENTIAL_BYTES_MAX && register.frame_bytes_max >= HANDSHAKE_FRAME_BYTES_MAX
    },
    Resume<'_>: |resume, _| resume.frame_bytes_max >= HANDSHAKE_FRAME_BYTES_MAX,
    Welcome<'_>: |welcome, _| is_user(welcome.name) && is_display(welcome.name, welcome.display_name),
    Refused<'_>: |refused, _| is_detail(refused.detail),
    Goodbye<'_>: |goodbye, from| is_detail(goodbye.detail) && match goodbye.reconnect {
        None => true,
        // Only a hub knows where to reconnect.
        Some(hint) => from == Side::Hub && hint.address.is_none_or(is_detail),
    },
    ErrorMessage<'_>: |error, _| is_detail(error.detail),
    Deliver<'_>: |deliver, _| is_user(deliver.from),
    Sent<'_>: |sent, _| is_user(sent.to),
    Renamed<'_>: |renamed, _| {
        is_user(renamed.name) && is_display(renamed.name, renamed.display_name) && is_detail(renamed.detail)
    },
    RoomDeliver<'_>: |deliver, _| is_room(deliver.room) && is_user(deliver.from),
    Accepted: |accepted, _| !accepted.runs.is_empty() && accepted.runs.iter().all(is_run),
    Online<'_>: |online, _| is_page(&online.users),
    Members<'_>: |members, _| is_page(&members.users),
    Joined<'_>: |joined, _| {
        is_room(joined.room) && is_user(joined.name) && is_display(joined.name, joined.display_name)
    },
    Left<'_>: |left, _| is_room(left.room) && is_user(left.name),
    Presence<'_>: |presence, _| {
        is_user(presence.name)
            && is_display(presence.name, presence.display_name)
            && (presence.online || presence.display_name.is_none())
    },
    DeliveryReport<'_>: |report, _| is_user(report.to) && is_rising(&report.ids),
    Missed<'_>: |missed, _| is_room(missed.room) && missed.first_id <= missed.last_id && missed.count > 0,
    Stale<'_>: |stale, _| is_room(stale.room),
    Subscribed<'_>: |page, _| {
        let is_name = |name: &&str| if name.starts_with(ROOM_SIGN) { is_room(name) } else { is_user(name) };
        page.names.len() <= PAGE_NAMES_MAX && page.names.iter().all(is_name)
    },
    // Names of a client are spellings, and a list may be too long: the hub answers these.
    Send<'_>: |_, _| true,
    Join<'_>: |_, _| true,
    Leave<'_>: |_, _| true,
    Roster<'_>: |_, _| true,
    Watch<'_>: |_, _| true,
    Unwatch<'_>: |_, _| true,
    // Numbers may be any.
    Who: |_, _| true,
    Subscriptions: |_, _| true,
    Ack: |_, _| true,
    Ping: |_, _| true,
    Pong: |_, _| true,
    Resumed: |_, _| true,
    Rejected: |_, _| true,
    Done: |_, _| true,
}

fn is_detail(text: &str) -> bool {
    text.len() <= DETAIL_BYTES_MAX
}

fn is_page(users: &[UserInfo<'_>]) -> bool {
    let is_within = |user: &UserInfo<'_>| is_user(user.name) && is_display(user.name, user.display_name);
    users.len() <= PAGE_USERS_MAX && users.iter().all(is_within)
}

/// What is shown is another spelling than the name. That it maps to the name is for the client to see, as far as it
/// can.
fn is_display(name: &str, display_name: Option<&str>) -> bool {
    display_name.is_none_or(|display| (1..=SPELLING_BYTES_MAX).contains(&display.len()) && display != name)
}

fn is_run(run: &AcceptedRun) -> bool {
    let more = u64::from(run.more);
    run.number > 0 && run.number.checked_add(more).is_some() && run.id.0.checked_add(more).is_some()
}

fn is_rising(ids: &[MessageId]) -> bool {
    !ids.is_empty() && ids.is_sorted_by(|one, next| one < next)
}
