//! The attackers, on a thread of their own.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::Ipv4Addr;
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use chatcore::wire::{ClientMessage, Preface, Register, Token};

use super::link::{LinkEvent, Opening};
use super::phase::{CurrentPhase, Phase};
use super::registrations::Registrations;
use super::scenario::{
    Behaviour, Greeting, Group, Held, Needs, PassiveMode, Scenario, attacker, frame, goodbye, guarded,
};
use super::sockets::{ReadPolicy, Sockets};
use crate::failure::{Failure, Result};
use crate::over::Dialer;

/// The second byte of the passive sessions' addresses.
const PASSIVE_NETWORK: u8 = 2;

/// Connections that one attack makes, at the most.
const CONNECTIONS_MAX: u64 = 100_000;

/// From the end of an attacker's session to its next registration.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// From the end of a connection that says nothing to the next.
const HOLD_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// How long the connections that are held take to come, all together.
const ARRIVAL_TIME: Duration = Duration::from_secs(1);

/// Passwords that are guessed on one connection: after this many refusals the server closes it.
const GUESSES: usize = 8;

/// What the attackers did.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    pub(crate) written_bytes: u64,
    /// Connections that were made during the attack.
    pub(crate) connections: u64,
}

struct Attackers<'a> {
    scenario: &'a Scenario,
    has_fair_origin: bool,
    /// How a client opens the transport; nothing over TCP.
    opening: Vec<u8>,
    sockets: Sockets,
    /// The key of the first attacker. Before it are those of the departed users and of the passive sessions.
    first: usize,
    states: Vec<State>,
    timers: BinaryHeap<Reverse<(Instant, usize)>>,
    effort: Effort,
}

/// What is known of one attacker.
#[derive(Clone, Debug, Default)]
struct State {
    /// Connections that it has made during the attack.
    connections: u64,
    token: Option<Token>,
    /// Bytes that it has said on its connection, if it says them one by one.
    said: usize,
    /// When its timer fires. Older entries in the heap are void.
    timer: Option<Instant>,
}

/// Connects them, attacks during that phase, and resets all connections.
pub(crate) fn run(
    scenario: &Scenario,
    has_fair_origin: bool,
    server: Dialer,
    current: &CurrentPhase,
    ready: &Sender<()>,
) -> Result<Effort> {
    let server = if scenario.needs == Needs::Tls { server.with_small_records() } else { server };
    let opening = server.opening()?;
    let mut attackers = Attackers {
        scenario,
        has_fair_origin,
        opening,
        sockets: Sockets::new(server)?,
        first: scenario.departed.count + scenario.passive.count,
        states: vec![State::default(); scenario.attackers.len()],
        timers: BinaryHeap::new(),
        effort: Effort::default(),
    };
    attackers.set_up(current)?;
    let _ = ready.send(());
    while current.phase() < Phase::During {
        attackers.turn()?;
        for (key, event) in attackers.sockets.take_events() {
            if let (LinkEvent::Ended(reason), true) = (event, key >= attackers.first) {
                return Err(Failure::new(format_args!("an attacker was ended before the attack: {reason}")));
            }
        }
    }
    let written_before = attackers.sockets.written_bytes;
    attackers.begin()?;
    while current.phase() == Phase::During {
        attackers.turn()?;
        attackers.advance()?;
    }
    attackers.effort.written_bytes = attackers.sockets.written_bytes - written_before;
    attackers.sockets.reset_all();
    Ok(attackers.effort)
}

