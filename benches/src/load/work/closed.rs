//! Closed loops: who has a message delivered sends the next.

use std::time::{Duration, Instant};

use super::DRAIN_TIME_MAX;
use crate::load::contestant::Running;
use crate::load::crowd::Crowd;
use crate::load::dialect::{Dialect, To};
use crate::load::figures::{Figure, Figures};
use crate::load::options::Options;
use crate::load::process::{self, CallCount};
use crate::load::{Failure, Result, message};

/// Users in pairs, each sending to the other.
pub(super) fn pairs<D: Dialect>(
    mut crowd: Crowd<D>,
    running: &Running,
    users: usize,
    outstanding: usize,
    options: &Options,
) -> Result<Figures> {
    crowd.fill(users)?;
    crowd.address((0..users).map(To::User));
    run(crowd, running, options, Score::new(users, users, outstanding, Hearers::Peer))
}

/// A room in which the first few speak.
pub(super) fn room<D: Dialect>(mut crowd: Crowd<D>, running: &Running, options: &Options) -> Result<Figures> {
    crowd.fill(options.members)?;
    crowd.address([To::Room]);
    let score = Score::new(options.members, options.senders, options.room_outstanding, Hearers::Others);
    run(crowd, running, options, score)
}

/// Who hears a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hearers {
    /// The other one of a pair.
    Peer,
    /// Everybody but the sender.
    Others,
}

/// Who has sent and heard what.
struct Score {
    senders: Vec<Sender>,
    hearers: Hearers,
    /// How many hear each message.
    listeners: usize,
    /// The next message of each sender that each user will hear: by user, then by those whom it hears.
    expected: Vec<u32>,
    outstanding: usize,
    /// Senders that may send more.
    free: Vec<usize>,
    delivered: u64,
}

struct Sender {
    sent: u32,
    /// How many times its messages were heard.
    heard: u64,
    is_free: bool,
}

impl Score {
    fn new(users: usize, senders: usize, outstanding: usize, hearers: Hearers) -> Self {
        let (listeners, heard_by_each) = match hearers {
            Hearers::Peer => (1, 1),
            Hearers::Others => (users - 1, senders),
        };
        Self {
            senders: (0..senders).map(|_| Sender { sent: 0, heard: 0, is_free: true }).collect(),
            hearers,
            listeners,
            expected: vec![0; users * heard_by_each],
            outstanding,
            free: (0..senders).collect(),
            delivered: 0,
        }
    }

    fn hear(&mut self, user: usize, body: &[u8]) -> Result<()> {
        let (sender, sequence) = message::read(body);
        let senders = self.senders.len();
        let Some(score) = self.senders.get_mut(sender) else {
            return Err(Failure::new("a message has arrived that nobody sent"));
        };
        let place = match self.hearers {
            Hearers::Peer if peer(sender) == user => user,
            Hearers::Peer => {
                return Err(Failure::new(format_args!("user {user} has heard what user {sender} said to another")));
            }
            // Some servers give a sender its own messages. They are not counted.
            Hearers::Others if sender == user => return Ok(()),
            Hearers::Others => user * senders + sender,
        };
        let expected = &mut self.expected[place];
        if sequence != *expected {
            return Err(Failure::new(format_args!(
                "user {user} has heard message {sequence} of user {sender}, and not {expected}: one is lost, or they \
                 are out of order"
            )));
        }
        *expected += 1;
        score.heard += 1;
        if !std::mem::replace(&mut score.is_free, true) {
            self.free.push(sender);
        }
        self.delivered += 1;
        Ok(())
    }

    /// Sends what may be sent.
    fn say<D: Dialect>(&mut self, crowd: &mut Crowd<D>) {
        for number in self.free.drain(..) {
            let sender = &mut self.senders[number];
            sender.is_free = false;
            // In a room a message counts as delivered when as many have come as it has listeners.
            let delivered = sender.heard / self.listeners as u64;
            while u64::from(sender.sent) < delivered + self.outstanding as u64 {
                let recipient = match self.hearers {
                    Hearers::Peer => peer(number),
                    Hearers::Others => 0,
                };
                crowd.say(number, recipient, sender.sent);
                sender.sent += 1;
            }
        }
    }

    fn sent(&self) -> u64 {
        self.senders.iter().map(|sender| u64::from(sender.sent)).sum()
    }

    fn is_all_heard(&self) -> bool {
        self.senders.iter().all(|sender| sender.heard == u64::from(sender.sent) * self.listeners as u64)
    }
}

fn run<D: Dialect>(mut crowd: Crowd<D>, running: &Running, options: &Options, mut score: Score) -> Result<Figures> {
    work(&mut crowd, &mut score, until(options.warm_up()))?;

    let (delivered, cpu, since) = (score.delivered, process::cpu_us(running.pid())?, Instant::now());
    work(&mut crowd, &mut score, until(options.window()))?;
    let (time, cpu) = (since.elapsed(), process::cpu_us(running.pid())? - cpu);
    let messages = (score.delivered - delivered) as f64;
    let mut figures = Figures::default();
    figures.set(Figure::Cpu, cpu / messages);
    figures.set(Figure::Rate, messages / time.as_secs_f64());
    figures.set(Figure::Load, cpu / time.as_secs_f64() / 1e4);

    if let Some(count) = CallCount::start(running.pid(), options.warm_up()) {
        let delivered = score.delivered;
        work(&mut crowd, &mut score, until(options.warm_up()))?;
        let messages = (score.delivered - delivered) as f64;
        if let Some(calls) = count.finish() {
            figures.set(Figure::PerRead, messages / calls.reads);
            figures.set(Figure::PerWrite, messages / calls.writes);
        }
    }

    let deadline = Instant::now() + DRAIN_TIME_MAX;
    while !score.is_all_heard() || (D::SAYS_ACCEPTED && crowd.accepted < score.sent()) {
        crowd.turn(Some(Duration::from_millis(100)), |user, body| score.hear(user, body))?;
        crowd.flush()?;
        if Instant::now() > deadline {
            return Err(Failure::new("messages or answers are lost: they have not come in the time left for them"));
        }
    }
    if crowd.accepted > score.sent() {
        return Err(Failure::new("more messages were accepted than sent"));
    }
    Ok(figures)
}

/// The other one of a user's pair.
const fn peer(user: usize) -> usize {
    user ^ 1
}

/// The time is over.
fn until(time: Duration) -> impl FnMut(Instant) -> bool {
    let end = Instant::now() + time;
    move |now| now >= end
}

fn work<D: Dialect>(crowd: &mut Crowd<D>, score: &mut Score, mut is_over: impl FnMut(Instant) -> bool) -> Result<()> {
    while !is_over(Instant::now()) {
        score.say(crowd);
        crowd.flush()?;
        crowd.turn(Some(Duration::from_millis(100)), |user, body| score.hear(user, body))?;
    }
    Ok(())
}
