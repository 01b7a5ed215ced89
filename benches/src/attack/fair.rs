//! Pairs of well-behaved users, whose messages must not notice an attack. They send at fixed times, whatever comes
//! back, so that a server that stands still is charged with all that had to wait.

use std::net::Ipv4Addr;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use chatcore::wire::{ClientMessage, Content, Deliver, HubMessage, Kind, Message, Send};

use super::link::LinkEvent;
use super::phase::{CurrentPhase, Phase};
use super::registrations::Registrations;
use super::scenario::Greeting;
use super::sockets::{ReadPolicy, Sockets};
use crate::failure::Result;
use crate::latencies::Latencies;
use crate::over::Dialer;

const BODY_BYTES: usize = 64;

/// From one message of a user to its next.
const INTERVAL: Duration = Duration::from_millis(50);

/// How long messages that are under way may take in the end. Then they are lost.
const DRAIN_TIME_MAX: Duration = Duration::from_secs(10);

const LATENCY_MAX: Duration = Duration::from_mins(1);

/// What fair users noticed.
#[derive(Debug)]
pub(crate) struct Fairness {
    /// Of each phase: a message belongs to the one in which it was sent.
    pub(crate) latencies: Vec<Latencies>,
    /// How late messages were sent, because this thread had to wait for its processor. So late they may have been
    /// read, too, for which the server is not to blame.
    pub(crate) lateness: Vec<Latencies>,
    /// Messages that never arrived.
    pub(crate) lost: u64,
    /// Messages that came twice, or after a later one.
    pub(crate) doubled: u64,
    /// Whose sessions ended, and why.
    pub(crate) ended: Vec<String>,
}

/// One of a pair: its number, with the last bit changed, is that of the other.
#[derive(Clone, Debug, Default)]
struct User {
    sent: u64,
    /// The number of the next message from the other.
    expected: u64,
    received: u64,
    doubled: u64,
    has_ended: bool,
}

/// What a body says.
struct Stamp {
    phase: Phase,
    sequence: u64,
    sent: Duration,
}

impl Stamp {
    fn write(&self) -> [u8; BODY_BYTES] {
        let mut body = [b'x'; BODY_BYTES];
        body[0] = self.phase as u8;
        body[8..16].copy_from_slice(&self.sequence.to_le_bytes());
        body[16..24].copy_from_slice(&(self.sent.as_nanos() as u64).to_le_bytes());
        body
    }

    fn read(body: &[u8]) -> Option<Self> {
        let number = |at: usize| Some(u64::from_le_bytes(body.get(at..at + 8)?.try_into().ok()?));
        let phase = *Phase::ALL.get(usize::from(*body.first()?))?;
        Some(Self { phase, sequence: number(8)?, sent: Duration::from_nanos(number(16)?) })
    }
}

struct Pairs<'a> {
    current: &'a CurrentPhase,
    names: Vec<String>,
    users: Vec<User>,
    fairness: Fairness,
    /// When the first message was due, and how many have been since.
    start: Instant,
    due: u64,
    /// Messages of each phase that are under way, and when its last one was sent.
    under_way: [(u64, Instant); Phase::ALL.len()],
}

/// Lets them talk until the attack is done.
pub(crate) fn run(pairs: usize, server: Dialer, current: &CurrentPhase, ready: &Sender<()>) -> Result<Fairness> {
    let mut sockets = Sockets::new(server)?;
    let names: Vec<String> = (0..2 * pairs).map(|key| format!("fair{key}")).collect();
    let mut registrations = Registrations::new("fair users", ReadPolicy::Acknowledge);
    for name in &names {
        let key = sockets.add();
        registrations.add(key, Ipv4Addr::LOCALHOST, name.clone(), Greeting::default());
    }
    registrations.complete(&mut sockets, current)?;
    let _ = ready.send(());
    let mut pairs = Pairs::new(current, names);
    let mut deadline = None;
    loop {
        let phase = current.phase();
        if phase < Phase::Drain {
            pairs.send_what_is_due(phase, &mut sockets);
        } else {
            let deadline = *deadline.get_or_insert_with(|| {
                // A machine that stood still until now has kept these from being sent, and that is to be seen.
                pairs.send_what_is_due(Phase::After, &mut sockets);
                Instant::now() + DRAIN_TIME_MAX
            });
            if phase == Phase::Done || pairs.have_all() || Instant::now() > deadline {
                break;
            }
        }
        sockets.flush();
        sockets.turn(Duration::from_millis(1), |key, content| pairs.receive(key, content))?;
        for (key, event) in sockets.take_events() {
            if let LinkEvent::Ended(reason) = event {
                pairs.users[key].has_ended = true;
                pairs.fairness.ended.push(format!("{} ended: {reason}", pairs.names[key]));
            }
        }
    }
    Ok(pairs.finish())
}

