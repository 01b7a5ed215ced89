//! Frames to write and to read.

use std::hint::black_box;

use chatcore::wire::{AcceptedRun, Ack, ClientMessage, Deliver, HubMessage, Message, MessageId, Send, take};

/// A message, and the frame that it makes.
#[derive(Debug)]
pub struct Coding<'a> {
    message: AnyMessage<'a>,
    frame: Vec<u8>,
    /// Where it is written.
    out: Vec<u8>,
}

#[derive(Debug)]
enum AnyMessage<'a> {
    ByClient(ClientMessage<'a>),
    ByHub(HubMessage<'a>),
}

impl<'a> Coding<'a> {
    /// The messages of which nearly all traffic consists, by name.
    pub fn all(body: &'a [u8]) -> [(&'static str, Self); 4] {
        let id = MessageId(1 << 58);
        [
            ("send", AnyMessage::ByClient(ClientMessage::Send(Send { to: "user00042", body }))),
            ("deliver", AnyMessage::ByHub(HubMessage::Deliver(Deliver { id, from: "user00042", body }))),
            ("accepted", AnyMessage::ByHub(HubMessage::Accepted(AcceptedRun { number: 1 << 10, id, more: 63 }.into()))),
            ("ack", AnyMessage::ByClient(ClientMessage::Ack(Ack { count: 1 << 10 }))),
        ]
        .map(|(name, message)| (name, Self::new(message)))
    }

    fn new(message: AnyMessage<'a>) -> Self {
        let mut coding = Self { message, frame: Vec::new(), out: Vec::new() };
        coding.encode();
        coding.frame.clone_from(&coding.out);
        coding
    }

    /// Bytes of the frame.
    pub fn frame_bytes(&self) -> usize {
        self.frame.len()
    }

    /// Writes the message.
    pub fn encode(&mut self) {
        self.out.clear();
        match black_box(&self.message) {
            AnyMessage::ByClient(message) => message.encode(&mut self.out),
            AnyMessage::ByHub(message) => message.encode(&mut self.out),
        }
        black_box(&self.out);
    }

    /// Reads the frame, borrowed.
    ///
    /// # Panics
    ///
    /// If the frame cannot be read, which would be a bug.
    pub fn decode(&self) {
        let mut input = black_box(&self.frame[..]);
        let content = take(&mut input, u32::MAX).expect("it is a frame").expect("it is whole");
        match self.message {
            AnyMessage::ByClient(_) => drop(black_box(ClientMessage::decode(content).expect("it is a message"))),
            AnyMessage::ByHub(_) => drop(black_box(HubMessage::decode(content).expect("it is a message"))),
        }
    }
}
