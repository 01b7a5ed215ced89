//! Which messages were sent and received: each must come once, to everybody that it is for, and in order.

use super::client_pool::ClientPool;
use super::message;
use super::protocol::Protocol;
use crate::failure::{Failure, Result};

/// To whom a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// The other user of a pair.
    Peer,
    /// Everybody in the room but the sender.
    Room,
}

/// Tracks the messages of a closed loop, and sends the next ones of a sender as soon as earlier ones have arrived.
#[derive(Debug)]
pub(crate) struct Tracker {
    senders: Vec<Sender>,
    audience: Audience,
    /// How many users receive each message.
    recipients: usize,
    /// Sequence number of the next message: by the user who receives it, then by the sender.
    expected: Vec<u32>,
    /// Messages that a sender may have under way.
    outstanding: usize,
    /// Senders that may send more.
    free: Vec<usize>,
    /// Messages received, counted once for each user who receives them.
    pub(crate) delivered: u64,
}

#[derive(Debug)]
struct Sender {
    sent: u32,
    /// How many times its messages were received.
    received: u64,
    is_free: bool,
}

/// The other user of a user's pair.
pub(crate) const fn peer(user: usize) -> usize {
    user ^ 1
}

impl Tracker {
    /// Tracks users in pairs.
    pub(crate) fn of_pairs(users: usize, outstanding: usize) -> Self {
        Self::new(Audience::Peer, users, 1, users, outstanding)
    }

    /// Tracks the members of a room, the first of whom are senders.
    pub(crate) fn of_room(members: usize, senders: usize, outstanding: usize) -> Self {
        Self::new(Audience::Room, senders, members - 1, members * senders, outstanding)
    }

    fn new(audience: Audience, senders: usize, recipients: usize, streams: usize, outstanding: usize) -> Self {
        Self {
            senders: (0..senders).map(|_| Sender { sent: 0, received: 0, is_free: true }).collect(),
            audience,
            recipients,
            expected: vec![0; streams],
            outstanding,
            free: (0..senders).collect(),
            delivered: 0,
        }
    }

    /// Records that a user has received a message. Fails if it is not the next one of its sender.
    pub(crate) fn record(&mut self, user: usize, body: &[u8]) -> Result<()> {
        let (number, sequence) = message::read(body);
        let senders = self.senders.len();
        let Some(sender) = self.senders.get_mut(number) else {
            return Err(Failure::new("a message has arrived that nobody sent"));
        };
        let stream = match self.audience {
            Audience::Peer if peer(number) == user => user,
            Audience::Peer => {
                return Err(Failure::new(format_args!("user {user} has heard what user {number} said to another")));
            }
            // Some servers give a sender its own messages. They are not counted.
            Audience::Room if number == user => return Ok(()),
            Audience::Room => user * senders + number,
        };
        let expected = &mut self.expected[stream];
        if sequence != *expected {
            return Err(Failure::new(format_args!(
                "user {user} has heard message {sequence} of user {number}, and not {expected}: one is lost, or they \
                 are out of order"
            )));
        }
        *expected += 1;
        sender.received += 1;
        if !std::mem::replace(&mut sender.is_free, true) {
            self.free.push(number);
        }
        self.delivered += 1;
        Ok(())
    }

    /// Sends all messages that may be sent now.
    pub(crate) fn send<P: Protocol>(&mut self, pool: &mut ClientPool<P>) {
        for number in self.free.drain(..) {
            let sender = &mut self.senders[number];
            sender.is_free = false;
            // In a room a message counts as delivered when as many copies have arrived as it has recipients.
            let delivered = sender.received / self.recipients as u64;
            while u64::from(sender.sent) < delivered + self.outstanding as u64 {
                let recipient = match self.audience {
                    Audience::Peer => peer(number),
                    Audience::Room => 0,
                };
                pool.send(number, recipient, sender.sent);
                sender.sent += 1;
            }
        }
    }

    /// Messages sent.
    pub(crate) fn sent(&self) -> u64 {
        self.senders.iter().map(|sender| u64::from(sender.sent)).sum()
    }

    /// Whether nothing is under way.
    pub(crate) fn is_drained(&self) -> bool {
        self.senders.iter().all(|sender| sender.received == u64::from(sender.sent) * self.recipients as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(sender: usize, sequence: u32) -> Vec<u8> {
        let mut body = vec![b'x'; message::STAMP_BYTES];
        message::stamp(&mut body, sender, sequence);
        body
    }

    #[test]
    fn a_lost_message_is_noticed() {
        let mut tracker = Tracker::of_pairs(4, 8);
        tracker.record(1, &body(0, 0)).unwrap();
        tracker.record(3, &body(2, 0)).unwrap();
        let failure = tracker.record(1, &body(0, 2)).unwrap_err();
        assert!(failure.to_string().contains("message 2 of user 0, and not 1"), "{failure}");
        assert_eq!(tracker.delivered, 2);
    }

    #[test]
    fn a_message_to_somebody_else_is_noticed() {
        let mut tracker = Tracker::of_pairs(4, 8);
        assert!(tracker.record(2, &body(0, 0)).unwrap_err().to_string().contains("said to another"));
        assert!(tracker.record(1, &body(4, 0)).unwrap_err().to_string().contains("nobody sent"));
    }

    #[test]
    fn an_echo_in_a_room_does_not_count() {
        let mut tracker = Tracker::of_room(3, 2, 8);
        tracker.record(0, &body(0, 0)).unwrap();
        assert_eq!(tracker.delivered, 0);
        tracker.record(2, &body(0, 0)).unwrap();
        tracker.record(2, &body(1, 0)).unwrap();
        assert_eq!(tracker.delivered, 2);
    }
}
