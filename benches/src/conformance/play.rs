//! Plays a dialogue with a hub or a client.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use super::codec::{self, Message, PREFACE};
use super::config::Setting;
use super::schema::Schema;
use super::script::{Act, Dialogue, Step};
use super::value::{Bindings, Expr, Value, match_fields};

/// What a connection gives when it is asked for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Some bytes.
    Bytes,
    /// The end.
    Closed,
    /// Nothing in the time that it was given.
    Nothing,
}

/// The other end, and what is between. Errors are sentences for people.
pub trait Peer {
    /// Makes a connection to a hub, or waits for the client's. None if it does not come within the time.
    fn open(&mut self, time: Duration) -> Result<Option<usize>, String>;
    /// Sends bytes. A connection that is closed at the other end takes them as well.
    fn write(&mut self, conn: usize, bytes: &[u8]) -> Result<(), String>;
    /// Adds what comes within the time.
    fn read(&mut self, conn: usize, into: &mut Vec<u8>, time: Duration) -> Result<Read, String>;
    /// Breaks a connection.
    fn cut(&mut self, conn: usize) -> Result<(), String>;
    /// Lets time pass.
    fn wait(&mut self, time: Duration) -> Result<(), String>;
    /// Gives a client a line of its user's.
    fn enter(&mut self, line: &str) -> Result<(), String>;
    /// How long an answer may take.
    fn patience(&self) -> Duration;
}

/// Who is tested.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The other end is a hub.
    Hub,
    /// The other end is a client.
    Client,
}

/// The state of a connection, as its receiver sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum State {
    /// Nothing is asked for, or the answer was no.
    #[default]
    Unregistered,
    /// The client has asked for a name.
    Registering,
    /// The client has asked for its session.
    Resuming,
    /// There is a session.
    Registered,
}

/// Plays a dialogue, and returns which messages it gave the other end in which states. An error says in which line of
/// its file it failed, and why.
pub fn play(
    dialogue: &Dialogue,
    role: Role,
    peer: &mut dyn Peer,
    unique: &str,
) -> Result<BTreeSet<(State, &'static str)>, String> {
    let known = Bindings { unique: unique.into(), ..Bindings::default() };
    let mut player = Player { role, peer, conns: BTreeMap::new(), known, given: BTreeSet::new() };
    for step in &dialogue.steps {
        player.step(step).map_err(|error| format!("line {}: {error}", step.line))?;
    }
    player.end().map_err(|error| format!("in the end: {error}"))?;
    Ok(player.given)
}

/// How long a dialogue waits in all, in milliseconds, if the limits are the defaults and those that it asks for.
pub fn waits_ms(dialogue: &Dialogue) -> u64 {
    let configured = dialogue.config.settings().filter_map(|(name, setting)| match setting {
        Setting::Number(value) => Some((name, *value)),
        Setting::Text(_) => None,
    });
    let values = limits().into_iter().chain(configured);
    let values = values.map(|(name, value)| (name.to_owned(), Value::Uint(value))).collect();
    let known = Bindings { values, ..Bindings::default() };
    let waits = dialogue.steps.iter().filter_map(|step| match &step.act {
        Act::Wait(time) | Act::Away(time) | Act::Quiet { time, .. } => time.count(&known).ok(),
        _ => None,
    });
    waits.sum()
}

