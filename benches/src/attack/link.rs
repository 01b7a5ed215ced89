//! The client's end of one connection, without its socket: what has arrived, and what is still to be written.

use chatcore::wire::{
    self, Ack, ClientMessage, Content, HubMessage, Kind, Message, PREFACE_BYTES, Pong, Preface, Register, Resume, Token,
};

/// The longest frame that is taken before the welcome announces a limit.
const FRAME_BYTES_MAX: u32 = 1 << 20;

/// What the client sends first.
#[derive(Clone, Debug)]
pub(crate) enum Opening {
    /// Asks for a name.
    Register(String),
    /// Goes on with a session.
    Resume { name: String, token: Token, received: u64, attempt: u64 },
    /// Sends these bytes after the preface.
    Raw(Vec<u8>),
    /// Sends these bytes, without a preface, and looks at nothing that comes.
    Opaque(Vec<u8>),
    /// The same below the WebSocket that the others have.
    Below(Vec<u8>),
    /// The same on the bare socket, whatever the others have above theirs.
    Bare(Vec<u8>),
}

/// What happened on a connection, if its owner may have to react.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LinkEvent {
    /// The session begins, or goes on.
    Ready,
    /// The hub refused a name or a resume.
    Refused,
    /// Something has come that is not looked at.
    Answered,
    /// The connection is over, for this reason.
    Ended(String),
}

/// What was taken off the input.
#[derive(Debug)]
pub(crate) enum Received<'a> {
    /// A numbered frame.
    Frame(Content<'a>),
    Event(LinkEvent),
    /// Something that the link has dealt with itself.
    Handled,
}

/// The client's end of one connection.
#[derive(Debug)]
pub(crate) struct Link {
    has_preface: bool,
    /// What comes is not looked at.
    is_opaque: bool,
    /// The session has begun or was resumed on this connection.
    pub(crate) is_ready: bool,
    /// Numbered frames that have arrived in the session.
    pub(crate) received: u64,
    acknowledged: u64,
    pub(crate) token: Option<Token>,
    frame_bytes_max: u32,
    /// Whole frames that are still to be written.
    pub(crate) outgoing: Vec<u8>,
}

impl Link {
    pub(crate) fn open(opening: &Opening) -> Self {
        let mut link = Self {
            has_preface: false,
            is_opaque: false,
            is_ready: false,
            received: 0,
            acknowledged: 0,
            token: None,
            frame_bytes_max: FRAME_BYTES_MAX,
            outgoing: Preface::OURS.encode().to_vec(),
        };
        match opening {
            Opening::Register(name) => {
                ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX })
                    .encode(&mut link.outgoing);
            }
            Opening::Resume { name, token, received, attempt } => {
                let (token, attempt) = (*token, *attempt);
                (link.token, link.received, link.acknowledged) = (Some(token), *received, *received);
                let resume = Resume { name, token, received: Some(*received), attempt, frame_bytes_max: u32::MAX };
                ClientMessage::Resume(resume).encode(&mut link.outgoing);
            }
            Opening::Raw(bytes) => link.outgoing.extend_from_slice(bytes),
            Opening::Opaque(bytes) | Opening::Below(bytes) | Opening::Bare(bytes) => {
                (link.is_opaque, link.outgoing) = (true, bytes.clone());
            }
        }
        link
    }

    /// Takes the next frame off the input; none until it is whole. An error is the end of the connection.
    pub(crate) fn take<'a>(&mut self, input: &mut &'a [u8]) -> Result<Option<Received<'a>>, String> {
        if self.is_opaque {
            let is_empty = std::mem::take(input).is_empty();
            return Ok((!is_empty).then_some(Received::Event(LinkEvent::Answered)));
        }
        if !self.has_preface {
            let Some((preface, rest)) = input.split_first_chunk::<PREFACE_BYTES>() else { return Ok(None) };
            if *preface != Preface::OURS.encode() {
                return Err("the server speaks another protocol".to_owned());
            }
            (self.has_preface, *input) = (true, rest);
        }
        let content = wire::take(input, self.frame_bytes_max).map_err(|error| error.to_string())?;
        let Some(content) = content else { return Ok(None) };
        if content.kind.is_numbered() {
            self.received += 1;
            return Ok(Some(Received::Frame(content)));
        }
        if content.kind == Kind::ACK {
            return Ok(Some(Received::Handled));
        }
        let message = HubMessage::decode(content).map_err(|error| error.to_string())?;
        Ok(Some(match message {
            Some(HubMessage::Welcome(welcome)) => {
                self.token = Some(welcome.token);
                // From now on the session outlives its connection.
                ClientMessage::Ack(Ack { count: 0 }).encode(&mut self.outgoing);
                self.frame_bytes_max = welcome.limits.frame_bytes_max;
                self.is_ready = true;
                Received::Event(LinkEvent::Ready)
            }
            Some(HubMessage::Resumed(_)) => {
                self.is_ready = true;
                Received::Event(LinkEvent::Ready)
            }
            Some(HubMessage::Refused(_)) => Received::Event(LinkEvent::Refused),
            Some(HubMessage::Ping(ping)) => {
                ClientMessage::Pong(Pong { nonce: ping.nonce }).encode(&mut self.outgoing);
                Received::Handled
            }
            Some(HubMessage::Goodbye(goodbye)) => return Err(format!("goodbye {}: {}", goodbye.code, goodbye.detail)),
            Some(HubMessage::Error(error)) => return Err(format!("error {}: {}", error.code, error.detail)),
            _ => Received::Handled,
        }))
    }

    /// Acknowledges all that has arrived, if that is more than last time.
    pub(crate) fn acknowledge(&mut self) {
        if self.received > self.acknowledged {
            ClientMessage::Ack(Ack { count: self.received }).encode(&mut self.outgoing);
            self.acknowledged = self.received;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use chatcore::wire::{Done, ErrorCode, ErrorMessage};

    #[test]
    fn numbered_frames_are_acknowledged_once() {
        let mut link = Link::open(&Opening::Register("alice".to_owned()));
        link.outgoing.clear();
        let mut bytes = Preface::OURS.encode().to_vec();
        HubMessage::Done(Done { number: 1 }).encode(&mut bytes);
        let mut input = &bytes[..];
        assert!(matches!(link.take(&mut input), Ok(Some(Received::Frame(_)))));
        assert!(matches!(link.take(&mut input), Ok(None)));
        link.acknowledge();
        link.acknowledge();
        let mut expected = Vec::new();
        ClientMessage::Ack(Ack { count: 1 }).encode(&mut expected);
        assert_eq!(link.outgoing, expected);
    }

    #[test]
    fn an_error_is_the_end_with_its_reason() {
        let mut link = Link::open(&Opening::Register("alice".to_owned()));
        let mut bytes = Preface::OURS.encode().to_vec();
        HubMessage::Error(ErrorMessage { code: ErrorCode::Unexpected, detail: "no" }).encode(&mut bytes);
        let reason = link.take(&mut &bytes[..]).unwrap_err();
        assert!(reason.contains("unexpected: no"), "{reason}");
    }
}
