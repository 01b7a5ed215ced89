//! What users ask for, what it leads to, and what waits until the program has decided about it.

use chatcore::{Client, ClientError, Instant, LeaveCode, Question, QuestionId, RejectCode, Requested};

use super::session::{Answer, Entry, FRAME_BYTES, Message};
use super::{Chat, DEVICES, NAMES, ROOMS};

/// A body: one byte, again and again.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Body {
    pub(crate) byte: u8,
    pub(crate) bytes: usize,
}

impl Body {
    fn to_vec(self) -> Vec<u8> {
        vec![self.byte; self.bytes]
    }
}

/// What a device asks for. Users and rooms are given by their numbers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Request {
    Send(usize, Body),
    Say(usize, Body),
    Join(usize),
    Leave(usize),
    Roster(usize),
    Subscriptions,
}

impl Request {
    /// Lets a client ask for it.
    pub(crate) fn make(self, client: &mut Client, now: Instant) -> Result<u64, ClientError> {
        match self {
            Self::Send(to, body) => client.send(now, NAMES[to], &body.to_vec()),
            // Names compare without upper case.
            Self::Say(room, body) => client.send(now, &ROOMS[room].to_uppercase(), &body.to_vec()),
            Self::Join(room) => client.join(now, ROOMS[room]),
            Self::Leave(room) => client.leave(now, ROOMS[room]),
            Self::Roster(room) => client.roster(now, ROOMS[room], 0),
            Self::Subscriptions => client.subscriptions(now, 0),
        }
    }

    /// What a program is asked about that decides about joins and messages; none if it is not asked.
    fn question(self) -> Option<Requested> {
        let room = |room: usize| ROOMS[room].parse().expect("it is a room's name");
        match self {
            Self::Send(to, body) => {
                let to = NAMES[to].parse().expect("it is a user's name");
                Some(Requested::SendToUser { to, body: body.to_vec() })
            }
            Self::Say(to, body) => Some(Requested::SendToRoom { room: room(to), body: body.to_vec() }),
            Self::Join(to) => Some(Requested::Join { room: room(to) }),
            Self::Leave(_) | Self::Roster(_) | Self::Subscriptions => None,
        }
    }
}

/// A request that waits: for the answer to its question, or for what is before it.
#[derive(Debug)]
pub(super) struct Waiting {
    request: Request,
    /// What the program was asked.
    pub(super) question: Option<QuestionId>,
    /// When the time for an answer is over.
    pub(super) until: Instant,
    verdict: Option<Result<(), RejectCode>>,
}

impl Waiting {
    pub(super) fn is_open(&self) -> bool {
        self.verdict.is_none()
    }
}

impl Chat {
    /// Whether the hub is sure to do a request of a device, or to say that nobody of that name is here.
    pub(crate) fn is_sure(&self, device: usize, request: Request) -> bool {
        let Request::Send(to, body) = request else { return true };
        let concerned = self.sessions.values().filter(|session| [to, DEVICES[device]].contains(&session.user));
        concerned.into_iter().all(|session| session.has_room(body.bytes, self.outbox_bytes_max))
    }

    /// The hub has a request, and has perhaps asked the program about it.
    pub(crate) fn request(&mut self, now: Instant, device: usize, request: Request, asked: Option<Question>) {
        let expected = request.question().filter(|_| self.is_asking);
        assert_eq!(asked.as_ref().map(|question| &question.request), expected.as_ref(), "what the program is asked");
        let until = now + self.decision_time_max;
        let session = self.session(device);
        if asked.is_none() && session.waiting.is_empty() {
            return self.perform(now, device, request);
        }
        if let Some(question) = &asked {
            assert_eq!((question.session, question.user.as_str()), (session.id, NAMES[session.user]));
        }
        let verdict = if asked.is_some() { None } else { Some(Ok(())) };
        session.waiting.push_back(Waiting { request, question: asked.map(|asked| asked.id), until, verdict });
    }

    /// Questions that wait for an answer, of those requests that are `first` to be done next, or of all.
    pub(crate) fn open_questions(&self, first: bool) -> Vec<QuestionId> {
        let waiting = self.sessions.values().flat_map(|session| session.waiting.iter().enumerate());
        let open = waiting.filter(|(position, waiting)| waiting.is_open() && (*position == 0 || !first));
        open.filter_map(|(_, waiting)| waiting.question).collect()
    }

    /// The same of one device's session.
    pub(crate) fn open_questions_of(&self, device: usize) -> Vec<QuestionId> {
        let waiting = self.sessions.get(&device).into_iter().flat_map(|session| &session.waiting);
        waiting.filter(|waiting| waiting.is_open()).filter_map(|waiting| waiting.question).collect()
    }

    /// Requests of a user that wait.
    pub(crate) fn waiting_of(&self, user: usize) -> u32 {
        let sessions = self.sessions.values().filter(|session| session.user == user);
        u32::try_from(sessions.map(|session| session.waiting.len()).sum::<usize>()).unwrap()
    }

