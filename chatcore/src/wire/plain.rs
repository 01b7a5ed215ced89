//! The frames of which nearly all traffic consists, read and written by hand: what a codec for all messages costs is
//! more than everything else that a message costs. The bytes are the same; a test compares.

use alloc::vec::Vec;

use super::chat::AcceptedRun;
use super::connection::Ack;
use super::frame::HEADER_BYTES;
use super::kind::Kind;
use super::message_id::MessageId;
use crate::name::NAME_BYTES_MAX;

/// From this number on a varint has more than one byte: a mark, and then the number.
const VARINT_U16: u8 = 251;
const VARINT_U32: u8 = 252;
const VARINT_U64: u8 = 253;

/// Bytes before a body, at the most: the header, the kind, an id, two names, and the body's length.
const HEAD_BYTES_MAX: usize = HEADER_BYTES + 1 + 9 + (2 + NAME_BYTES_MAX) + (1 + NAME_BYTES_MAX) + 5;

/// Room that writing a head takes, for a while.
pub(crate) const HEAD_ROOM: usize = HEAD_BYTES_MAX.next_multiple_of(16);

/// Reads the fields of a send: to whom it goes, which need not be text, and the body. None if they are not valid, or
/// not in the plainest form: the codec then finds out.
#[inline]
pub(crate) fn read_send(fields: &[u8]) -> Option<(&[u8], &[u8])> {
    let (to, rest) = split(fields)?;
    let (body, rest) = split(rest)?;
    rest.is_empty().then_some((to, body))
}

/// Reads the fields of an ack, as [`read_send`].
pub(crate) fn read_ack(fields: &[u8]) -> Option<u64> {
    let (mark, rest) = fields.split_first()?;
    match *mark {
        count if count < VARINT_U16 => rest.is_empty().then_some(u64::from(count)),
        VARINT_U16 => {
            Some(u16::from_le_bytes(rest.try_into().ok()?).into()).filter(|count| *count >= VARINT_U16.into())
        }
        VARINT_U32 => Some(u32::from_le_bytes(rest.try_into().ok()?).into()).filter(|count| *count > u16::MAX.into()),
        VARINT_U64 => Some(u64::from_le_bytes(rest.try_into().ok()?)).filter(|count| *count > u32::MAX.into()),
        _ => None,
    }
}

/// Reads the length of a list that the fields begin with, as it claims to be.
pub(crate) fn read_count(fields: &[u8]) -> Option<u64> {
    let (mark, rest) = fields.split_first()?;
    match *mark {
        count if count < VARINT_U16 => Some(count.into()),
        VARINT_U16 => rest.first_chunk().map(|bytes| u16::from_le_bytes(*bytes).into()),
        VARINT_U32 => rest.first_chunk().map(|bytes| u32::from_le_bytes(*bytes).into()),
        VARINT_U64 => rest.first_chunk().map(|bytes| u64::from_le_bytes(*bytes)),
        _ => None,
    }
}

/// A length, and as many bytes; and what follows them.
fn split(input: &[u8]) -> Option<(&[u8], &[u8])> {
    let (mark, rest) = input.split_first()?;
    let (length, rest) = match *mark {
        length if length < VARINT_U16 => (usize::from(length), rest),
        VARINT_U16 => {
            let (length, rest) = rest.split_first_chunk()?;
            let length = u16::from_le_bytes(*length);
            ((length >= u16::from(VARINT_U16)).then_some(usize::from(length))?, rest)
        }
        VARINT_U32 => {
            let (length, rest) = rest.split_first_chunk()?;
            let length = u32::from_le_bytes(*length);
            ((length > u32::from(u16::MAX)).then_some(length as usize)?, rest)
        }
        _ => return None,
    };
    rest.split_at_checked(length)
}

/// What stands in a frame before the body of a message that somebody gets: all of it but the body.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    bytes: [u8; HEAD_ROOM],
    length: usize,
}

impl Default for Head {
    /// Of nothing.
    fn default() -> Self {
        Self { bytes: [0; HEAD_ROOM], length: HEADER_BYTES }
    }
}

impl Head {
    /// Of a message from a user, with a body of this many bytes.
    #[inline]
    pub(crate) fn of_deliver(id: MessageId, from: &str, body_bytes: usize) -> Self {
        let mut head = Self::new(Kind::DELIVER);
        head.put_id(id);
        head.put_text(from);
        head.finish(body_bytes);
        head
    }