impl Attackers<'_> {
    fn turn(&mut self) -> Result<()> {
        self.sockets.flush();
        self.sockets.turn(Duration::from_millis(2), |_, _| {})?;
        // The fair users share this processor.
        thread::yield_now();
        Ok(())
    }

    // ---- before the attack ----

    fn set_up(&mut self, current: &CurrentPhase) -> Result<()> {
        let scenario = self.scenario;
        let departed = self.register_group("departed users", &scenario.departed, ReadPolicy::Acknowledge, current)?;
        departed.clone().for_each(|key| self.sockets.send(key, &goodbye()));
        while departed.clone().any(|key| self.sockets.is_connected(key)) && current.phase() < Phase::Done {
            self.turn()?;
        }
        let passive = self.register_group("passive sessions", &scenario.passive, ReadPolicy::StopLater, current)?;
        if scenario.passive_mode == PassiveMode::Disconnect {
            passive.into_iter().for_each(|key| self.sockets.reset(key));
        }
        let no_greeting = Greeting::default();
        let mut flooding = Registrations::new("attackers", ReadPolicy::Acknowledge);
        let mut resuming = Registrations::new("attackers", ReadPolicy::ReadOnly);
        for (number, behaviour) in scenario.attackers.iter().enumerate() {
            let key = self.sockets.add();
            let (registrations, greeting) = match behaviour {
                Behaviour::Flood { greeting, .. } => (&mut flooding, greeting),
                Behaviour::Resume { greeting } => (&mut resuming, greeting),
                Behaviour::InTwo { .. } => (&mut flooding, &no_greeting),
                _ => continue,
            };
            registrations.add(key, self.source(number), attacker(number, 0), greeting.clone());
        }
        flooding.complete(&mut self.sockets, current)?;
        resuming.complete(&mut self.sockets, current)?;
        self.sockets.take_events();
        Ok(())
    }

    /// Registers a group, and returns its keys.
    fn register_group(
        &mut self,
        who: &'static str,
        group: &Group,
        policy: ReadPolicy,
        current: &CurrentPhase,
    ) -> Result<std::ops::Range<usize>> {
        let mut registrations = Registrations::new(who, policy);
        let keys: Vec<usize> = (0..group.count).map(|_| self.sockets.add()).collect();
        for (number, key) in keys.iter().enumerate() {
            let address = Group::address(PASSIVE_NETWORK, number);
            let source = if self.has_fair_origin { Ipv4Addr::LOCALHOST } else { address };
            registrations.add(*key, source, group.name(number), group.greeting.clone());
        }
        registrations.complete(&mut self.sockets, current)?;
        let first = keys.first().copied().unwrap_or_default();
        Ok(first..first + group.count)
    }

    /// Each attacker has an address of its own, unless they share some, or all have that of the fair users.
    fn source(&self, number: usize) -> Ipv4Addr {
        let number = self.scenario.addresses.map_or(number, |addresses| number % addresses);
        if self.has_fair_origin {
            Ipv4Addr::LOCALHOST
        } else {
            Ipv4Addr::new(127, 0, (number / 250) as u8, 2 + (number % 250) as u8)
        }
    }

    // ---- the attack ----

    fn begin(&mut self) -> Result<()> {
        let scenario = self.scenario;
        if scenario.passive_mode == PassiveMode::StopReading {
            (scenario.departed.count..self.first).for_each(|key| self.sockets.stop_reading(key));
        }
        for (number, behaviour) in scenario.attackers.iter().enumerate() {
            match behaviour {
                Behaviour::Flood { .. } => self.flood(number),
                Behaviour::Resume { .. } => {
                    self.states[number].token = self.sockets.link(self.first + number).token;
                    self.reconnect(number)?;
                }
                Behaviour::Flap { period } => {
                    // Spread over the period.
                    self.set_timer(number, period.mul_f64(number as f64 / scenario.attackers.len() as f64));
                }
                Behaviour::Hold { .. } | Behaviour::InTwo { .. } => {
                    self.set_timer(number, ARRIVAL_TIME.mul_f64(number as f64 / scenario.attackers.len() as f64));
                }
                Behaviour::RegisterAndReset
                | Behaviour::RegisterAndLeave
                | Behaviour::RepeatHandshake { .. }
                | Behaviour::Guess { .. }
                | Behaviour::Ask { .. }
                | Behaviour::BeginHandshake => self.reconnect(number)?,
            }
        }
        Ok(())
    }

    /// Reacts to what has happened, and to timers.
    fn advance(&mut self) -> Result<()> {
        // What has ended is known before a timer asks what to do with it.
        for (key, event) in self.sockets.take_events() {
            if let Some(number) = key.checked_sub(self.first) {
                self.on_event(number, &event)?;
            }
        }
        let now = Instant::now();
        while let Some(Reverse((time, number))) = self.timers.peek().copied()
            && time <= now
        {
            self.timers.pop();
            if self.states[number].timer == Some(time) {
                self.states[number].timer = None;
                self.on_timer(number)?;
            }
        }
        Ok(())
    }

    fn on_timer(&mut self, number: usize) -> Result<()> {
        match &self.scenario.attackers[number] {
            Behaviour::Flood { .. } if self.sockets.link(self.first + number).is_ready => {
                self.flood(number);
                Ok(())
            }
            Behaviour::InTwo { parts, pause } if self.sockets.link(self.first + number).is_ready => {
                let said = &mut self.states[number].said;
                let part = parts.get(*said);
                *said += 1;
                if let Some(part) = part {
                    self.sockets.send(self.first + number, part);
                    self.set_timer(number, *pause);
                }
                Ok(())
            }
            Behaviour::Flap { period } => {
                self.set_timer(number, *period);
                self.reconnect(number)
            }
            Behaviour::Hold { pace: Some(pace), .. } if self.sockets.is_connected(self.first + number) => {
                self.say_a_byte(number);
                self.set_timer(number, *pace);
                Ok(())
            }
            Behaviour::Hold { pace, .. } => {
                if let Some(pace) = pace {
                    self.set_timer(number, *pace);
                }
                self.reconnect(number)
            }
            _ => self.reconnect(number),
        }
    }

    fn on_event(&mut self, number: usize, event: &LinkEvent) -> Result<()> {
        let key = self.first + number;
        match (&self.scenario.attackers[number], event) {
            (Behaviour::Flood { greeting, .. }, LinkEvent::Ready) => {
                self.sockets.send(key, &greeting.frames);
                self.flood(number);
            }
            (Behaviour::Flap { .. }, LinkEvent::Ready) => self.sockets.send(key, &goodbye()),
            (Behaviour::RegisterAndLeave, LinkEvent::Ready) => self.sockets.end_writing(key),
            (Behaviour::RegisterAndReset | Behaviour::Resume { .. }, LinkEvent::Ready)
            | (
                Behaviour::RepeatHandshake { .. }
                | Behaviour::Guess { .. }
                | Behaviour::Ask { .. }
                | Behaviour::RegisterAndLeave,
                LinkEvent::Ended(_),
            )
            | (Behaviour::BeginHandshake, LinkEvent::Answered) => self.reconnect(number)?,
            (Behaviour::InTwo { .. }, LinkEvent::Ready) => self.set_timer(number, Duration::ZERO),
            // A timer makes the next connection of the first; the second have more to send on this one, and the third
            // waits.
            (Behaviour::Flap { .. }, LinkEvent::Ended(_))
            | (Behaviour::RepeatHandshake { .. } | Behaviour::Guess { .. }, LinkEvent::Ready | LinkEvent::Refused)
            | (Behaviour::Hold { .. } | Behaviour::Ask { .. } | Behaviour::BeginHandshake, LinkEvent::Ready)
            | (_, LinkEvent::Answered) => {}
            (Behaviour::Hold { .. }, LinkEvent::Ended(_)) => {
                self.sockets.reset(key);
                self.set_timer(number, HOLD_AGAIN_AFTER);
            }
            (_, LinkEvent::Refused | LinkEvent::Ended(_)) => {
                self.sockets.reset(key);
                self.set_timer(number, RETRY_AFTER);
            }
        }
        Ok(())
    }

    /// Begins a flood, or the next one.
    fn flood(&mut self, number: usize) {
        if let Behaviour::Flood { flood, again_after, .. } = &self.scenario.attackers[number] {
            self.sockets.flood(self.first + number, flood.clone());
            if let Some(after) = again_after {
                self.set_timer(number, *after);
            }
        }
    }

    /// Makes a new connection in place of the last one.
    fn reconnect(&mut self, number: usize) -> Result<()> {
        if self.effort.connections >= CONNECTIONS_MAX {
            return Ok(());
        }
        self.effort.connections += 1;
        let state = &mut self.states[number];
        (state.connections, state.said) = (state.connections + 1, 0);
        let opening = match &self.scenario.attackers[number] {
            Behaviour::Flood { .. }
            | Behaviour::InTwo { .. }
            | Behaviour::RegisterAndReset
            | Behaviour::RegisterAndLeave => Opening::Register(attacker(number, state.connections)),
            Behaviour::Flap { .. } => Opening::Register(attacker(number, 0)),
            Behaviour::RepeatHandshake { bytes } => Opening::Raw(bytes.clone()),
            Behaviour::Guess { users } => Opening::Raw(guesses(number, state.connections, *users)),
            Behaviour::Ask { request } => Opening::Below(request.to_vec()),
            Behaviour::Hold { held: Held::Asking(begin), .. } => Opening::Below(begin.as_bytes().to_vec()),
            Behaviour::Hold { held: Held::Bare, .. } => Opening::Bare(Vec::new()),
            Behaviour::Hold { held: Held::Inside, pace: None } => Opening::Opaque(Preface::OURS.encode().to_vec()),
            Behaviour::Hold { held: Held::Inside, pace: Some(_) } => Opening::Opaque(Vec::new()),
            Behaviour::BeginHandshake => Opening::Bare(self.opening.clone()),
            Behaviour::Resume { .. } => {
                let token = state.token.expect("it was registered");
                Opening::Resume { name: attacker(number, 0), token, received: 0, attempt: state.connections }
            }
        };
        // An acknowledgement would empty the outbox that is to be full.
        let is_resume = matches!(opening, Opening::Resume { .. });
        let policy = if is_resume { ReadPolicy::ReadOnly } else { ReadPolicy::Acknowledge };
        self.sockets.connect(self.first + number, self.source(number), &opening, policy)
    }

    /// Says the next byte of what an ordinary client would say first.
    fn say_a_byte(&mut self, number: usize) {
        let state = &mut self.states[number];
        let said = state.said;
        state.said += 1;
        let is_inside = matches!(&self.scenario.attackers[number], Behaviour::Hold { held: Held::Inside, .. });
        let byte = if is_inside || self.opening.is_empty() {
            hello(number).get(said).copied()
        } else {
            self.opening.get(said).copied()
        };
        if let Some(byte) = byte {
            self.sockets.send(self.first + number, &[byte]);
        }
    }

    fn set_timer(&mut self, number: usize, after: Duration) {
        let time = Instant::now() + after;
        self.states[number].timer = Some(time);
        self.timers.push(Reverse((time, number)));
    }
}

