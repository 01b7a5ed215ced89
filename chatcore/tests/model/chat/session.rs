//! A session: what it is to be told, in which order, and what may be left out of that.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::mem;
use std::ops::RangeInclusive;
use std::time::Duration;

use chatcore::{DeliveryStatus, Event, Instant, LeaveCode, MessageId, RejectCode, RoomName, SessionId, UserName};

use super::requests::Waiting;
use super::{NAMES, ROOMS};

/// More than a frame takes beside a body.
pub(super) const FRAME_BYTES: usize = 64;

/// What an outbox must have room for beside a body, and what it can still hold of an acknowledged stream.
const SPARE_BYTES: usize = 256 + 256;

/// What makes room in an outbox between what a session hears at one time: the acknowledgement of what it heard before,
/// a resume, and the acknowledgement of what it has just heard of this.
const TIMES_OF_ROOM_MAX: u32 = 3;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Message {
    pub(crate) id: MessageId,
    pub(crate) from: usize,
    pub(crate) room: Option<usize>,
    pub(crate) body: Vec<u8>,
}

/// Somebody has come into a room, or gone out of it for a reason.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct News {
    pub(super) room: usize,
    pub(super) user: usize,
    pub(super) left: Option<LeaveCode>,
}

/// What a session is told in order.
#[derive(Clone, Debug)]
pub(super) enum Entry {
    /// It may be missed if the outbox was perhaps full.
    Message { message: Message, may_be_missed: bool },
    /// All that happened at one time, in no order. If the contrary follows before it was told, nobody need hear of
    /// either.
    News(Vec<News>),
    /// A join or a leave is done: messages of the room come only between the two.
    Done { number: u64, left: Option<usize> },
    /// The client before has left a room, and what it missed there is told before this.
    Gone { room: usize },
    /// Another session of its user has come into these rooms with it, in any order, or gone out of them.
    Own { rooms: BTreeSet<usize>, is_in: bool },
    /// Another session of its user has sent a message.
    Sent { id: MessageId, to: usize, body: Vec<u8> },
}

/// What a request is answered with somewhere in the stream.
#[derive(Debug, PartialEq)]
pub(super) enum Answer {
    Accepted(MessageId),
    Rejected(RejectCode),
    /// The page may be empty, and not the last, if the outbox was perhaps full.
    Members {
        users: BTreeSet<usize>,
        may_be_empty: bool,
    },
    /// Likewise.
    Subscribed {
        rooms: BTreeSet<usize>,
        may_be_empty: bool,
    },
}

/// What was left out of a room, and not told yet.
#[derive(Debug, Default)]
pub(super) struct Unheard {
    pub(super) missed: Vec<MessageId>,
    /// Misses that it was told of at this time since the last message. They are told at once, but when there is room.
    pub(super) misses_told: u32,
    /// Who is in the room, and is not known to be, or the other way round.
    pub(super) changed: BTreeSet<usize>,
    /// It is told that there were changes; which, is known when the stream has come to its end.
    pub(super) is_stale: bool,
}

pub(crate) struct Session {
    pub(super) user: usize,
    pub(crate) id: SessionId,
    /// How many sessions had begun before, and this one.
    pub(super) begun: u64,
    /// Messages with higher ids that bear its name are its own, and what was sent to its user since has come to it.
    pub(super) since: MessageId,
    /// Messages with ids above the first, up to the second, may have come to other sessions of its user that have
    /// ended.
    pub(super) shared: Option<(MessageId, MessageId)>,
    /// How long it waits when its connection breaks.
    pub(crate) resume_time: Duration,
    /// Until when it waits for a connection.
    pub(crate) detached_until: Option<Instant>,
    /// Those that are done.
    pub(super) requests: u64,
    /// Those that are not.
    pub(super) waiting: VecDeque<Waiting>,
    pub(super) stream: VecDeque<Entry>,
    /// What it was told of messages since it began, or since it was last taken over. What is acknowledged may be left
    /// out.
    pub(super) told: VecDeque<Event>,
    /// What the client before was told and has not acknowledged, and this one is still to be told.
    pub(super) again: VecDeque<Event>,
    pub(super) answers: BTreeMap<u64, Answer>,
    pub(super) unheard: [Unheard; ROOMS.len()],
    /// What was accepted of it for users, and to whom it went.
    pub(super) sent: BTreeMap<MessageId, usize>,
    /// What of that was in the stream of somebody who broke off, and it is not told yet.
    pub(super) due: BTreeMap<MessageId, DeliveryStatus>,
    /// Bytes that its outbox holds, at the most.
    pub(super) owed_bytes: usize,
    /// That was perhaps too much for what somebody had to tell.
    pub(super) was_full: bool,
}

