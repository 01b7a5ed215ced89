//! What is written down.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::vec::Vec;
use core::time::Duration;

use crate::sim::network::WireId;
use crate::{CloseReason, DeliveryStatus, Event, Instant, MessageId, QuestionId, RejectCode};

/// Something that a user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sim) enum Request {
    Send {
        message: usize,
    },
    Join {
        room: usize,
    },
    Leave {
        room: usize,
    },
    Watch {
        names: Vec<usize>,
    },
    Unwatch {
        names: Vec<usize>,
    },
    Who,
    Roster {
        room: usize,
    },
    /// The first page of what a session is subscribed to, or another one.
    Subscriptions {
        is_first: bool,
    },
}

/// Whom a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sim) enum To {
    User(usize),
    Room(usize),
}

/// A message, from its sender's hand on.
#[derive(Clone, Debug)]
pub(super) struct Sent {
    /// The device that sends it.
    pub(super) sender: usize,
    pub(super) to: To,
    pub(super) bytes: usize,
    pub(super) at: Instant,
    /// The number of the name to which it was sent, if it is for a user.
    pub(super) addressed: usize,
    /// When the hub took it, and in which session.
    /// It has come to the hub.
    pub(super) has_come: bool,
    /// When the hub took it, and in which session; none if the program denied it.
    pub(super) taken: Option<Taken>,
    pub(super) answer: Option<Result<MessageId, RejectCode>>,
    pub(super) id: Option<MessageId>,
    /// Its sender was told that it never went out.
    pub(super) unsent: bool,
    /// In which sessions of those that it is for it was seen, and where in their streams.
    pub(super) seen: BTreeMap<usize, u64>,
    /// Which other sessions of its sender were told that it was sent, and where in their streams.
    pub(super) copied: BTreeMap<usize, u64>,
    /// To the connections of which sessions it was written, whole.
    pub(super) written: BTreeSet<usize>,
    /// What its sender was told of it, in which of its sessions, and where in their streams.
    pub(super) reports: BTreeMap<usize, (DeliveryStatus, u64)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) order: u64,
    pub(super) session: usize,
}

/// A request that waits for an answer of the program, or after one that does.
#[derive(Clone, Debug)]
pub(super) struct WaitingRequest {
    pub(super) request: Request,
    pub(super) came_at: Instant,
    /// The program is asked about it.
    pub(super) is_question: bool,
    /// The question, once the program has taken it.
    pub(super) question: Option<QuestionId>,
    /// What the program has decided.
    pub(super) verdict: Option<Result<(), RejectCode>>,
}

/// A request as the hub did it: its number in the session is its index and one.
#[derive(Clone, Debug)]
pub(super) struct TakenRequest {
    pub(super) order: u64,
    pub(super) request: Request,
    /// What the program has decided, if it was asked.
    pub(super) verdict: Result<(), RejectCode>,
    /// The session had not ended before, in the same batch.
    pub(super) is_sure: bool,
    pub(super) answer: Option<Result<(), RejectCode>>,
}

