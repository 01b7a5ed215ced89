//! Users that are where the attack happens, and do nothing wrong: they read and acknowledge all they get.

use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use chatcore::wire::{ClientMessage, Send};

use super::link::{LinkEvent, Opening};
use super::phase::{CurrentPhase, Phase};
use super::registrations::Registrations;
use super::scenario::{Break, Group, Scenario, frame};
use super::sockets::{ReadPolicy, Sockets};
use crate::failure::Result;
use crate::over::Dialer;

/// The second byte of their addresses.
const NETWORK: u8 = 1;

/// How long after the start of the attack their connections break, if they do.
const BREAK_AFTER: Duration = Duration::from_millis(500);

/// How long they are gone, if they are to come back during the attack.
const SHORT_TIME: Duration = Duration::from_millis(200);

/// Messages that wait for each of them when its connection breaks, and bytes of each.
const UNREAD: (usize, usize) = (20, 100);

/// Keeps them until the attack is done, and returns whose sessions ended, and why.
pub(crate) fn run(
    scenario: &Scenario,
    server: Dialer,
    current: &CurrentPhase,
    ready: &Sender<()>,
) -> Result<Vec<String>> {
    let group = &scenario.bystanders;
    let mut sockets = Sockets::new(server)?;
    let mut registrations = Registrations::new("bystanders", ReadPolicy::Acknowledge);
    for number in 0..group.count {
        let key = sockets.add();
        registrations.add(key, Group::address(NETWORK, number), group.name(number), group.greeting.clone());
    }
    registrations.complete(&mut sockets, current)?;
    let _ = ready.send(());
    let mut breaks = Breaks { group, when: scenario.bystanders_break, state: Connection::Kept };
    let mut ended = Vec::new();
    while current.phase() < Phase::Done {
        breaks.advance(&mut sockets, current.phase(), &mut ended)?;
        sockets.flush();
        sockets.turn(Duration::from_millis(20), |_, _| {})?;
        for (key, event) in sockets.take_events() {
            match event {
                LinkEvent::Ready | LinkEvent::Answered => {}
                LinkEvent::Refused => ended.push(format!("{} was not resumed", group.name(key))),
                LinkEvent::Ended(reason) => ended.push(format!("{} ended: {reason}", group.name(key))),
            }
        }
        // The fair users share this processor.
        thread::yield_now();
    }
    Ok(ended)
}

/// Breaks all connections once, and resumes the sessions.
struct Breaks<'a> {
    group: &'a Group,
    when: Break,
    state: Connection,
}

#[derive(Clone, Copy, Debug)]
enum Connection {
    Kept,
    /// Nothing is read any more, and the connection breaks at this time.
    Unread(Instant),
    /// It is made again at this time, or after the attack.
    Broken(Instant),
    /// They were to come back during the attack, or need not.
    Resumed {
        during: bool,
    },
    /// Nothing more happens to it.
    Judged,
}

impl Breaks<'_> {
    fn advance(&mut self, sockets: &mut Sockets, phase: Phase, ended: &mut Vec<String>) -> Result<()> {
        let keys = 0..self.group.count;
        self.state = match self.state {
            Connection::Kept if phase >= Phase::During && self.when != Break::Never => {
                for key in keys {
                    sockets.stop_reading(key);
                    let (count, bytes) = UNREAD;
                    let send = Send { to: &self.group.name(key), body: &vec![b'x'; bytes] };
                    sockets.send(key, &frame(&ClientMessage::Send(send)).repeat(count));
                }
                Connection::Unread(Instant::now() + BREAK_AFTER)
            }
            Connection::Unread(until) if until <= Instant::now() => {
                keys.into_iter().for_each(|key| sockets.reset(key));
                Connection::Broken(Instant::now() + SHORT_TIME)
            }
            Connection::Broken(until)
                if phase >= Phase::After || (self.when == Break::Shortly && until <= Instant::now()) =>
            {
                for key in keys {
                    let (source, name) = (Group::address(NETWORK, key), self.group.name(key));
                    let link = sockets.link(key);
                    let token = link.token.expect("it was registered");
                    let opening = Opening::Resume { name, token, received: link.received, attempt: 1 };
                    sockets.connect(key, source, &opening, ReadPolicy::Acknowledge)?;
                }
                Connection::Resumed { during: phase < Phase::After }
            }
            Connection::Resumed { during: true } if phase >= Phase::After => {
                let late = keys.filter(|key| !sockets.link(*key).is_ready);
                ended.extend(late.map(|key| format!("{} could not resume during the attack", self.group.name(key))));
                Connection::Judged
            }
            unchanged => unchanged,
        };
        Ok(())
    }
}