    /// Becomes the head of a later message from the same user. False if it cannot: only ids of the usual length can be
    /// exchanged.
    #[inline]
    pub(crate) fn follow(&mut self, id: MessageId, body_bytes: usize) -> bool {
        const MARK: usize = HEADER_BYTES + 1;
        const ID: usize = MARK + 1;
        const NAME: usize = ID + size_of::<u64>();
        let can = self.bytes[MARK] == VARINT_U64 && id.0 > u32::MAX.into();
        if can {
            self.bytes[ID..NAME].copy_from_slice(&id.0.to_le_bytes());
            self.length = NAME + 1 + usize::from(self.bytes[NAME]);
            self.finish(body_bytes);
        }
        can
    }

    /// Of a message from a member of a room.
    pub(crate) fn of_room_deliver(id: MessageId, room: &str, from: &str, body_bytes: usize) -> Self {
        let mut head = Self::new(Kind::ROOM_DELIVER);
        head.put_id(id);
        head.put_text(room);
        head.put_text(from);
        head.finish(body_bytes);
        head
    }

    /// All of an acceptance of one run.
    pub(crate) fn of_accepted(run: AcceptedRun) -> Self {
        const RUNS: u8 = 1;
        let mut head = Self::new(Kind::ACCEPTED);
        head.put([RUNS]);
        head.put_varint(run.number);
        head.put_id(run.id);
        head.put_varint(run.more.into());
        head.close(0);
        head
    }

    /// All of an acknowledgement.
    pub(crate) fn of_ack(ack: Ack) -> Self {
        let mut head = Self::new(Kind::ACK);
        head.put_varint(ack.count);
        head.close(0);
        head
    }

    /// Bytes of the frame with its body.
    #[inline]
    pub(crate) const fn frame_bytes(&self, body: &[u8]) -> usize {
        self.length + body.len()
    }

    /// The frame counts in its direction's stream.
    #[inline]
    pub(crate) const fn is_numbered(&self) -> bool {
        Kind(self.bytes[HEADER_BYTES]).is_numbered()
    }

    /// Appends the frame. A vector that has [`HEAD_ROOM`] and the body's length to spare is not moved by that.
    #[inline]
    pub(crate) fn write(&self, body: &[u8], out: &mut Vec<u8>) {
        // All of a head, whose length the compiler knows, is copied faster than a part of it.
        let end = out.len() + self.length;
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
        out.extend_from_slice(body);
    }

    #[inline]
    fn new(kind: Kind) -> Self {
        let mut head = Self::default();
        head.put([kind.0]);
        head
    }

    /// Ids hold the time, and so are long.
    #[inline]
    fn put_id(&mut self, id: MessageId) {
        if id.0 > u32::MAX.into() {
            self.put([VARINT_U64]);
            self.put(id.0.to_le_bytes());
        } else {
            self.put_varint(id.0);
        }
    }

    #[expect(clippy::cast_possible_truncation, reason = "each number is looked at first")]
    fn put_varint(&mut self, number: u64) {
        match number {
            0..251 => self.put([number as u8]),
            251..0x1_0000 => {
                self.put([VARINT_U16]);
                self.put((number as u16).to_le_bytes());
            }
            0x1_0000..0x1_0000_0000 => {
                self.put([VARINT_U32]);
                self.put((number as u32).to_le_bytes());
            }
            _ => {
                self.put([VARINT_U64]);
                self.put(number.to_le_bytes());
            }
        }
    }

    /// A name.
    #[inline]
    fn put_text(&mut self, text: &str) {
        const { assert!(NAME_BYTES_MAX < VARINT_U16 as usize, "the length of a name is one byte, with its sign") };
        let length = u8::try_from(text.len()).expect("names are short");
        self.put([length]);
        self.bytes[self.length..self.length + text.len()].copy_from_slice(text.as_bytes());
        self.length += text.len();
    }

    #[inline]
    fn finish(&mut self, body_bytes: usize) {
        match u8::try_from(body_bytes) {
            Ok(short) if short < VARINT_U16 => self.put([short]),
            _ => self.put_varint(body_bytes as u64),
        }
        self.close(body_bytes);
    }