/// The limits in a welcome of the tester's: those of a hub without a configuration.
const fn limits() -> [(&'static str, u64); 10] {
    [
        ("frame_bytes_max", 65_792),
        ("body_bytes_max", 65_536),
        ("outbox_bytes_max", 4 << 20),
        ("stall_ms_max", 60_000),
        ("idle_ms_max", 60_000),
        ("resume_ms_max", 60_000),
        ("rooms_max", 64),
        ("watches_max", 256),
        ("cost_per_s", 50_000),
        ("cost_burst", 100_000),
    ]
}

#[derive(Debug, Default)]
struct Conn {
    id: usize,
    input: Vec<u8>,
    /// The other end's preface has come.
    is_greeted: bool,
    /// Frames that came and that nothing in the dialogue was about yet.
    queue: VecDeque<Message>,
    is_closed: bool,
    is_silent: bool,
    /// Messages that are not looked at.
    ignored: BTreeSet<String>,
    state: State,
    nonce: u64,
}

struct Player<'a> {
    role: Role,
    peer: &'a mut dyn Peer,
    conns: BTreeMap<char, Conn>,
    known: Bindings,
    given: BTreeSet<(State, &'static str)>,
}

impl Player<'_> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        let times = step.times.as_ref().map_or(Ok(1), |times| times.count(&self.known))?;
        for turn in 0..times {
            self.known.turn = turn;
            self.act(&step.act)?;
        }
        Ok(())
    }

    fn act(&mut self, act: &Act) -> Result<(), String> {
        match act {
            Act::Send { conn, name, .. } if name == "preface" => self.write(*conn, &PREFACE),
            Act::Send { conn, name, fields } => self.send(*conn, name, fields),
            Act::SendBytes { conn, parts } => {
                let of = super::schema::Type::Bytes;
                let parts = parts.iter().map(|part| part.value(&of, &self.known)).collect::<Result<Vec<_>, _>>()?;
                let bytes: Vec<u8> = parts
                    .into_iter()
                    .flat_map(|part| if let Value::Bytes(bytes) = part { bytes } else { Vec::new() })
                    .collect();
                self.write(*conn, &bytes)
            }
            Act::Expect { conn, name, .. } if name == "preface" => self.expect_preface(*conn),
            Act::Expect { conn, name, fields } => self.expect(*conn, name, fields).map(drop),
            Act::Registers { conn, name } => self.register(*conn, name),
            Act::Welcomes { conn } => self.welcome(*conn),
            Act::Cut { conn } => {
                let conn = self.conns.remove(conn).ok_or("it is not open")?;
                self.peer.cut(conn.id)
            }
            Act::Closed { conn } => self.expect_closed(*conn),
            Act::Nothing { conn } => self.expect_nothing(*conn),
            Act::Open { conn } => {
                while self.pump(*conn, Duration::ZERO)? {}
                if self.conn(*conn)?.is_closed { Err("it is closed".into()) } else { Ok(()) }
            }
            Act::Away(time) => {
                let time = Duration::from_millis(time.count(&self.known)?);
                let is_away = self.peer.open(time)?.is_none();
                if is_away { Ok(()) } else { Err("the client makes a connection".into()) }
            }
            Act::Quiet { conn, time } => {
                let time = Duration::from_millis(time.count(&self.known)?);
                self.expect_quiet(*conn, time)
            }
            Act::Silent { conn } => {
                self.conn(*conn)?.is_silent = true;
                Ok(())
            }
            Act::Ignores { conn, name } => {
                Schema::named(name).ok_or_else(|| format!("there is no message {name}"))?;
                let conn = self.conn(*conn)?;
                conn.queue.retain(|message| message.name() != name);
                conn.ignored.insert(name.clone());
                Ok(())
            }
            Act::Wait(time) => {
                let time = Duration::from_millis(time.count(&self.known)?);
                self.wait(time)
            }
            Act::Enters(line) => {
                let line = self.known.filled(line.as_bytes());
                self.peer.enter(&String::from_utf8_lossy(&line))
            }
        }
    }

    /// A connection of this name, which is made now if it is not there.
    fn conn(&mut self, name: char) -> Result<&mut Conn, String> {
        if !self.conns.contains_key(&name) {
            let patience = self.peer.patience();
            let id = self.peer.open(patience)?.ok_or("no connection is made")?;
            self.conns.insert(name, Conn { id, ..Conn::default() });
        }
        Ok(self.conns.get_mut(&name).expect("it is there"))
    }

    fn write(&mut self, conn: char, bytes: &[u8]) -> Result<(), String> {
        let id = self.conn(conn)?.id;
        self.peer.write(id, bytes)
    }

    fn send(&mut self, conn: char, name: &str, fields: &[(String, Expr)]) -> Result<(), String> {
        let schema = Schema::named(name).ok_or_else(|| format!("there is no message {name}"))?;
        if let Some((name, _)) = fields.iter().find(|(name, _)| schema.fields.iter().all(|field| field.0 != name)) {
            return Err(format!("there is no field {name}"));
        }
        let value = |field: &super::schema::Field| match fields.iter().find(|(name, _)| name == field.0) {
            Some((_, expr)) => expr.value(&field.1, &self.known),
            None => Err(format!("{} is missing", field.0)),
        };
        let values = schema.fields.iter().map(value).collect::<Result<Vec<_>, _>>()?;
        self.write(conn, &codec::encode(schema, &values))?;
        let state = &mut self.conn(conn)?.state;
        let before = *state;
        *state = next_state(before, schema.name);
        // A hub has decided about a register when it reads on.
        let seen = if before == State::Registering && self.role == Role::Hub { State::Registered } else { before };
        self.given.insert((seen, schema.name));
        Ok(())
    }

    /// Lets time pass, in which pings are answered.
    fn wait(&mut self, mut left: Duration) -> Result<(), String> {
        const STEP: Duration = Duration::from_secs(1);
        while !left.is_zero() {
            let step = left.min(STEP);
            self.peer.wait(step)?;
            left -= step;
            for name in self.names() {
                while self.pump(name, Duration::ZERO)? {}
            }
        }
        Ok(())
    }

    fn names(&self) -> Vec<char> {
        self.conns.keys().copied().collect()
    }

    // ---- what comes ----

    /// Takes what comes in some time: false if it was nothing.
    fn pump(&mut self, name: char, time: Duration) -> Result<bool, String> {
        let conn = self.conns.get_mut(&name).ok_or("it is not open")?;
        if conn.is_closed {
            return Ok(false);
        }
        match self.peer.read(conn.id, &mut conn.input, time)? {
            Read::Nothing => return Ok(false),
            Read::Closed => conn.is_closed = true,
            Read::Bytes => {}
        }
        if !conn.is_greeted && conn.input.starts_with(&PREFACE) {
            conn.input.drain(..PREFACE.len());
            conn.is_greeted = true;
        }
        let mut pongs = Vec::new();
        while conn.is_greeted
            && let Some(message) = codec::take(&mut conn.input)?
        {
            conn.state = next_state(conn.state, message.name());
            if message.name() == "ping" && !conn.is_silent {
                let nonce = message.fields.iter().map(|(_, value)| value.clone()).collect::<Vec<_>>();
                pongs.extend(codec::encode(Schema::named("pong").expect("it is there"), &nonce));
            }
            if !conn.ignored.contains(message.name()) {
                conn.queue.extend(singles(message)?);
            }
        }
        let (id, is_closed) = (conn.id, conn.is_closed);
        if !pongs.is_empty() && !is_closed {
            self.peer.write(id, &pongs)?;
        }
        Ok(true)
    }

    fn expect_preface(&mut self, name: char) -> Result<(), String> {
        let patience = self.peer.patience();
        loop {
            let conn = self.conn(name)?;
            if conn.is_greeted {
                return Ok(());
            }
            if !self.pump(name, patience)? {
                let conn = self.conn(name)?;
                return Err(format!("no preface comes, but {} bytes", conn.input.len()));
            }
        }
    }

    /// Waits for a message with these fields. What may be overtaken stays where it is.
    fn expect(&mut self, name: char, message: &str, fields: &[(String, Expr)]) -> Result<Message, String> {
        let patience = self.peer.patience();
        self.conn(name)?;
        loop {
            if let Some(found) = self.find(name, message, fields)? {
                return Ok(found);
            }
            if !self.pump(name, patience)? {
                let conn = self.conn(name)?;
                let came: Vec<String> = conn.queue.iter().map(Message::to_string).collect();
                let end = if conn.is_closed { ", and the connection is closed" } else { "" };
                return Err(format!("no {message} with these fields comes, but [{}]{end}", came.join("; ")));
            }
        }
    }

    fn find(&mut self, name: char, message: &str, fields: &[(String, Expr)]) -> Result<Option<Message>, String> {
        let conn = self.conns.get_mut(&name).ok_or("it is not open")?;
        for place in 0..conn.queue.len() {
            let came = &conn.queue[place];
            if came.name() == message {
                let schema = came.schema.expect("it has a name");
                let mut known = self.known.clone();
                if match_fields(fields, schema.fields, &came.fields, &mut known)? {
                    self.known = known;
                    return Ok(conn.queue.remove(place));
                }
            }
            if !may_be_overtaken(came.name()) && !may_come_late(message) {
                return Ok(None);
            }
        }
        Ok(None)
    }

    fn expect_closed(&mut self, name: char) -> Result<(), String> {
        self.await_end(name)?;
        self.nothing_left(name)
    }

    fn await_end(&mut self, name: char) -> Result<(), String> {
        // A hub may wait for five seconds until its peer has read everything.
        let patience = self.peer.patience() + Duration::from_secs(6);
        while !self.conn(name)?.is_closed {
            if !self.pump(name, patience)? {
                return Err("it is not closed".into());
            }
        }
        Ok(())
    }

    /// Whatever had to come has come when a ping is answered.
    fn expect_nothing(&mut self, name: char) -> Result<(), String> {
        let conn = self.conn(name)?;
        conn.nonce += 1;
        let nonce = 1_000_000 + conn.nonce;
        self.send(name, "ping", &[("nonce".into(), Expr::Uint(nonce))])?;
        self.expect(name, "pong", &[("nonce".into(), Expr::Uint(nonce))])?;
        self.nothing_left(name)
    }

    fn expect_quiet(&mut self, name: char, mut left: Duration) -> Result<(), String> {
        const STEP: Duration = Duration::from_millis(50);
        while !left.is_zero() {
            let step = left.min(STEP);
            self.pump(name, step)?;
            left -= step;
        }
        let conn = self.conn(name)?;
        if conn.is_closed {
            return Err("it is closed".into());
        }
        let came = conn.queue.iter().find(|message| !matches!(message.name(), "ack" | "ping"));
        came.map_or(Ok(()), |came| Err(format!("this came: {came}")))
    }

    fn nothing_left(&mut self, name: char) -> Result<(), String> {
        let conn = self.conn(name)?;
        let left: Vec<String> =
            conn.queue.iter().filter(|message| !is_control(message.name())).map(Message::to_string).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("besides, this came: {}", left.join("; "))) }
    }

    // ---- what several lines would say ----

    fn register(&mut self, conn: char, name: &Expr) -> Result<(), String> {
        self.write(conn, &PREFACE)?;
        let fields = [
            ("name", name.clone()),
            ("credential", Expr::Bytes(Vec::new(), None)),
            ("frame_bytes_max", Expr::Uint(65_792)),
        ];
        self.send(conn, "register", &fields.map(|(name, expr)| (name.into(), expr)))?;
        self.expect_preface(conn)?;
        let welcome = self.expect(conn, "welcome", &[])?;
        self.learn(conn, welcome);
        self.send(conn, "ack", &[("count".into(), Expr::Uint(0))])?;
        Ok(())
    }

    fn welcome(&mut self, conn: char) -> Result<(), String> {
        self.expect_preface(conn)?;
        let register = self.expect(conn, "register", &[])?;
        self.learn(conn, register);
        self.write(conn, &PREFACE)?;
        let mut fields = vec![
            ("name".to_owned(), Expr::Var(format!("{conn}.name"), 0)),
            ("display_name".to_owned(), Expr::Word("none".into())),
            ("token".to_owned(), Expr::Bytes(vec![7; 16], None)),
        ];
        fields.extend(limits().map(|(name, value)| (name.to_owned(), Expr::Uint(value))));
        self.send(conn, "welcome", &fields)?;
        self.expect(conn, "ack", &[("count".into(), Expr::Uint(0))])?;
        Ok(())
    }

    /// Binds the fields of a message: numbers by their names, the rest by the connection's as well.
    fn learn(&mut self, conn: char, message: Message) {
        for (name, value) in message.fields {
            let name = if matches!(value, Value::Uint(_)) { name.to_owned() } else { format!("{conn}.{name}") };
            self.known.values.insert(name, value);
        }
    }

    /// Nothing is left over, and then those who are still there leave.
    fn end(&mut self) -> Result<(), String> {
        let is_there = |conn: &Conn| !conn.is_closed && conn.state == State::Registered;
        for name in self.names() {
            if is_there(&self.conns[&name]) {
                self.expect_nothing(name).map_err(|error| format!("{name}: {error}"))?;
            }
        }
        for name in self.names() {
            if self.role == Role::Hub && is_there(&self.conns[&name]) {
                self.write(name, &codec::frame(0x07, &[1, 0, 0]))?;
                self.await_end(name)?;
            }
        }
        Ok(())
    }
}