/// The first bytes of a client of chatcore.
fn hello(number: usize) -> Vec<u8> {
    let register = Register { name: &attacker(number, 0), credential: b"", frame_bytes_max: u32::MAX };
    [&Preface::OURS.encode()[..], &frame(&ClientMessage::Register(register))].concat()
}

/// What an attacker says on one of its connections: names that have a password, and a wrong one. Each connection has
/// other names than the last.
fn guesses(number: usize, connection: u64, users: usize) -> Vec<u8> {
    let first = (number + connection as usize * 7) * GUESSES;
    let guess = |user: usize| {
        let name = guarded((first + user) % users);
        frame(&ClientMessage::Register(Register { name: &name, credential: b"password1", frame_bytes_max: u32::MAX }))
    };
    (0..GUESSES).flat_map(guess).collect()
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};
    use std::sync::mpsc;

    use socket2::SockRef;

    use super::*;
    use crate::over::Over;

    /// How long something may take that must come.
    const PATIENCE: Duration = Duration::from_secs(20);

    /// Ends the attack, also if the test fails.
    struct End<'a>(&'a CurrentPhase);

    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.enter(Phase::After);
        }
    }

    /// Lets them attack a server that the test is.
    fn attack(over: Over, scenario: &Scenario, serve: impl FnOnce(&TcpListener)) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        SockRef::from(&listener).set_read_timeout(Some(PATIENCE)).unwrap();
        let dialer = Dialer::new(over, listener.local_addr().unwrap()).unwrap();
        let current = CurrentPhase::new();
        let (ready, _is_ready) = mpsc::channel();
        thread::scope(|scope| {
            let attack = scope.spawn(|| run(scenario, false, dialer, &current, &ready));
            let end = End(&current);
            current.enter(Phase::During);
            serve(&listener);
            drop(end);
            attack.join().unwrap().unwrap();
        });
    }

    fn read(stream: &mut TcpStream, bytes: usize) -> Vec<u8> {
        let mut read = vec![0; bytes];
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.read_exact(&mut read).unwrap();
        read
    }

    #[test]
    fn slow_connections_say_byte_by_byte_what_a_client_says() {
        let behaviour = Behaviour::Hold { held: Held::Bare, pace: Some(Duration::from_millis(1)) };
        let scenario = Scenario { attackers: vec![behaviour; 3], addresses: Some(2), ..Scenario::default() };
        attack(Over::Tcp, &scenario, |listener| {
            // Who comes first is the system's to say. They stay open at this end: whoever is closed would come again.
            let mut streams: Vec<_> = (0..3).map(|_| listener.accept().unwrap()).collect();
            let said = streams.iter_mut().map(|(stream, from)| (read(stream, hello(0).len()), from.ip().to_string()));
            let mut said: Vec<_> = said.collect();
            said.sort();
            let sources = ["127.0.0.2", "127.0.0.3", "127.0.0.2"].map(str::to_owned);
            let expected: Vec<_> = sources.into_iter().enumerate().map(|(number, ip)| (hello(number), ip)).collect();
            assert_eq!(said, expected);
        });
    }

    #[test]
    fn a_handshake_that_is_answered_is_followed_by_the_next() {
        let scenario = Scenario { attackers: vec![Behaviour::BeginHandshake], ..Scenario::default() };
        for (over, opening) in
            [(Over::Ws, &b"GET / HTTP/1.1\r\n"[..]), (Over::Tls, &[0x16, 3, 1]), (Over::Wss, &[0x16, 3, 1])]
        {
            attack(over, &scenario, |listener| {
                // They stay open at this end.
                let mut streams = Vec::new();
                for _ in 0..3 {
                    let (mut stream, _) = listener.accept().unwrap();
                    assert_eq!(read(&mut stream, opening.len()), opening);
                    stream.write_all(b"x").unwrap();
                    streams.push(stream);
                }
            });
        }
    }
}