impl Session {
    /// A session that begins after this message.
    pub(super) fn new(user: usize, id: SessionId, begun: u64, since: MessageId) -> Self {
        Self {
            user,
            id,
            begun,
            since,
            shared: None,
            resume_time: Duration::ZERO,
            detached_until: None,
            requests: 0,
            waiting: VecDeque::new(),
            stream: VecDeque::new(),
            told: VecDeque::new(),
            again: VecDeque::new(),
            answers: BTreeMap::new(),
            unheard: Default::default(),
            sent: BTreeMap::new(),
            due: BTreeMap::new(),
            owed_bytes: 0,
            was_full: false,
        }
    }

    /// Another session of its user has ended, which had begun after the first of these messages and got the second.
    pub(super) fn share(&mut self, (after, until): (MessageId, MessageId)) {
        let after = self.shared.map_or(after, |(before, _)| before.min(after));
        self.shared = Some((after, until));
    }

    pub(super) fn has_room(&self, body_bytes: usize, outbox_bytes_max: usize) -> bool {
        self.owed_bytes + body_bytes + SPARE_BYTES <= outbox_bytes_max
    }

    pub(super) fn owe(&mut self, entry: Entry, body_bytes: usize) {
        self.stream.push_back(entry);
        self.owed_bytes += body_bytes + FRAME_BYTES;
    }

    /// Counts a request.
    pub(super) fn ask(&mut self) -> u64 {
        self.requests += 1;
        self.owed_bytes += FRAME_BYTES;
        self.requests
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        let number = self.ask();
        self.answers.insert(number, answer);
    }

    // ---- what it is told ----

    pub(super) fn hear(&mut self, event: &Event) {
        if self.hear_again(event) {
            return;
        }
        match event {
            Event::Message { id, from, room, body, .. } => {
                let room = room.as_ref().map(room_of);
                let told = Message { id: *id, from: user_of(from), room, body: body.clone() };
                self.reach(|entry| matches!(entry, Entry::Message { message, .. } if *message == told));
                if let Some(room) = room {
                    let Unheard { missed, misses_told, .. } = &mut self.unheard[room];
                    assert!(missed.is_empty(), "{missed:?} is told before {told:?}");
                    *misses_told = 0;
                }
            }
            Event::Missed { room, first_id, last_id, count, .. } => {
                self.hear_missed(room_of(room), *first_id..=*last_id, *count);
            }
            Event::Sent { id, to, body, .. } => {
                let told = (*id, user_of(to), body);
                self.reach(|entry| matches!(entry, Entry::Sent { id, to, body } if (*id, *to, body) == told));
            }
            Event::Joined { room, name, .. } if user_of(name) == self.user => self.hear_own(room_of(room), true),
            Event::Left { room, name, code: LeaveCode::Left, .. } if user_of(name) == self.user => {
                self.hear_own(room_of(room), false);
            }
            Event::Joined { room, name, .. } => self.hear_news(room_of(room), user_of(name), None),
            Event::Left { room, name, code, .. } => self.hear_news(room_of(room), user_of(name), Some(*code)),
            Event::Stale { room, .. } => {
                assert!(self.was_full, "{room} is stale though there was room");
                self.unheard[room_of(room)].is_stale = true;
            }
            Event::Done { number, .. } => {
                let is_it = |entry: &Entry| matches!(entry, Entry::Done { number: done, .. } if done == number);
                if let Entry::Done { left: Some(room), .. } = self.reach(is_it) {
                    self.leave(room);
                }
            }
            Event::Accepted { number, id, .. } => self.hear_answer(*number, &Answer::Accepted(*id)),
            Event::Rejected { number, code, .. } => self.hear_answer(*number, &Answer::Rejected(*code)),
            Event::Members { number, users, next, .. } => {
                let listed = users.len();
                let users: BTreeSet<_> = users.iter().map(|user| user_of(&user.name)).collect();
                assert_eq!(users.len(), listed, "a page has each user once");
                let may_be_empty = matches!(self.answers.get(number), Some(Answer::Members { may_be_empty: true, .. }));
                if may_be_empty && (users.is_empty(), *next) == (true, Some(0)) {
                    self.answers.remove(number);
                } else {
                    assert_eq!(*next, None, "so few fit a page");
                    self.hear_answer(*number, &Answer::Members { users, may_be_empty });
                }
            }
            Event::Subscribed { number, rooms, users, next, .. } => {
                assert_eq!(users[..], [], "nobody is watched");
                let listed = rooms.len();
                let rooms: BTreeSet<_> = rooms.iter().map(room_of).collect();
                assert_eq!(rooms.len(), listed, "a page has each room once");
                let may_be_empty =
                    matches!(self.answers.get(number), Some(Answer::Subscribed { may_be_empty: true, .. }));
                if may_be_empty && (rooms.is_empty(), *next) == (true, Some(0)) {
                    self.answers.remove(number);
                } else {
                    assert_eq!(*next, None, "so few fit a page");
                    self.hear_answer(*number, &Answer::Subscribed { rooms, may_be_empty });
                }
            }
            Event::Report { status, to, ids, .. } => {
                for id in ids {
                    assert_eq!(
                        self.sent.remove(id),
                        Some(user_of(to)),
                        "{id} went to {to} alone, and is reported once"
                    );
                    let due = self.due.remove(id).unwrap_or(DeliveryStatus::Unconfirmed);
                    assert_eq!(due, *status, "whether {id} was written, or somebody else had it");
                }
            }
            other => panic!("nobody asked for {other:?}"),
        }
    }

