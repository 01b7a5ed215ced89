//! The messages as the tables of protocol.md list them: written down once more, so that nothing here leans on the
//! library that is tested.

/// How a field is encoded.
#[derive(Debug)]
pub(super) enum Type {
    /// An integer of this many bits.
    Uint(u32),
    /// An integer of 16 bits whose values have names; the first is 1.
    Code(&'static [&'static str]),
    Text,
    Bytes,
    Token,
    Bool,
    Option(&'static Type),
    List(&'static Type),
    Struct(&'static [Field]),
}

/// A field's name and type.
#[derive(Debug)]
pub(super) struct Field(pub(super) &'static str, pub(super) Type);

/// One kind of message.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) kind: u8,
    pub(super) name: &'static str,
    pub(super) fields: &'static [Field],
}

impl Schema {
    /// The kind of this name.
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        MESSAGES.iter().find(|schema| schema.name == name)
    }

    pub(super) fn of_kind(kind: u8) -> Option<&'static Self> {
        MESSAGES.iter().find(|schema| schema.kind == kind)
    }
}

const U16: Type = Type::Uint(16);
const U32: Type = Type::Uint(32);
const U64: Type = Type::Uint(64);
const OPTION_TEXT: Type = Type::Option(&Type::Text);
const OPTION_U64: Type = Type::Option(&U64);

const REFUSED: Type = Type::Code(&[
    "invalid_name",
    "name_in_use",
    "hub_full",
    "denied",
    "shutting_down",
    "session_over",
    "rate_limited",
    "stale_resume",
    "confusable",
    "too_many_sessions",
]);

const REJECTED: Type = Type::Code(&[
    "no_such_user",
    "recipient_full",
    "body_too_long",
    "invalid_name",
    "not_a_member",
    "too_many_rooms",
    "room_full",
    "hub_rooms_full",
    "too_many_watches",
    "hub_watches_full",
    "unavailable",
    "unconfirmed",
    "denied",
]);

const GOODBYE: Type =
    Type::Code(&["left", "shutting_down", "timed_out", "slow_consumer", "kicked", "taken_over", "elsewhere"]);

const ERROR: Type = Type::Code(&[
    "unsupported_version",
    "unsupported_feature",
    "frame_too_long",
    "frame_empty",
    "unknown_kind",
    "truncated",
    "trailing_bytes",
    "not_canonical",
    "invalid_value",
    "unexpected",
    "ack_beyond_sent",
    "too_many_attempts",
]);

const USERS: Type = Type::List(&Type::Struct(&[Field("name", Type::Text), Field("display_name", OPTION_TEXT)]));

const RUNS: Type = Type::List(&Type::Struct(&[Field("number", U64), Field("id", U64), Field("more", U16)]));

const HINT: Type = Type::Option(&Type::Struct(&[Field("after_ms", U32), Field("address", OPTION_TEXT)]));

const PAGE: &[Field] = &[Field("number", U64), Field("users", USERS), Field("next", OPTION_U64)];

const ROOM: &[Field] = &[Field("room", Type::Text)];

const NAMES: &[Field] = &[Field("names", Type::List(&Type::Text))];

const NONCE: &[Field] = &[Field("nonce", U64)];

/// These fields, and then the limits that a hub announces.
macro_rules! with_limits {
    ($($field:expr),*) => {
        &[
            $($field,)*
            Field("frame_bytes_max", U32),
            Field("body_bytes_max", U32),
            Field("outbox_bytes_max", U32),
            Field("stall_ms_max", U32),
            Field("idle_ms_max", U32),
            Field("resume_ms_max", U32),
            Field("rooms_max", U32),
            Field("watches_max", U32),
            Field("cost_per_s", U32),
            Field("cost_burst", U32),
        ]
    };
}

