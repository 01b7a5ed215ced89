//! What an attack consists of: who is connected, and what each of them does.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use chatcore::wire::{ClientMessage, Goodbye, GoodbyeCode, Message};

use super::sockets::Flood;

/// Users of a group that have one address.
const USERS_OF_ADDRESS: usize = 100;

/// A kind of attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    /// As it stands in the table.
    pub(crate) name: &'static str,
    /// What it does, in a few words.
    pub(crate) about: &'static str,
    /// Builds it for a number of attackers, or for attackers from so many addresses.
    pub(crate) scenario: fn(usize) -> Scenario,
}

/// Everybody beside the fair users.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scenario {
    /// Users that register and leave before anything is measured, so that the server's tables are large and empty.
    pub(crate) departed: Group,
    /// Users that do nothing wrong, and whose sessions must not end.
    pub(crate) bystanders: Group,
    /// When their connections break, and they resume.
    pub(crate) bystanders_break: Break,
    /// Sessions of the attackers that send nothing during the attack.
    pub(crate) passive: Group,
    pub(crate) passive_mode: PassiveMode,
    /// What it is about beside the hub.
    pub(crate) needs: Needs,
    /// What each attacker does.
    pub(crate) attackers: Vec<Behaviour>,
    /// So many addresses are theirs, in turn. Without it each has its own.
    pub(crate) addresses: Option<usize>,
    /// Arguments of the server that keep the attack within what a machine has.
    pub(crate) server_args: &'static [&'static str],
    /// Beyond what the arguments say.
    pub(crate) surroundings: Surroundings,
    /// MiB that the server may use, if that is less than it may otherwise.
    pub(crate) memory_max_mib: Option<u64>,
}

/// What the transport must have for an attack on it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Needs {
    #[default]
    Nothing,
    /// A handshake of its own.
    Handshake,
    /// TLS. Its records have little in them, if an attacker writes them.
    Tls,
    /// A WebSocket, beside which the server has its page.
    WebSocket,
}

/// When the connections of bystanders break.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Break {
    #[default]
    Never,
    /// In the middle of the attack, and they resume after it.
    UntilAfter,
    /// In the middle of the attack, and they are to resume while it lasts.
    Shortly,
}

/// What is special about the server's process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Surroundings {
    #[default]
    Ordinary,
    /// It may have so many files open.
    Files(u32),
    /// It logs all that it logs by default, into a pipe that is full and that nobody reads.
    FullLog,
    /// It has a file with passwords of so many users, [`guarded`] by name.
    Passwords(usize),
}

/// Users that are all alike.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    prefix: &'static str,
    pub(crate) count: usize,
    pub(crate) greeting: Greeting,
}

/// What a user sends as soon as it is registered.
#[derive(Clone, Debug, Default)]
pub(crate) struct Greeting {
    pub(crate) frames: Arc<[u8]>,
    /// Numbered frames that it gets for that, at the least.
    pub(crate) answers: u64,
}

/// What becomes of the passive sessions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum PassiveMode {
    /// When the attack begins they stop reading and acknowledging.
    #[default]
    StopReading,
    /// Their connections are reset before anything is measured.
    Disconnect,
}

/// What an attacker does.
#[derive(Clone, Debug)]
pub(crate) enum Behaviour {
    /// Writes blocks as fast as the server takes them.
    Flood {
        greeting: Greeting,
        flood: Flood,
        /// From the start of one flood to the start of the next, if it has an end.
        again_after: Option<Duration>,
    },
    /// Says the first of these, and the other so much later; all of them do within a second.
    InTwo { parts: Arc<[Vec<u8>; 2]>, pause: Duration },
    /// Registers and says goodbye, under one name, in this period.
    Flap { period: Duration },
    /// Registers, resets the connection, and registers under another name.
    RegisterAndReset,
    /// Sends these bytes after the preface, again on a new connection when the server has closed the last one.
    RepeatHandshake { bytes: Vec<u8> },
    /// Registers, keeps the session, and ends the connection in an orderly way; then the next.
    RegisterAndLeave,
    /// Registers under names that have a password, with another one: as many as a connection may, then on the next.
    Guess { users: usize },
    /// Connects, says nothing that would begin a session, and stays. Connects again when it was closed.
    Hold { held: Held, pace: Option<Duration> },
    /// Says this below the WebSocket, again on a new connection when the server has closed the last one.
    Ask { request: Arc<[u8]> },
    /// Begins the transport's handshake, and resets the connection as soon as it is answered; then the next.
    BeginHandshake,
    /// Fills its own outbox with what it sends first, then resumes and resets over and over.
    Resume { greeting: Greeting },
}

/// How far a connection goes that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// The transport's own handshake is not finished.
    Bare,
    /// It says this below the WebSocket, which is the start of a request.
    Asking(&'static str),
    /// It is, and that of chatcore is not.
    Inside,
}

impl Group {
    pub(crate) fn new(prefix: &'static str, count: usize) -> Self {
        Self { prefix, count, greeting: Greeting::default() }
    }

    pub(crate) fn greeting(self, greeting: Greeting) -> Self {
        Self { greeting, ..self }
    }

    pub(crate) fn name(&self, number: usize) -> String {
        format!("{}{number}", self.prefix)
    }

    /// The address of one of them, in this network under 127.
    pub(crate) fn address(network: u8, number: usize) -> Ipv4Addr {
        let address = number / USERS_OF_ADDRESS;
        Ipv4Addr::new(127, network, (address / 250) as u8, (address % 250) as u8 + 1)
    }
}

impl Greeting {
    pub(crate) fn new(frames: Vec<u8>, answers: u64) -> Self {
        Self { frames: frames.into(), answers }
    }
}

impl Behaviour {
    /// Floods without an end.
    pub(crate) fn flood(block: Vec<u8>) -> Self {
        Self::flood_after(Greeting::default(), block)
    }

    /// Sends a greeting, and floods without an end.
    pub(crate) fn flood_after(greeting: Greeting, block: Vec<u8>) -> Self {
        Self::Flood { greeting, flood: flood(block, u64::MAX), again_after: None }
    }

    /// Writes a block this many times.
    pub(crate) fn flood_times(block: Vec<u8>, times: u64) -> Self {
        Self::Flood { greeting: Greeting::default(), flood: flood(block, times), again_after: None }
    }
}

pub(crate) fn flood(block: Vec<u8>, times: u64) -> Flood {
    Flood { block: block.into(), times }
}

/// The name of an attacker that has registered this many times before.
pub(crate) fn attacker(number: usize, times: u64) -> String {
    if times == 0 { format!("attacker{number}") } else { format!("attacker{number}x{times}") }
}

/// The name of a user who has a password.
pub(crate) fn guarded(number: usize) -> String {
    format!("guarded{number}")
}

/// One message as a frame.
pub(crate) fn frame(message: &ClientMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

pub(crate) fn goodbye() -> Vec<u8> {
    frame(&ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }))
}

/// Frames over and over, up to this many bytes.
pub(crate) fn repeat_to(bytes: usize, frames: &[u8]) -> Vec<u8> {
    frames.repeat((bytes / frames.len()).max(1))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_hundred_users_have_one_address() {
        let addresses: BTreeSet<Ipv4Addr> = (0..30_000).map(|number| Group::address(1, number)).collect();
        assert_eq!(addresses.len(), 300);
        assert!(addresses.iter().all(Ipv4Addr::is_loopback));
    }
}