    #[inline]
    fn close(&mut self, body_bytes: usize) {
        let content = self.length - HEADER_BYTES + body_bytes;
        let length = u32::try_from(content).expect("bodies are limited far below 4 GiB");
        self.bytes[..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    }

    #[inline]
    fn put<const BYTES: usize>(&mut self, bytes: [u8; BYTES]) {
        self.bytes[self.length..self.length + BYTES].copy_from_slice(&bytes);
        self.length += BYTES;
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use proptest::collection::vec as list;
    use proptest::prelude::*;

    use super::*;
    use crate::wire::{Deliver, HubMessage, Message, RoomDeliver, Send, content, fields};

    /// Numbers of all lengths.
    fn number() -> impl Strategy<Value = u64> {
        (any::<u64>(), 0..64_u32).prop_map(|(number, shift)| number >> shift)
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![list(any::<u8>(), 0..300), (0..70_000_usize).prop_map(|length| alloc::vec![7; length])]
    }

    proptest! {
        #[test]
        fn a_head_and_a_body_are_what_the_codec_writes(
            id in number(), from in "[a-z]{1,32}", room in "#[a-z]{1,32}", body in body(),
        ) {
            let id = MessageId(id);
            let mut plain = Vec::new();
            let head = Head::of_deliver(id, &from, body.len());
            head.write(&body, &mut plain);
            let mut coded = Vec::new();
            HubMessage::Deliver(Deliver { id, from: &from, body: &body }).encode(&mut coded);
            prop_assert_eq!(&plain, &coded);
            prop_assert_eq!(head.frame_bytes(&body), coded.len());

            plain.clear();
            Head::of_room_deliver(id, &room, &from, body.len()).write(&body, &mut plain);
            coded.clear();
            HubMessage::RoomDeliver(RoomDeliver { id, room: &room, from: &from, body: &body }).encode(&mut coded);
            prop_assert_eq!(&plain, &coded);
        }

        #[test]
        fn what_has_no_body_is_what_the_codec_writes(number in number(), id in number(), more in any::<u16>()) {
            let accepted = AcceptedRun { number, id: MessageId(id), more };
            let (mut plain, mut coded) = (Vec::new(), Vec::new());
            Head::of_accepted(accepted).write(&[], &mut plain);
            HubMessage::Accepted(accepted.into()).encode(&mut coded);
            Head::of_ack(Ack { count: number }).write(&[], &mut plain);
            HubMessage::Ack(Ack { count: number }).encode(&mut coded);
            prop_assert_eq!(plain, coded);
        }

        #[test]
        fn what_the_codec_writes_is_read(to in "[a-zA-Zé]{0,40}", body in body(), count in number()) {
            let mut frame = Vec::new();
            crate::wire::ClientMessage::Send(Send { to: &to, body: &body }).encode(&mut frame);
            prop_assert_eq!(read_send(content(&frame).fields), Some((to.as_bytes(), &body[..])));
            frame.clear();
            crate::wire::ClientMessage::Ack(Ack { count }).encode(&mut frame);
            prop_assert_eq!(read_ack(content(&frame).fields), Some(count));
        }

        #[test]
        fn what_is_read_is_what_the_codec_reads(bytes in list(prop_oneof![Just(2_u8), Just(251), Just(252), Just(253), any::<u8>()], 0..20)) {
            let coded = fields::<Send<'_>>(crate::wire::Content { kind: Kind::SEND, fields: &bytes }).ok();
            // The codec reads more forms, but no other meaning, and all that is common.
            if let Some((to, body)) = read_send(&bytes) {
                let send = core::str::from_utf8(to).ok().map(|to| Send { to, body });
                prop_assert_eq!(send, coded);
            }
            let coded = fields::<Ack>(crate::wire::Content { kind: Kind::ACK, fields: &bytes }).ok();
            prop_assert_eq!(read_ack(&bytes), coded.map(|ack| ack.count));
        }
    }

    #[test]
    fn the_longest_head_fits() {
        let (room, from) = (String::from("#") + &"r".repeat(NAME_BYTES_MAX), "f".repeat(NAME_BYTES_MAX));
        let head = Head::of_room_deliver(MessageId(u64::MAX), &room, &from, 16 << 20);
        assert_eq!(head.length, HEAD_BYTES_MAX);
    }
}
