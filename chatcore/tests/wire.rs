//! Properties of the bytes: what is written is read again, however it is cut, and nothing a stranger
//! sends is a panic.

use chatcore::wire::{
    self, AcceptedRun, Ack, Announced, ClientMessage, Content, Deliver, DeliveryReport, Done, ErrorMessage, Goodbye,
    HubMessage, Join, Joined, Kind, Leave, Left, Members, Message, Online, Ping, Pong, Presence, ReconnectHint,
    Refused, Register, Rejected, Resume, Resumed, RoomDeliver, Roster, Send, Subscribed, Subscriptions, Unwatch,
    UserInfo, Watch, Welcome, Who,
};
use chatcore::{
    DeliveryStatus, ErrorCode, GoodbyeCode, LeaveCode, MessageId, ProtocolError, RefusalCode, RejectCode, Token,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// The parts from which messages are made: proptest owns them, messages borrow them.
#[derive(Clone, Debug)]
struct Parts {
    /// A name, or a detail.
    text: String,
    room: String,
    other: Option<String>,
    bytes: Vec<u8>,
    names: Vec<String>,
    number: u64,
    id: u64,
    code: u16,
    short: u32,
    next: Option<u64>,
}

/// Numbers at the borders of their encoded forms, besides any.
fn number() -> impl Strategy<Value = u64> {
    prop_oneof![any::<u64>(), 0_u64..300, 65_530_u64..65_540, (u64::from(u32::MAX) - 3)..(u64::from(u32::MAX) + 3)]
}

fn parts() -> impl Strategy<Value = Parts> {
    (
        "\\PC{1,8}",
        proptest::option::of("\\PC{0,50}"),
        vec(any::<u8>(), 0..400),
        vec("\\PC{1,8}", 0..5),
        number(),
        number(),
        any::<u16>(),
        any::<u32>(),
        proptest::option::of(number()),
    )
        .prop_map(|(text, other, bytes, names, number, id, code, short, next)| Parts {
            room: format!("#{text}"),
            text,
            other,
            bytes,
            names,
            number,
            id,
            code,
            short,
            next,
        })
}

impl Parts {
    fn goodbye(&self) -> Goodbye<'_> {
        Goodbye { code: GoodbyeCode::from(self.code), detail: &self.text, reconnect: None }
    }

    fn hint(&self) -> Option<ReconnectHint<'_>> {
        self.next.map(|_| ReconnectHint { after_ms: self.short, address: self.other.as_deref() })
    }

    fn error(&self) -> ErrorMessage<'_> {
        ErrorMessage { code: ErrorCode::from(self.code), detail: &self.text }
    }

    fn token(&self) -> Token {
        Token::from_bytes((u128::from(self.number) << 64 | u128::from(self.id)).to_le_bytes())
    }

    fn names(&self) -> Vec<&str> {
        self.names.iter().map(String::as_str).collect()
    }

    /// A room, and users.
    fn subscriptions(&self) -> Vec<&str> {
        let users = self.names().into_iter().filter(|name| !name.starts_with('#'));
        users.chain([self.room.as_str()]).collect()
    }

    fn users(&self) -> Vec<UserInfo<'_>> {
        self.names().into_iter().map(|name| UserInfo { name, display_name: self.next.map(|_| "Another") }).collect()
    }

    fn client_messages(&self) -> Vec<ClientMessage<'_>> {
        let (name, token) = (self.text.as_str(), self.token());
        vec![
            ClientMessage::Resume(Resume {
                name,
                token,
                received: self.next,
                attempt: self.number,
                frame_bytes_max: self.short.max(1_408),
            }),
            ClientMessage::Join(Join { room: name }),
            ClientMessage::Leave(Leave { room: name }),
            ClientMessage::Roster(Roster { room: name, cursor: self.number }),
            ClientMessage::Subscriptions(Subscriptions { cursor: self.number }),
            ClientMessage::Watch(Watch { names: self.names() }),
            ClientMessage::Unwatch(Unwatch { names: self.names() }),
            ClientMessage::Register(Register {
                name: &self.text,
                credential: &self.bytes,
                frame_bytes_max: self.short.max(1_408),
            }),
            ClientMessage::Ack(Ack { count: self.number }),
            ClientMessage::Ping(Ping { nonce: self.number }),
            ClientMessage::Pong(Pong { nonce: self.number }),
            ClientMessage::Goodbye(self.goodbye()),
            ClientMessage::Error(self.error()),
            ClientMessage::Send(Send { to: &self.text, body: &self.bytes }),
            ClientMessage::Who(Who { cursor: self.number }),
        ]
    }

    fn hub_messages(&self) -> Vec<HubMessage<'_>> {
        let limits = Announced {
            frame_bytes_max: self.short,
            body_bytes_max: u32::from(self.code),
            outbox_bytes_max: self.short / 251,
            stall_ms_max: 250,
            idle_ms_max: 251,
            resume_ms_max: self.short,
            rooms_max: 0,
            watches_max: u32::MAX,
            cost_per_s: u32::MAX,
            cost_burst: u32::MAX,
        };
        let (name, display_name, id) = (self.text.as_str(), self.next.map(|_| "Another"), MessageId(self.id));
        let page = Online { number: self.number, users: self.users(), next: self.next };
        vec![
            HubMessage::Resumed(Resumed { received: self.number, sent: self.id, limits }),
            HubMessage::RoomDeliver(RoomDeliver { id, room: &self.room, from: name, body: &self.bytes }),
            HubMessage::Done(Done { number: self.number }),
            HubMessage::Members(Members { number: page.number, users: page.users.clone(), next: page.next }),
            HubMessage::Subscribed(Subscribed { number: self.number, names: self.subscriptions(), next: self.next }),
            HubMessage::Joined(Joined { room: &self.room, name, display_name }),
            HubMessage::Left(Left { room: &self.room, name, code: LeaveCode::from(self.code) }),
            HubMessage::Presence(Presence { name, online: true, display_name }),
            HubMessage::Presence(Presence { name, online: false, display_name: None }),
            HubMessage::Report(DeliveryReport {
                status: DeliveryStatus::from(self.code),
                to: name,
                ids: (0..=self.names.len()).map(|n| MessageId(n as u64 * 1_000)).collect(),
            }),
            HubMessage::Welcome(Welcome { name, display_name, token: self.token(), limits }),
            HubMessage::Refused(Refused {
                code: RefusalCode::from(self.code),
                detail: &self.text,
                wait_ms: self.next.map(|_| self.short),
            }),
            HubMessage::Ack(Ack { count: self.number }),
            HubMessage::Ping(Ping { nonce: self.number }),
            HubMessage::Pong(Pong { nonce: self.number }),
            HubMessage::Goodbye(Goodbye { reconnect: self.hint(), ..self.goodbye() }),
            HubMessage::Error(self.error()),
            HubMessage::Deliver(Deliver { id, from: &self.text, body: &self.bytes }),
            HubMessage::Accepted(AcceptedRun { number: self.number.max(1), id, more: 0 }.into()),
            HubMessage::Rejected(Rejected { number: self.number, code: RejectCode::from(self.code) }),
            HubMessage::Online(page),
        ]
    }
}