    pub(super) fn hear_own(&mut self, room: usize, is_in: bool) {
        let told = |entry: &Entry| match entry {
            Entry::Own { rooms, is_in: change } => *change == is_in && rooms.contains(&room),
            _ => false,
        };
        if let Entry::Own { mut rooms, is_in } = self.reach(told)
            && rooms.remove(&room)
            && !rooms.is_empty()
        {
            self.stream.push_front(Entry::Own { rooms, is_in });
        }
        if !is_in {
            self.leave(room);
        }
    }

    pub(super) fn leave(&mut self, room: usize) {
        let Unheard { missed, .. } = mem::take(&mut self.unheard[room]);
        assert!(missed.is_empty(), "{missed:?} is told before the leave is done");
    }

    pub(super) fn hear_answer(&mut self, number: u64, answer: &Answer) {
        assert_eq!(self.answers.remove(&number).as_ref(), Some(answer), "the answer to request {number}, once");
    }

    pub(super) fn hear_missed(&mut self, room: usize, told: RangeInclusive<MessageId>, count: u64) {
        while self.unheard[room].missed.last() != Some(told.end()) {
            let entry = self.stream.pop_front();
            self.leave_out(entry.unwrap_or_else(|| panic!("{told:?} of room {room} is not missed in this place")));
        }
        let Unheard { missed, misses_told, .. } = &mut self.unheard[room];
        let all = (&missed[0], missed.len() as u64);
        assert_eq!((told.start(), count), all, "all that is missed is told at once: {missed:?}");
        missed.clear();
        *misses_told += 1;
        assert!(*misses_told <= TIMES_OF_ROOM_MAX, "misses that follow each other are told with one missed");
    }

    pub(super) fn hear_news(&mut self, room: usize, user: usize, left: Option<LeaveCode>) {
        let told = News { room, user, left };
        let entry = self.reach(|entry| matches!(entry, Entry::News(news) if news.contains(&told)));
        if let Entry::News(mut news) = entry {
            news.retain(|other| *other != told);
            self.stream.push_front(Entry::News(news));
        }
        let Unheard { changed, is_stale, .. } = &self.unheard[room];
        assert!(changed.is_empty() || *is_stale, "changes of {changed:?} are told before {told:?}");
    }

    /// Goes on in the stream to what it is told. Whatever is before that is left out.
    pub(super) fn reach(&mut self, is_it: impl Fn(&Entry) -> bool) -> Entry {
        loop {
            let entry = self.stream.pop_front().expect("what is told is in the stream, in this order");
            if is_it(&entry) {
                return entry;
            }
            self.leave_out(entry);
        }
    }

    pub(super) fn leave_out(&mut self, entry: Entry) {
        match entry {
            Entry::Message { message: Message { id, room: Some(room), .. }, may_be_missed: true } => {
                self.unheard[room].missed.push(id);
            }
            Entry::News(news) => {
                for News { room, user, .. } in news {
                    let changed = &mut self.unheard[room].changed;
                    if !changed.remove(&user) {
                        changed.insert(user);
                    }
                }
            }
            Entry::Gone { room } => self.leave(room),
            other => panic!("{other:?} is left out"),
        }
    }

    /// All that could be told by now is told.
    pub(super) fn come_to_the_end(&mut self) {
        assert!(self.again.is_empty(), "nobody tells again: {:?}", self.again);
        assert!(self.answers.is_empty(), "unanswered: {:?}", self.answers);
        assert!(self.due.is_empty(), "not reported: {:?}", self.due);
        while let Some(entry) = self.stream.pop_front() {
            self.leave_out(entry);
        }
        for unheard in &mut self.unheard {
            unheard.misses_told = 0;
            if mem::take(&mut unheard.is_stale) {
                unheard.changed.clear();
            }
        }
    }
}

fn user_of(name: &UserName) -> usize {
    NAMES.into_iter().position(|known| known == name.as_str()).expect("a known name")
}

fn room_of(name: &RoomName) -> usize {
    ROOMS.into_iter().position(|known| known == name.as_str()).expect("a known room")
}
