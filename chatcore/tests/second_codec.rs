//! The way out stays open: a second library, given the same structures, writes the same bytes as the one
//! in use, which is no longer developed.

use chatcore::wire::{
    AcceptedRun, Announced, Deliver, DeliveryReport, HubMessage, Kind, Message, MessageId, Online, Presence, Renamed,
    Token, UserInfo, Welcome,
};
use proptest::prelude::*;
use wincode::SchemaWrite;
use wincode::config::Configuration;

#[derive(SchemaWrite)]
struct SecondDeliver<'a> {
    id: u64,
    from: &'a str,
    body: &'a [u8],
}

#[derive(SchemaWrite)]
struct SecondRuns {
    runs: Vec<SecondRun>,
}

#[derive(SchemaWrite)]
struct SecondRun {
    number: u64,
    id: u64,
    more: u16,
}

#[derive(SchemaWrite)]
struct SecondWelcome<'a> {
    name: &'a str,
    display_name: Option<&'a str>,
    token: [u8; 16],
    limits: [u32; 10],
}

#[derive(SchemaWrite)]
struct SecondReport<'a> {
    code: u16,
    to: &'a str,
    ids: Vec<u64>,
}

#[derive(SchemaWrite)]
struct SecondPresence<'a> {
    name: &'a str,
    online: bool,
    display_name: Option<&'a str>,
}

#[derive(SchemaWrite)]
struct SecondRenamed<'a> {
    name: &'a str,
    display_name: Option<&'a str>,
    detail: &'a str,
}

#[derive(Clone, SchemaWrite)]
struct SecondUserInfo<'a> {
    name: &'a str,
    display_name: Option<&'a str>,
}

#[derive(SchemaWrite)]
struct SecondOnline<'a> {
    number: u64,
    users: Vec<SecondUserInfo<'a>>,
    next: Option<u64>,
}

macro_rules! second {
    ($kind:expr, $fields:expr) => {{
        let config = Configuration::default().with_varint_encoding();
        let fields = wincode::config::serialize(&$fields, config).expect("plain structures are written");
        let length = u32::try_from(fields.len() + 1).expect("test messages are short");
        [&length.to_le_bytes()[..], &[$kind.0], &fields].concat()
    }};
}

fn first(message: &HubMessage<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

proptest! {
    #[test]
    fn a_second_library_writes_the_same_bytes(
        id in prop_oneof![any::<u64>(), 0_u64..300, 65_000_u64..66_000],
        number in any::<u64>(),
        short in any::<u16>(),
        from in any::<String>(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
        next in any::<Option<u64>>(),
    ) {
        let message_id = MessageId(id);
        let deliver = HubMessage::Deliver(Deliver { id: message_id, from: &from, body: &body });
        prop_assert_eq!(first(&deliver), second!(Kind::DELIVER, SecondDeliver { id, from: &from, body: &body }));
        let accepted = HubMessage::Accepted(AcceptedRun { number, id: message_id, more: short }.into());
        prop_assert_eq!(first(&accepted), second!(Kind::ACCEPTED, SecondRuns { runs: vec![SecondRun { number, id, more: short }] }));
        let display_name = next.map(|_| "Another");
        let token = u128::from(number).to_le_bytes();
        let limits = Announced {
            frame_bytes_max: u32::from(short),
            body_bytes_max: 250,
            outbox_bytes_max: 251,
            stall_ms_max: 65_535,
            idle_ms_max: 65_536,
            resume_ms_max: 0,
            rooms_max: 1,
            watches_max: u32::MAX,
            cost_per_s: 0,
            cost_burst: 0,
        };
        let welcome = HubMessage::Welcome(Welcome { name: &from, display_name, token: Token::from_bytes(token), limits });
        let limits = [u32::from(short), 250, 251, 65_535, 65_536, 0, 1, u32::MAX, 0, 0];
        prop_assert_eq!(first(&welcome), second!(Kind::WELCOME, SecondWelcome { name: &from, display_name, token, limits }));
        let report = HubMessage::Report(DeliveryReport { status: short.into(), to: &from, ids: vec![message_id; 3] });
        prop_assert_eq!(first(&report), second!(Kind::REPORT, SecondReport { code: short, to: &from, ids: vec![id; 3] }));
        let presence = HubMessage::Presence(Presence { name: &from, online: short % 2 == 0, display_name });
        let second = second!(Kind::PRESENCE, SecondPresence { name: &from, online: short % 2 == 0, display_name });
        prop_assert_eq!(first(&presence), second);
        let renamed = HubMessage::Renamed(Renamed { name: &from, display_name, detail: &from });
        let second = second!(Kind::RENAMED, SecondRenamed { name: &from, display_name, detail: &from });
        prop_assert_eq!(first(&renamed), second);
        let users = vec![UserInfo { name: &from, display_name }, UserInfo { name: "bob", display_name: Some("Bob") }];
        let second_users = users.iter().map(|user| SecondUserInfo { name: user.name, display_name: user.display_name });
        let second_users: Vec<_> = second_users.collect();
        let online = HubMessage::Online(Online { number, users, next });
        prop_assert_eq!(first(&online), second!(Kind::ONLINE, SecondOnline { number, users: second_users, next }));
    }
}
