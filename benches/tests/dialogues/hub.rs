//! Our hub, as the other end of dialogues.

use std::time::Duration;

use chatcore::{
    Action, Admission, Asking, Hub, HubConnection, Instant, Limits, Next, Question, QuotaKey, Refusal, Registration,
    RejectCode, Requested, UserName,
};
use chatcore_bench::conformance::{Config, Peer, Read, Setting};

use super::virtual_time::{Said, Simulated, read, wait_until};

pub(crate) struct HubPeer {
    hub: Hub,
    now: Instant,
    conns: Vec<Conn>,
    rules: Rules,
}

/// What a dialogue wants of a hub and its program.
pub(crate) struct Rules {
    pub(crate) limits: Limits,
    pub(crate) reserved: Option<UserName>,
    /// What proves the right to a name; none if nothing need.
    credential: Option<String>,
    /// What a registration for a name that is in use begins.
    admission: Admission,
    /// A room that nobody may join, and one about which nobody decides.
    denied_room: Option<String>,
    undecided_room: Option<String>,
}

impl Rules {
    pub(crate) fn new(config: &Config) -> Self {
        let mut rules = Self {
            limits: Limits::default(),
            reserved: None,
            credential: None,
            admission: Admission::NewUser,
            denied_room: None,
            undecided_room: None,
        };
        for (name, setting) in config.settings() {
            match (name, setting) {
                ("reserved_name", Setting::Text(name)) => {
                    rules.reserved = Some(UserName::new(name).expect("it can be a name"));
                }
                ("denied_room", Setting::Text(room)) => rules.denied_room = Some(room.clone()),
                ("undecided_room", Setting::Text(room)) => rules.undecided_room = Some(room.clone()),
                ("credential", Setting::Text(text)) => rules.credential = Some(text.clone()),
                ("sessions_of_user_max", Setting::Number(value)) => {
                    rules.admission = Admission::AnotherSession;
                    rules.limits.sessions_of_user_max = u32::try_from(*value).expect("it is a limit of 32 bits");
                }
                (name, Setting::Number(value)) => set_limit(&mut rules.limits, name, *value),
                _ => panic!("{name} is no text"),
            }
        }
        rules
    }

    /// What the hub asks about.
    pub(crate) fn asking(&self) -> Asking {
        let is_asking = self.denied_room.is_some() || self.undecided_room.is_some();
        if is_asking { Asking::new().joins() } else { Asking::new() }
    }

    /// How a client is admitted that asks for a name.
    pub(crate) fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
        let has_right = self.credential.as_ref().is_none_or(|right| right.as_bytes() == registration.credential());
        if has_right { Ok(self.admission) } else { Err(Refusal::Denied) }
    }

    /// The answer to a question; none if there never is one.
    pub(crate) fn answer(&self, question: &Question) -> Option<Result<(), RejectCode>> {
        let Requested::Join { room, .. } = &question.request else { panic!("only joins are asked about") };
        let is = |setting: &Option<String>| setting.as_deref() == Some(room.as_str());
        if is(&self.undecided_room) {
            return None;
        }
        Some(if is(&self.denied_room) { Err(RejectCode::Denied) } else { Ok(()) })
    }
}

struct Conn {
    connection: HubConnection,
    /// What the hub has written.
    output: Vec<u8>,
    /// It wants to go on by itself.
    goes_on: bool,
}

impl Conn {
    fn write(&mut self, now: Instant, hub: &mut Hub) {
        let bytes = self.connection.transmit(hub).concat();
        self.connection.transmitted(now, hub, bytes.len());
        self.output.extend(bytes);
    }
}

impl HubPeer {
    pub(crate) fn new(config: &Config) -> Self {
        let rules = Rules::new(config);
        let hub = Hub::new(rules.limits.clone(), [7; 32])
            .with_reserved(rules.reserved.iter().cloned())
            .with_asking(rules.asking());
        Self { hub, now: Instant::from_millis(1), conns: Vec::new(), rules }
    }

    /// Does what a connection wants next.
    fn follow(&mut self, index: usize, mut next: Next) {
        let conn = &mut self.conns[index];
        while let Next::Decide(registration) = next {
            let connection = &mut conn.connection;
            let decision =
                if registration.is_resumption() { Ok(Admission::NewUser) } else { self.rules.decide(&registration) };
            let admitted = decision.and_then(|admission| {
                let admitted = connection.try_admit(self.now, &mut self.hub, *registration, admission);
                admitted.map_err(|not_admitted| not_admitted.refusal)
            });
            next = admitted.unwrap_or_else(|refusal| connection.refuse(self.now, &mut self.hub, &refusal));
        }
        conn.goes_on = matches!(next, Next::GoOn);
        self.drain();
    }