const FRAME_BYTES_MAX: u32 = 65_792;

fn encoded<'a, M: Message<'a>>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

/// One frame, whole and alone.
fn content(mut bytes: &[u8]) -> Result<Option<Content<'_>>, ProtocolError> {
    wire::take(&mut bytes, FRAME_BYTES_MAX)
}

/// All frames of a stream that arrives in pieces of these sizes, in turn.
fn taken_in_pieces(stream: &[u8], pieces: &[usize]) -> Vec<(u8, Vec<u8>)> {
    let mut contents = Vec::new();
    let mut arrived = Vec::new();
    let mut rest = stream;
    let mut sizes = pieces.iter().cycle();
    while !rest.is_empty() {
        let size = (*sizes.next().unwrap()).min(rest.len());
        arrived.extend_from_slice(&rest[..size]);
        rest = &rest[size..];
        let mut input = &arrived[..];
        while let Some(Content { kind, fields }) = wire::take(&mut input, FRAME_BYTES_MAX).unwrap() {
            contents.push((kind.0, fields.to_vec()));
        }
        let used = arrived.len() - input.len();
        arrived.drain(..used);
    }
    assert_eq!(arrived, b"", "every byte belongs to a frame");
    contents
}

proptest! {
    #[test]
    fn every_message_is_read_as_it_was_written(parts in parts()) {
        for message in parts.client_messages() {
            let bytes = encoded(&message);
            prop_assert_eq!(ClientMessage::decode(content(&bytes).unwrap().unwrap()).unwrap(), Some(message));
        }
        for message in parts.hub_messages() {
            let bytes = encoded(&message);
            prop_assert_eq!(HubMessage::decode(content(&bytes).unwrap().unwrap()).unwrap(), Some(message));
        }
    }

    #[test]
    fn every_prefix_of_a_frame_waits_and_every_shortened_one_is_truncated(parts in parts()) {
        for message in parts.client_messages() {
            let bytes = encoded(&message);
            for length in 0..bytes.len() {
                prop_assert_eq!(content(&bytes[..length]), Ok(None));
            }
            let kind = message.kind();
            for length in 1..bytes.len() - wire::HEADER_BYTES {
                let fields = &bytes[wire::HEADER_BYTES + 1..wire::HEADER_BYTES + length];
                // Fewer bytes can never be a message of that kind: every one of them was needed.
                let shortened = ClientMessage::decode(Content { kind, fields });
                prop_assert!(shortened.is_err(), "{:?}", shortened);
            }
        }
    }

    #[test]
    fn any_split_of_a_stream_gives_the_same_messages(
        parts in vec(parts(), 1..4),
        pieces in vec(1_usize..80, 1..8),
    ) {
        let messages: Vec<HubMessage<'_>> = parts.iter().flat_map(Parts::hub_messages).collect();
        let stream: Vec<u8> = messages.iter().flat_map(encoded).collect();
        prop_assert_eq!(taken_in_pieces(&stream, &pieces), taken_in_pieces(&stream, &[stream.len()]));
        prop_assert_eq!(taken_in_pieces(&stream, &[1]).len(), messages.len());
    }

    #[test]
    fn a_value_has_one_encoding(bytes in vec(prop_oneof![any::<u8>(), Just(0xfb), Just(0), 1_u8..9], 0..40), kind in any::<u8>()) {
        let mut frame = u32::try_from(bytes.len() + 1).unwrap().to_le_bytes().to_vec();
        frame.push(kind);
        frame.extend(&bytes);
        let content = content(&frame).unwrap().unwrap();
        if let Ok(Some(message)) = ClientMessage::decode(content) {
            prop_assert_eq!(encoded(&message), frame.clone());
        }
        if let Ok(Some(message)) = HubMessage::decode(content) {
            prop_assert_eq!(encoded(&message), frame);
        }
    }

    #[test]
    fn arbitrary_bytes_are_frames_or_faults(bytes in vec(any::<u8>(), 0..64)) {
        let mut input = &bytes[..];
        while let Ok(Some(content)) = wire::take(&mut input, 32) {
            let _ = ClientMessage::decode(content);
            let _ = HubMessage::decode(content);
        }
    }
}

#[test]
fn codes_keep_numbers_that_are_not_known() {
    for number in 0..=u16::MAX {
        assert_eq!(u16::from(ErrorCode::from(number)), number);
        assert_eq!(u16::from(RefusalCode::from(number)), number);
        assert_eq!(u16::from(RejectCode::from(number)), number);
        assert_eq!(u16::from(GoodbyeCode::from(number)), number);
    }
    assert_eq!(RejectCode::from(999).to_string(), "reason 999");
}

#[test]
fn a_length_beyond_all_memory_is_the_same_fault_on_every_target() {
    for length in [1_u64 << 32, 1 << 33, 1 << 40, u64::MAX] {
        let mut fields = vec![253];
        fields.extend_from_slice(&length.to_le_bytes());
        for kind in [Kind::REGISTER, Kind::SEND, Kind::WATCH] {
            let content = Content { kind, fields: &fields };
            assert_eq!(ClientMessage::decode(content), Err(ProtocolError::Truncated { kind }), "{length}");
        }
    }
}