    /// Whether it is sure what follows if the program allows this now.
    pub(crate) fn is_sure_if_allowed(&self, question: QuestionId) -> bool {
        let (device, position) = self.find_open(question);
        self.is_sure(device, self.sessions[&device].waiting[position].request)
    }

    /// A question has its answer. What waits no more is done, in the order in which it was asked for.
    pub(crate) fn decide(&mut self, now: Instant, question: QuestionId, verdict: Result<(), RejectCode>) {
        let (device, position) = self.find_open(question);
        self.session(device).waiting[position].verdict = Some(verdict);
        while let Some(Waiting { request, verdict: Some(verdict), .. }) = self.session(device).waiting.front() {
            let (request, verdict) = (*request, *verdict);
            self.session(device).waiting.pop_front();
            match verdict {
                Ok(()) => self.perform(now, device, request),
                Err(code) => self.session(device).answer(Answer::Rejected(code)),
            }
        }
    }

    fn find_open(&self, question: QuestionId) -> (usize, usize) {
        let is_it = |waiting: &Waiting| waiting.question == Some(question) && waiting.is_open();
        let mut sessions = self.sessions.iter();
        let found = sessions.find_map(|(device, session)| Some((*device, session.waiting.iter().position(is_it)?)));
        found.expect("the question waits for an answer")
    }

    // ---- what comes of it ----

    fn perform(&mut self, now: Instant, device: usize, request: Request) {
        match request {
            Request::Send(to, body) => self.send(now, device, to, &body.to_vec()),
            Request::Say(room, body) => self.say(now, device, room, &body.to_vec()),
            Request::Join(room) => self.join(device, room),
            Request::Leave(room) => self.leave(device, room),
            Request::Roster(room) => self.roster(device, room),
            Request::Subscriptions => self.subscriptions(device),
        }
    }

    fn send(&mut self, now: Instant, device: usize, to: usize, body: &[u8]) {
        if !self.has(to) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NoSuchUser));
        }
        let (id, from, bytes) = (self.next_id(now), DEVICES[device], body.len());
        let message = Message { id, from, room: None, body: body.to_vec() };
        for (other, session) in &mut self.sessions {
            if session.user == to {
                session.owe(Entry::Message { message: message.clone(), may_be_missed: false }, bytes);
            } else if session.user == from && *other != device {
                session.owe(Entry::Sent { id, to, body: body.to_vec() }, bytes);
            }
            if session.user == from {
                session.sent.insert(id, to);
            }
        }
        self.session(device).answer(Answer::Accepted(id));
    }

    fn say(&mut self, now: Instant, device: usize, room: usize, body: &[u8]) {
        let from = DEVICES[device];
        if !self.members[room].contains(&from) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        let id = self.next_id(now);
        let message = Message { id, from, room: Some(room), body: body.to_vec() };
        for (other, session) in &mut self.sessions {
            if *other == device || !self.members[room].contains(&session.user) {
                continue;
            }
            let may_be_missed = !session.has_room(body.len(), self.outbox_bytes_max);
            session.owe(Entry::Message { message: message.clone(), may_be_missed }, body.len());
        }
        self.session(device).answer(Answer::Accepted(id));
    }

    fn join(&mut self, device: usize, room: usize) {
        if self.members[room].insert(DEVICES[device]) {
            self.tell_news(&[room], DEVICES[device], None);
            self.tell_siblings(device, room, true);
        }
        let number = self.session(device).ask();
        self.session(device).owe(Entry::Done { number, left: None }, 0);
    }

    fn leave(&mut self, device: usize, room: usize) {
        if !self.members[room].remove(&DEVICES[device]) {
            return self.session(device).answer(Answer::Rejected(RejectCode::NotAMember));
        }
        self.tell_news(&[room], DEVICES[device], Some(LeaveCode::Left));
        self.tell_siblings(device, room, false);
        let number = self.session(device).ask();
        self.session(device).owe(Entry::Done { number, left: Some(room) }, 0);
    }

    fn roster(&mut self, device: usize, room: usize) {
        let may_be_empty = !self.sessions[&device].has_room(self.page_bytes, self.outbox_bytes_max);
        let users = self.members[room].clone();
        let is_member = users.contains(&DEVICES[device]);
        let members = Answer::Members { users, may_be_empty };
        self.session(device).answer(if is_member { members } else { Answer::Rejected(RejectCode::NotAMember) });
        self.session(device).owed_bytes += FRAME_BYTES;
    }

    /// Nobody watches anybody here.
    fn subscriptions(&mut self, device: usize) {
        let may_be_empty = !self.sessions[&device].has_room(self.page_bytes, self.outbox_bytes_max);
        let rooms = self.rooms_of(DEVICES[device]);
        self.session(device).answer(Answer::Subscribed { rooms, may_be_empty });
        self.session(device).owed_bytes += FRAME_BYTES;
    }
}