    /// Does what the hub wants done, and writes everything.
    fn drain(&mut self) {
        while let Some(question) = self.hub.poll_question() {
            if let Some(answer) = self.rules.answer(&question) {
                self.hub.answer(self.now, question.id, answer).expect("it waits for its answer");
            }
        }
        while let Some(action) = self.hub.poll_action() {
            while self.hub.poll_event().is_some() {}
            let (Action::Write { conn } | Action::Close { conn, .. }) = action;
            let end = self.conns.iter_mut().find(|end| end.connection.conn() == Some(conn));
            let end = end.expect("the hub names connections that are open");
            match action {
                Action::Write { .. } => end.write(self.now, &mut self.hub),
                Action::Close { .. } => end.connection.close(),
            }
        }
        for end in &mut self.conns {
            end.write(self.now, &mut self.hub);
        }
    }
}

/// Where all connections come from.
const ORIGIN: QuotaKey = QuotaKey(1);

/// Gives a limit the value that a dialogue wants.
fn set_limit(limits: &mut Limits, name: &str, value: u64) {
    let count = u32::try_from(value).expect("it is a limit of 32 bits");
    match name {
        "announced_members_max" => limits.announced_members_max = count,
        "body_bytes_max" => limits.body_bytes_max = count,
        "buffer_bytes_max" => limits.buffer_bytes_max = value,
        "cost_burst" => limits.session_rate.burst = count,
        "cost_per_s" => limits.session_rate.per_s = count,
        "detached_max" => limits.detached_max = count,
        "detached_of_origin_max" => limits.detached_of_origin_max = count,
        "handshake_ms_max" => limits.handshake_time_max = Duration::from_millis(value),
        "hub_rooms_max" => limits.rooms_max = count,
        "hub_watches_max" => limits.hub_watches_max = count,
        "idle_ms_max" => limits.idle_time_max = Duration::from_millis(value),
        "members_max" => limits.members_max = count,
        "memberships_max" => limits.memberships_max = count,
        "origin_buffer_bytes_max" => limits.origin_buffer_bytes_max = value,
        "origin_cost_burst" => limits.origin_rate.burst = count,
        "origin_cost_per_s" => limits.origin_rate.per_s = count,
        "outbox_bytes_max" => limits.outbox_bytes_max = count,
        "refusals_max" => limits.registration_attempts_max = count,
        "resume_ms_max" => limits.resume_time_max = Duration::from_millis(value),
        "rooms_max" => limits.rooms_of_user_max = count,
        "stall_ms_max" => limits.stall_time_max = Duration::from_millis(value),
        "sessions_max" => limits.sessions_max = count,
        "sessions_of_origin_max" => limits.sessions_of_origin_max = count,
        "rooms_of_origin_max" => limits.rooms_of_origin_max = count,
        "probes_burst" => limits.probe_rate.burst = count,
        "watches_max" => limits.watches_max = count,
        _ => panic!("a hub has no setting {name}"),
    }
}

impl Simulated for HubPeer {
    fn now(&self) -> Instant {
        self.now
    }

    fn pass(&mut self, step: Duration) {
        self.now = self.now + step;
        for index in 0..self.conns.len() {
            let Conn { connection, goes_on, .. } = &mut self.conns[index];
            if *goes_on {
                let next = connection.go_on(self.now, &mut self.hub);
                self.follow(index, next);
            } else if connection.poll_timeout().is_some_and(|due| due <= self.now) {
                let next = connection.handle_timeout(self.now, &mut self.hub);
                self.follow(index, next);
            }
        }
        while self.hub.poll_timeout().is_some_and(|due| due <= self.now) {
            self.hub.handle_timeout(self.now);
            self.drain();
        }
    }

    fn said(&mut self, conn: usize) -> Said<'_> {
        let end = &mut self.conns[conn];
        Said { is_closed: end.connection.is_closed(), output: &mut end.output }
    }
}

impl Peer for HubPeer {
    fn open(&mut self, _: Duration) -> Result<Option<usize>, String> {
        let connection = HubConnection::new(self.now, &mut self.hub, ORIGIN);
        self.conns.push(Conn { connection, output: Vec::new(), goes_on: false });
        Ok(Some(self.conns.len() - 1))
    }

    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String> {
        let next = self.conns[conn].connection.receive(self.now, &mut self.hub, bytes);
        self.follow(conn, next);
        Ok(())
    }

    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String> {
        Ok(read(self, conn, into, time))
    }

    fn cut(&mut self, conn: usize) -> Result<(), String> {
        self.conns[conn].connection.disconnect(self.now, &mut self.hub);
        self.drain();
        Ok(())
    }

    fn wait(&mut self, time: Duration) -> Result<(), String> {
        wait_until(self, time, |_| false);
        Ok(())
    }

    fn enter(&mut self, _: &str) -> Result<(), String> {
        Err("a hub has no user".into())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(2)
    }
}
