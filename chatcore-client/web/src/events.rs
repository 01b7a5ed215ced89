//! Events as bytes. The number of each kind is its place in the list of `js/src/decode.ts`.

use alloc::string::ToString;

use chatcore::wire::Announced;
use chatcore::{Closed, Event, SessionTicket, User};

use crate::encoding::Encoder;

/// What became of a client's goodbye.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Goodbye {
    /// The hub has answered it, or there was no session to end.
    Heard,
    /// It went out, and nobody knows whether the hub has it.
    Unconfirmed,
    /// There was no connection.
    Unsent,
}

impl Goodbye {
    /// Its code, and the same for people.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Heard => ("ended", "closed"),
            Self::Unconfirmed => {
                ("unconfirmed", "closed, but the server has not answered: it may keep the session for its resume time")
            }
            Self::Unsent => {
                ("unsent", "closed without a connection: the server keeps the session until its resume time is over")
            }
        }
    }
}

/// Adds an event; false if it is of a kind that the package does not know.
pub(crate) fn encode(to: &mut Encoder, event: &Event, goodbye: Goodbye) -> bool {
    encode_about_us(to, event, goodbye) || encode_answer(to, event) || encode_about_others(to, event)
}

/// The session and its connection.
fn encode_about_us(to: &mut Encoder, event: &Event, goodbye: Goodbye) -> bool {
    match event {
        Event::Registered { name, display_name, limits, .. } => {
            to.byte(0).text(name.as_str()).option_text(display_name.as_deref());
            encode_limits(to, limits);
        }
        Event::Refused { code, detail, wait, .. } => {
            to.byte(1).text(code.name()).text(detail).option(*wait, |to, wait| {
                to.time(wait);
            });
        }
        Event::Reconnecting { why, attempt, after, .. } => {
            encode_closed(to.byte(2), why);
            to.count(*attempt).time(*after);
        }
        Event::Disconnected { why, .. } => encode_closed(to.byte(3), why),
        Event::Connect { .. } => {
            to.byte(4);
        }
        Event::Resumed => {
            to.byte(5);
        }
        Event::SessionLost { unsent_from, .. } => {
            to.byte(6).number(*unsent_from);
        }
        Event::Renamed { from, name, display_name, detail, .. } => {
            to.byte(7).text(from.as_str()).text(name.as_str()).option_text(display_name.as_deref()).text(detail);
        }
        Event::Closed(Closed::Left) => {
            let (code, words) = goodbye.words();
            to.byte(8).text("closed").text(code).text(words).flag(false);
        }
        Event::Closed(closed) => encode_closed(to.byte(8), closed),
        _ => return false,
    }
    true
}

/// Answers to requests.
fn encode_answer(to: &mut Encoder, event: &Event) -> bool {
    match event {
        Event::Accepted { number, id } => {
            to.byte(9).number(*number).number(id.0);
        }
        Event::Done { number } => {
            to.byte(10).number(*number);
        }
        Event::Rejected { number, code, .. } => {
            to.byte(11).number(*number).text(code.name());
        }
        Event::Online { number, users, next, .. } => encode_page(to.byte(12), *number, users, *next),
        Event::Members { number, users, next, .. } => encode_page(to.byte(13), *number, users, *next),
        Event::Subscribed { number, rooms, users, next, .. } => {
            to.byte(22).number(*number).count(length(rooms.len()));
            for room in rooms {
                to.text(room.as_str());
            }
            to.count(length(users.len()));
            for user in users {
                to.text(user.as_str());
            }
            to.option(*next, |to, next| {
                to.number(next);
            });
        }
        _ => return false,
    }
    true
}

/// What others do.
fn encode_about_others(to: &mut Encoder, event: &Event) -> bool {
    match event {
        Event::Message { id, from, room, body, .. } => {
            let room = room.as_ref().map(AsRef::as_ref);
            to.byte(14).number(id.0).text(from.as_str()).option_text(room).blob(body);
        }
        Event::Sent { id, to: recipient, body, .. } => {
            to.byte(15).number(id.0).text(recipient.as_str()).blob(body);
        }
        Event::Report { status, to: recipient, ids, .. } => {
            to.byte(16).text(status.name()).text(recipient.as_str()).count(length(ids.len()));
            for id in ids {
                to.number(id.0);
            }
        }
        Event::Joined { room, name, display_name, .. } => {
            to.byte(17).text(room.as_str()).text(name.as_str()).option_text(display_name.as_deref());
        }
        Event::Left { room, name, code, .. } => {
            to.byte(18).text(room.as_str()).text(name.as_str()).text(code.name());
        }
        Event::Missed { room, first_id, last_id, count, .. } => {
            to.byte(19).text(room.as_str()).number(first_id.0).number(last_id.0).number(*count);
        }
        Event::Stale { room, .. } => {
            to.byte(20).text(room.as_str());
        }
        Event::Presence { name, online, display_name, .. } => {
            to.byte(21).text(name.as_str()).flag(*online).option_text(display_name.as_deref());
        }
        _ => return false,
    }
    true
}

fn length(count: usize) -> u32 {
    count.try_into().expect("a module has less memory")
}

fn encode_page(to: &mut Encoder, number: u64, users: &[User], next: Option<u64>) {
    to.number(number).count(length(users.len()));
    for user in users {
        to.text(user.name.as_str()).option_text(user.display_name.as_deref());
    }
    to.option(next, |to, next| {
        to.number(next);
    });
}

/// What the hub allows.
pub(crate) fn encode_limits(to: &mut Encoder, limits: &Announced) {
    to.count(limits.frame_bytes_max)
        .count(limits.body_bytes_max)
        .count(limits.outbox_bytes_max)
        .count(limits.stall_ms_max)
        .count(limits.idle_ms_max)
        .count(limits.resume_ms_max)
        .count(limits.rooms_max)
        .count(limits.watches_max)
        .count(limits.cost_per_s)
        .count(limits.cost_burst);
}

/// A ticket, whose token is secret.
pub(crate) fn encode_ticket(to: &mut Encoder, ticket: &SessionTicket) {
    to.text(ticket.name.as_str())
        .option_text(ticket.display_name.as_deref())
        .blob(ticket.token.as_bytes())
        .number(ticket.attempt);
}

/// Why a connection or a client ended: what kind of end it is, a code, words, and after which time the hub wants to see
/// us again.
fn encode_closed(to: &mut Encoder, closed: &Closed) {
    let (kind, code, after) = match closed {
        Closed::Goodbye { code, reconnect, .. } => ("goodbye", code.name(), reconnect.as_ref().map(|hint| hint.after)),
        Closed::Refused { code, wait, .. } => ("refused", code.name(), *wait),
        Closed::Error { code, .. } => ("error", code.name(), None),
        Closed::ProtocolError(error) => ("protocol_error", error.code().name(), None),
        Closed::OtherProtocol(_) => ("other_protocol", "other_protocol", None),
        Closed::TimedOut => ("timed_out", "timed_out", None),
        Closed::Disconnected => ("disconnected", "disconnected", None),
        _ => ("other", "other", None),
    };
    to.text(kind).text(code);
    match closed {
        // The hint is told beside the words.
        Closed::Goodbye { detail, .. } => to.text(if detail.is_empty() { code } else { detail }),
        other => to.text(&other.to_string()),
    };
    to.option(after, |to, after| {
        to.time(after);
    });
}