static MESSAGES: [Schema; 34] = [
    Schema {
        kind: 0x01,
        name: "register",
        fields: &[Field("name", Type::Text), Field("credential", Type::Bytes), Field("frame_bytes_max", U32)],
    },
    Schema {
        kind: 0x02,
        name: "welcome",
        fields: with_limits![
            Field("name", Type::Text),
            Field("display_name", OPTION_TEXT),
            Field("token", Type::Token)
        ],
    },
    Schema {
        kind: 0x03,
        name: "refused",
        fields: &[Field("code", REFUSED), Field("detail", Type::Text), Field("wait_ms", Type::Option(&U32))],
    },
    Schema { kind: 0x04, name: "ack", fields: &[Field("count", U64)] },
    Schema { kind: 0x05, name: "ping", fields: NONCE },
    Schema { kind: 0x06, name: "pong", fields: NONCE },
    Schema {
        kind: 0x07,
        name: "goodbye",
        fields: &[Field("code", GOODBYE), Field("detail", Type::Text), Field("reconnect", HINT)],
    },
    Schema { kind: 0x08, name: "error", fields: &[Field("code", ERROR), Field("detail", Type::Text)] },
    Schema {
        kind: 0x09,
        name: "resume",
        fields: &[
            Field("name", Type::Text),
            Field("token", Type::Token),
            Field("received", OPTION_U64),
            Field("attempt", U64),
            Field("frame_bytes_max", U32),
        ],
    },
    Schema { kind: 0x0a, name: "resumed", fields: with_limits![Field("received", U64), Field("sent", U64)] },
    Schema { kind: 0x40, name: "send", fields: &[Field("to", Type::Text), Field("body", Type::Bytes)] },
    Schema { kind: 0x41, name: "who", fields: &[Field("cursor", U64)] },
    Schema { kind: 0x42, name: "join", fields: ROOM },
    Schema { kind: 0x43, name: "leave", fields: ROOM },
    Schema { kind: 0x44, name: "roster", fields: &[Field("room", Type::Text), Field("cursor", U64)] },
    Schema { kind: 0x45, name: "watch", fields: NAMES },
    Schema { kind: 0x46, name: "unwatch", fields: NAMES },
    Schema { kind: 0x47, name: "subscriptions", fields: &[Field("cursor", U64)] },
    Schema {
        kind: 0x50,
        name: "deliver",
        fields: &[Field("id", U64), Field("from", Type::Text), Field("body", Type::Bytes)],
    },
    Schema { kind: 0x51, name: "accepted", fields: &[Field("runs", RUNS)] },
    Schema { kind: 0x52, name: "rejected", fields: &[Field("number", U64), Field("code", REJECTED)] },
    Schema { kind: 0x53, name: "online", fields: PAGE },
    Schema {
        kind: 0x54,
        name: "room_deliver",
        fields: &[Field("id", U64), Field("room", Type::Text), Field("from", Type::Text), Field("body", Type::Bytes)],
    },
    Schema { kind: 0x55, name: "done", fields: &[Field("number", U64)] },
    Schema { kind: 0x56, name: "members", fields: PAGE },
    Schema {
        kind: 0x57,
        name: "joined",
        fields: &[Field("room", Type::Text), Field("name", Type::Text), Field("display_name", OPTION_TEXT)],
    },
    Schema {
        kind: 0x58,
        name: "left",
        fields: &[
            Field("room", Type::Text),
            Field("name", Type::Text),
            Field("code", Type::Code(&["left", "quit", "timed_out", "renamed"])),
        ],
    },
    Schema {
        kind: 0x59,
        name: "presence",
        fields: &[Field("name", Type::Text), Field("online", Type::Bool), Field("display_name", OPTION_TEXT)],
    },
    Schema {
        kind: 0x5a,
        name: "report",
        fields: &[
            Field("code", Type::Code(&["undelivered", "unconfirmed"])),
            Field("to", Type::Text),
            Field("ids", Type::List(&U64)),
        ],
    },
    Schema {
        kind: 0x5b,
        name: "missed",
        fields: &[Field("room", Type::Text), Field("first_id", U64), Field("last_id", U64), Field("count", U64)],
    },
    Schema { kind: 0x5c, name: "stale", fields: ROOM },
    Schema {
        kind: 0x5d,
        name: "sent",
        fields: &[Field("id", U64), Field("to", Type::Text), Field("body", Type::Bytes)],
    },
    Schema {
        kind: 0x5e,
        name: "renamed",
        fields: &[Field("name", Type::Text), Field("display_name", OPTION_TEXT), Field("detail", Type::Text)],
    },
    Schema {
        kind: 0x5f,
        name: "subscribed",
        fields: &[Field("number", U64), Field("names", Type::List(&Type::Text)), Field("next", OPTION_U64)],
    },
];