/// A device of a user at a hub, from the welcome until the hub has forgotten it.
#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) user: usize,
    pub(super) device: usize,
    /// The user's stay of which it is a part.
    pub(super) stay: usize,
    pub(super) is_detached: bool,
    /// How many of its user's names it was told.
    pub(super) named: usize,
    /// Since when, or since when it was the last time.
    pub(super) detached_at: Instant,
    /// How long it waits when its connection breaks.
    pub(super) resume_time: Duration,
    /// The hub knows that its client has its welcome.
    pub(super) is_confirmed: bool,
    /// The session that another client had, and that this client goes on with.
    pub(super) predecessor: Option<usize>,
    /// Another client goes on with it.
    pub(super) handed_on: Option<HandedOn>,
    /// It was there after this many requests.
    pub(super) begun: u64,
    /// What the first of these had led to was out when it began: it gets nothing of that.
    pub(super) begun_after: u64,
    /// So many sessions had ended before it began.
    pub(super) begun_place: usize,
    pub(super) ended: Option<Ended>,
    pub(super) asked: Vec<TakenRequest>,
    /// Requests that have come after these.
    pub(super) waiting: VecDeque<WaitingRequest>,
    /// Which of these are watches and unwatches, by the number of the name.
    watches: BTreeMap<usize, Vec<usize>>,
    /// The last message that has come.
    pub(super) last_sent: Option<usize>,
    /// What the hub was told has arrived.
    pub(super) acked: u64,
    /// The same, if the hub has read to the end of the batch in which the session ended.
    pub(super) acked_perhaps: u64,
    /// All that its user was told, numbers as in the session itself.
    pub(super) stream: Vec<(u64, Event)>,
    pub(super) last_message: Option<MessageId>,
    /// The last answered request.
    pub(super) last_answer: u64,
    /// How it stands with the names that are watched, as far as was told, by their numbers.
    pub(super) presence: BTreeMap<usize, bool>,
    /// The rooms that it is in, as far as was told.
    pub(super) own_rooms: BTreeSet<usize>,
    /// Whether another user is in a room, as far as was told, by room and user.
    pub(super) beside: BTreeMap<(usize, usize), bool>,
    /// The numbers of the names under which others have come into rooms, by room and user, as far as was told.
    pub(super) beside_as: BTreeMap<(usize, usize), usize>,
    pub(super) tallies: BTreeMap<(usize, usize), Tally>,
    /// The last message of each room that was seen, or is known to be missed.
    pub(super) reached: BTreeMap<usize, MessageId>,
    /// What was missed, by room.
    pub(super) gaps: BTreeMap<usize, Vec<Gap>>,
    /// When all that was put into the outbox was written, and how much that was, as far as not acknowledged.
    pub(super) written: VecDeque<Caught>,
    /// The last time at which all was written that is acknowledged now.
    pub(super) caught: Caught,
    /// Numbered frames that were written to its connection, and since when some of them wait for an acknowledgement
    /// without any.
    pub(super) sent: u64,
    pub(super) unacked_since: Option<Instant>,
    /// When its connection brought something last.
    pub(super) heard_at: Instant,
    /// What the answers to its own requests take, at the most.
    pub(super) own_bytes: u64,
    /// The connection that it has, or had last.
    pub(super) wire: Option<WireId>,
    /// Connections that it had.
    pub(super) connections: usize,
    /// Messages for it that were reported unconfirmed without having been written whole: of each connection, one may
    /// have been half written.
    pub(super) halves: usize,
}

/// A time at which nothing was left to be written to a session.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Caught {
    /// Numbered frames that were written until then.
    pub(super) count: u64,
    pub(super) at: Instant,
    /// What its own answers had taken until then.
    pub(super) own_bytes: u64,
}

/// Messages of a room that somebody missed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gap {
    pub(super) first: MessageId,
    pub(super) last: MessageId,
    pub(super) count: u64,
    /// Where in the stream that was told.
    pub(super) place: u64,
}

/// How often somebody was said to come into a room, and to go.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tally {
    pub(super) joined: usize,
    pub(super) left: usize,
    pub(super) quit: usize,
    pub(super) timed_out: usize,
    pub(super) renamed: usize,
}

/// The end of a session: it was still there after `after` requests, and no more after `before`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) after: u64,
    pub(super) before: u64,
    /// So many sessions ended before it.
    pub(super) place: usize,
}

/// How far a session was when another client took it over.
#[derive(Clone, Copy, Debug)]
pub(super) struct HandedOn {
    /// The hub had taken this many requests.
    pub(super) order: u64,
    /// So many numbered frames were written to the connection that it had.
    pub(super) sent: u64,
}

/// Whether somebody was in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Membership {
    Yes,
    /// The answer to the join is not known.
    Perhaps,
    No,
}

impl Session {
    /// A session of a device that begins after this many requests.
    pub(super) fn new(user: usize, device: usize, stay: usize, begun: u64) -> Self {
        Self {
            user,
            device,
            stay,
            is_detached: false,
            named: 0,
            detached_at: Instant::ZERO,
            resume_time: Duration::ZERO,
            is_confirmed: false,
            begun,
            begun_after: 0,
            begun_place: 0,
            predecessor: None,
            handed_on: None,
            ended: None,
            asked: Vec::new(),
            waiting: VecDeque::new(),
            watches: BTreeMap::new(),
            last_sent: None,
            acked: 0,
            acked_perhaps: 0,
            stream: Vec::new(),
            last_message: None,
            last_answer: 0,
            presence: BTreeMap::new(),
            own_rooms: BTreeSet::new(),
            beside: BTreeMap::new(),
            beside_as: BTreeMap::new(),
            tallies: BTreeMap::new(),
            reached: BTreeMap::new(),
            gaps: BTreeMap::new(),
            written: VecDeque::new(),
            caught: Caught::default(),
            sent: 0,
            unacked_since: None,
            heard_at: Instant::ZERO,
            own_bytes: 0,
            wire: None,
            connections: 0,
            halves: 0,
        }
    }

