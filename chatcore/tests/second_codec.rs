//! The way out stays open: a second library, given the same structures, writes the same bytes as the one
//! in use, which is no longer developed.

use chatcore::wire::{Accepted, Deliver, HubMessage, Kind, Message, Online};
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
struct SecondAccepted {
    number: u64,
    id: u64,
}

#[derive(SchemaWrite)]
struct SecondOnline<'a> {
    number: u64,
    names: Vec<&'a str>,
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
        from in any::<String>(),
        body in proptest::collection::vec(any::<u8>(), 0..300),
        next in any::<Option<u64>>(),
    ) {
        let deliver = HubMessage::Deliver(Deliver { id, from: &from, body: &body });
        prop_assert_eq!(first(&deliver), second!(Kind::DELIVER, SecondDeliver { id, from: &from, body: &body }));
        let accepted = HubMessage::Accepted(Accepted { number, id });
        prop_assert_eq!(first(&accepted), second!(Kind::ACCEPTED, SecondAccepted { number, id }));
        let online = HubMessage::Online(Online { number, names: vec![&from, "bob"], next });
        prop_assert_eq!(first(&online), second!(Kind::ONLINE, SecondOnline { number, names: vec![&from, "bob"], next }));
    }
}
