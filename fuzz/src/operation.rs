//! What the fuzzer's bytes mean to a hub.

use arbitrary::Arbitrary;

/// Something that happens to a hub. A user is an index into all who were ever admitted.
#[derive(Arbitrary, Clone, Debug)]
pub enum Operation {
    /// Somebody asks for one of a few names. From 128 on, as another session of the user that has it, if somebody has
    /// it.
    Admit(u8),
    /// A user says something that the protocol knows.
    Say(u8, UserMessage),
    /// A user says anything.
    Raw(u8, Vec<u8>),
    /// The transport takes some of what is to be written to a user.
    Transmit(u8, u16),
    /// A user's transport breaks.
    Disconnect(u8),
    /// An operator ends the sessions of one of a few names. From 128 on, it gives its user another one of them.
    Operate(u8),
    /// Milliseconds pass.
    Pass(u16),
    /// The driver does what the hub asks for.
    Drain,
    /// The hub stops.
    ShutDown,
}

/// What a user sends to the hub.
#[derive(Arbitrary, Clone, Debug)]
pub enum UserMessage {
    /// A message for one of a few names, with a body of this many bytes.
    Send(u8, u16),
    /// A page of who is online.
    Who(u8),
    /// This many frames less are acknowledged than were written.
    Ack(u8),
    /// A ping.
    Ping,
    /// A goodbye.
    Goodbye,
}