    /// It was surely there when the hub took this request.
    pub(super) fn was_there(&self, order: u64) -> bool {
        self.begun < order && self.ended.is_none_or(|ended| order <= ended.after)
    }

    /// It may have been there.
    pub(super) fn may_have_been_there(&self, order: u64) -> bool {
        self.ended.is_none_or(|ended| order <= ended.before)
    }

    /// A message for its user that the hub took then may be one of those that it got.
    pub(super) fn may_have_got(&self, order: u64) -> bool {
        self.begun < order && self.may_have_been_there(order)
    }

    /// Who else is in a room is not known any more, before somebody says so.
    pub(super) fn forget_others(&mut self, room: usize) {
        self.beside.retain(|(other, _), _| *other != room);
        self.beside_as.retain(|(other, _), _| *other != room);
    }

    /// Requests that have come to the hub, those that wait included.
    pub(super) fn come(&self) -> u64 {
        (self.asked.len() + self.waiting.len()) as u64
    }

    /// The hub does a request of it, or rejects it as the program wants it.
    pub(super) fn ask(&mut self, order: u64, request: Request, is_sure: bool, verdict: Result<(), RejectCode>) {
        let index = self.asked.len();
        if let (Ok(()), Request::Watch { names } | Request::Unwatch { names }) = (verdict, &request) {
            for name in names {
                self.watches.entry(*name).or_default().push(index);
            }
        }
        self.asked.push(TakenRequest { order, request, verdict, is_sure, answer: None });
    }

    /// The numbers of the names that it watches, after all that it was told.
    pub(super) fn watched(&self) -> BTreeSet<usize> {
        let is_watched = |name: &usize| {
            let done = self.watches_of(*name).filter(|(_, asked)| asked.answer == Some(Ok(())));
            done.last().is_some_and(|(_, asked)| matches!(asked.request, Request::Watch { .. }))
        };
        self.watches.keys().copied().filter(is_watched).collect()
    }

    /// What it has asked for about the presence of a name, each with its number.
    pub(super) fn watches_of(&self, name: usize) -> impl Iterator<Item = (u64, &TakenRequest)> {
        let indices = self.watches.get(&name).into_iter().flatten();
        indices.map(|index| (*index as u64 + 1, &self.asked[*index]))
    }
}

/// A client's process.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) session: Option<usize>,
    /// How many frames of the session's stream it has had, those before it included.
    pub(super) position: u64,
    /// How many events of the stream that were: a frame may be several.
    pub(super) events: usize,
    /// What the client adds to the session's own numbers.
    pub(super) base: u64,
    pub(super) last_number: u64,
    pub(super) pending: BTreeMap<u64, Request>,
}

/// What is known of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct WireFacts {
    pub(super) device: usize,
    /// How far the client said that it is.
    pub(super) position: Option<u64>,
    pub(super) session: Option<usize>,
    /// How far the session was when this connection took it up: what was acknowledged, and what was taken.
    pub(super) acked: u64,
    pub(super) taken: u64,
    /// The program vouches for whoever asks for a name over it.
    pub(super) is_vouched: bool,
    /// How long the session waits when it breaks.
    pub(super) resume_time: Duration,
}

/// A name that a user has had, by its number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Named {
    /// How many requests the hub had taken before.
    pub(super) after: u64,
    pub(super) name: usize,
}

/// The time of a user at a hub, in which at least one session of it lives.
#[derive(Clone, Debug)]
pub(super) struct Stay {
    pub(super) sessions: Vec<usize>,
    /// Joins and leaves of all its sessions by room, in the order in which the hub took them.
    pub(super) moves: BTreeMap<usize, Vec<Move>>,
    /// Why its last session ended; none if it lives, or if the hub was gone without a word.
    pub(super) over: Option<CloseReason>,
}

/// A join or a leave: the session, and its place among what the session has asked for. Without a session, it is what
/// the program has done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) session: Option<usize>,
    pub(super) index: usize,
}

/// How often the program was asked, denied something, and did not decide in time.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::sim) struct Decisions {
    pub(in crate::sim) questions: u64,
    pub(in crate::sim) denials: u64,
    pub(in crate::sim) late: u64,
}