/// One message for each send that is accepted, so that it does not matter which of them are answered together.
fn singles(message: Message) -> Result<Vec<Message>, String> {
    if message.name() != "accepted" {
        return Ok(vec![message]);
    }
    let [(_, Value::List(runs))] = &message.fields[..] else { return Err("an accepted without runs".into()) };
    let mut singles = Vec::new();
    for run in runs {
        let Value::Struct(run) = run else { unreachable!("a run is a struct") };
        let [(_, Value::Uint(number)), (_, Value::Uint(id)), (_, Value::Uint(more))] = run[..] else {
            unreachable!("a run has three numbers")
        };
        for step in 0..=more {
            let one = [("number", number + step), ("id", id + step), ("more", 0)]
                .map(|(name, value)| (name, Value::Uint(value)));
            let runs = Value::List(vec![Value::Struct(one.into())]);
            singles.push(Message { fields: vec![("runs", runs)], ..message.clone() });
        }
    }
    Ok(singles)
}

/// What follows when one of the two ends says this.
fn next_state(state: State, message: &str) -> State {
    match message {
        "register" => State::Registering,
        "resume" => State::Resuming,
        "refused" => State::Unregistered,
        "welcome" | "resumed" => State::Registered,
        _ => state,
    }
}

/// It says something of its connection alone.
fn is_control(name: &str) -> bool {
    matches!(name, "ack" | "ping" | "pong")
}

/// Answers to different requests have no order among them.
fn may_be_overtaken(name: &str) -> bool {
    let is_answer = matches!(name, "accepted" | "rejected" | "done" | "online" | "members" | "subscribed");
    is_control(name) || is_answer || matches!(name, "presence" | "report")
}

/// It may come after what was put in later.
fn may_come_late(name: &str) -> bool {
    is_control(name) || name == "accepted"
}