impl<'a> Pairs<'a> {
    fn new(current: &'a CurrentPhase, names: Vec<String>) -> Self {
        let latencies = vec![Latencies::up_to(LATENCY_MAX); Phase::ALL.len()];
        let fairness = Fairness { lateness: latencies.clone(), latencies, lost: 0, doubled: 0, ended: Vec::new() };
        let (start, users) = (Instant::now(), vec![User::default(); names.len()]);
        Self { current, names, users, fairness, start, due: 0, under_way: [(0, start); Phase::ALL.len()] }
    }

    fn send_what_is_due(&mut self, phase: Phase, sockets: &mut Sockets) {
        let (now, users) = (Instant::now(), self.users.len() as u64);
        let step = INTERVAL.as_nanos() as u64 / users;
        while let due = self.start + Duration::from_nanos(step * self.due)
            && due <= now
        {
            self.fairness.lateness[phase as usize].record(now - due);
            let key = (self.due % users) as usize;
            self.due += 1;
            if self.users[key].has_ended || self.users[key ^ 1].has_ended {
                continue;
            }
            let sent = now.duration_since(self.current.start);
            let body = Stamp { phase, sequence: self.users[key].sent, sent }.write();
            let mut frame = Vec::new();
            ClientMessage::Send(Send { to: &self.names[key ^ 1], body: &body }).encode(&mut frame);
            sockets.send(key, &frame);
            self.users[key].sent += 1;
            let (count, last) = &mut self.under_way[phase as usize];
            (*count, *last) = (*count + 1, now);
        }
    }

    fn receive(&mut self, key: usize, content: Content<'_>) {
        if content.kind != Kind::DELIVER {
            return;
        }
        let Ok(Some(HubMessage::Deliver(Deliver { from, body, .. }))) = HubMessage::decode(content) else { return };
        let Some(stamp) = Stamp::read(body).filter(|_| from == self.names[key ^ 1]) else { return };
        let latency = self.current.start.elapsed().saturating_sub(stamp.sent);
        self.fairness.latencies[stamp.phase as usize].record(latency);
        let user = &mut self.users[key];
        user.received += 1;
        if stamp.sequence < user.expected {
            user.doubled += 1;
        } else {
            user.expected = stamp.sequence + 1;
            self.under_way[stamp.phase as usize].0 -= 1;
        }
    }

    fn have_all(&self) -> bool {
        self.lost().all(|lost| lost == 0)
    }

    /// Of each user, how many of its messages have not arrived.
    fn lost(&self) -> impl Iterator<Item = u64> {
        let users = self.users.iter().enumerate();
        users.map(|(key, user)| {
            let other = &self.users[key ^ 1];
            user.sent - (other.received - other.doubled)
        })
    }

    fn finish(mut self) -> Fairness {
        for (latencies, (count, last)) in self.fairness.latencies.iter_mut().zip(self.under_way) {
            // They have taken at least this long.
            (0..count).for_each(|_| latencies.record(last.elapsed()));
        }
        self.fairness.lost = self.lost().sum();
        self.fairness.doubled = self.users.iter().map(|user| user.doubled).sum();
        self.fairness
    }
}

#[cfg(test)]
mod tests {
    use chatcore::wire::{self, MessageId};

    use super::*;

    fn deliver(pairs: &mut Pairs<'_>, key: usize, sequence: u64) {
        let body = Stamp { phase: Phase::During, sequence, sent: Duration::ZERO }.write();
        let from = pairs.names[key ^ 1].clone();
        let mut bytes = Vec::new();
        HubMessage::Deliver(Deliver { id: MessageId(1), from: &from, body: &body }).encode(&mut bytes);
        pairs.receive(key, wire::take(&mut &bytes[..], 1000).unwrap().unwrap());
    }

    #[test]
    fn what_is_lost_and_what_comes_twice_is_counted() {
        let current = CurrentPhase::new();
        let mut pairs = Pairs::new(&current, vec!["fair0".to_owned(), "fair1".to_owned()]);
        pairs.users[0].sent = 4;
        pairs.under_way[Phase::During as usize].0 = 4;
        for sequence in [0, 1, 1, 3] {
            deliver(&mut pairs, 1, sequence);
        }
        let fairness = pairs.finish();
        assert_eq!((fairness.lost, fairness.doubled), (1, 1));
    }
}
