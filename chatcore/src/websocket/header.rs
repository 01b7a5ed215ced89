//! The header of a frame (RFC 6455, 5.2).

use super::frame_error::FrameError;
use super::mask::Mask;

/// Bytes of the longest header: of a masked frame with a length of eight bytes.
pub(super) const HEADER_BYTES_MAX: usize = 14;
/// Payload of the longest control frame.
pub(super) const CONTROL_BYTES_MAX: usize = 125;

const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const MASKED: u8 = 0x80;
/// Lengths of two bytes have this in place of a short length, and lengths of eight bytes the next.
const TWO_BYTES: u8 = 126;
const EIGHT_BYTES: u8 = 127;

/// Which end of a connection something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Server,
    Client,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Opcode {
    const fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xA => Self::Pong,
            _ => return None,
        })
    }

    const fn bits(self) -> u8 {
        match self {
            Self::Continuation => 0x0,
            Self::Text => 0x1,
            Self::Binary => 0x2,
            Self::Close => 0x8,
            Self::Ping => 0x9,
            Self::Pong => 0xA,
        }
    }

    pub(super) const fn is_control(self) -> bool {
        self.bits() & 0x8 != 0
    }
}

/// A header that has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) is_final: bool,
    pub(super) opcode: Opcode,
    pub(super) mask: Mask,
    /// Bytes of payload.
    pub(super) length: u64,
    /// Its own bytes.
    pub(super) size: usize,
}

impl Header {
    /// Reads the header that the bytes begin with, as the peer of an end with this role writes it. None until it is
    /// whole, but what cannot be a header is noticed as soon as it can be seen.
    #[inline]
    pub(super) fn parse(bytes: &[u8], role: Role) -> Result<Option<Self>, FrameError> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (is_final, is_masked) = (first & FIN != 0, second & MASKED != 0);
        if first & RESERVED != 0 {
            return Err(FrameError::ReservedBit);
        }
        let opcode = first & 0x0F;
        let opcode = Opcode::from_bits(opcode).ok_or(FrameError::UnknownOpcode { opcode })?;
        match role {
            Role::Server if !is_masked => return Err(FrameError::NotMasked),
            Role::Client if is_masked => return Err(FrameError::Masked),
            _ => {}
        }
        let short = second & !MASKED;
        if opcode.is_control() {
            if !is_final {
                return Err(FrameError::ControlInFragments);
            }
            if usize::from(short) > CONTROL_BYTES_MAX {
                return Err(FrameError::ControlTooLong);
            }
        }
        let (length, rest) = match short {
            TWO_BYTES => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (Self::minimal(u16::from_be_bytes(*length).into(), u64::from(TWO_BYTES))?, rest)
            }
            EIGHT_BYTES => {
                let Some((length, rest)) = rest.split_first_chunk() else { return Ok(None) };
                let length = u64::from_be_bytes(*length);
                if length > i64::MAX as u64 {
                    return Err(FrameError::LengthTooLarge);
                }
                (Self::minimal(length, u64::from(u16::MAX) + 1)?, rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = match role {
            Role::Server => {
                let Some((key, rest)) = rest.split_first_chunk() else { return Ok(None) };
                (Mask::new(*key), rest)
            }
            Role::Client => (Mask::new([0; 4]), rest),
        };
        Ok(Some(Self { is_final, opcode, mask, length, size: bytes.len() - rest.len() }))
    }

    const fn minimal(length: u64, least: u64) -> Result<u64, FrameError> {
        if length < least { Err(FrameError::LengthNotMinimal { bytes: length }) } else { Ok(length) }
    }
}

/// Writes a header to the front of the bytes, and returns how many it has.
#[inline]
pub(super) fn encode(opcode: Opcode, length: u32, mask: Option<Mask>, bytes: &mut [u8; HEADER_BYTES_MAX]) -> u8 {
    let masked = if mask.is_some() { MASKED } else { 0 };
    bytes[0] = FIN | opcode.bits();
    let size = match u16::try_from(length) {
        Ok(length) if length < TWO_BYTES.into() => {
            bytes[1] = masked | length.to_le_bytes()[0];
            2
        }
        Ok(length) => {
            bytes[1] = masked | TWO_BYTES;
            bytes[2..4].copy_from_slice(&length.to_be_bytes());
            4
        }
        Err(_) => {
            bytes[1] = masked | EIGHT_BYTES;
            bytes[2..10].copy_from_slice(&u64::from(length).to_be_bytes());
            10
        }
    };
    let Some(mask) = mask else { return size };
    let end = size + 4;
    bytes[usize::from(size)..usize::from(end)].copy_from_slice(&mask.key());
    end
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const MASK: Mask = Mask::new([1, 2, 3, 4]);

    #[test]
    fn a_header_is_read_as_it_was_written() {
        for opcode in [Opcode::Text, Opcode::Binary, Opcode::Continuation] {
            for length in [0, 1, 125, 126, 127, 0xFFFF, 0x1_0000, u32::MAX] {
                for (mask, reader) in [(None, Role::Client), (Some(MASK), Role::Server)] {
                    let mut bytes = [0; HEADER_BYTES_MAX];
                    let size = encode(opcode, length, mask, &mut bytes);
                    let bytes = &bytes[..usize::from(size)];
                    let header = Header::parse(bytes, reader).unwrap().unwrap();
                    let (length, mask) = (length.into(), mask.unwrap_or(Mask::new([0; 4])));
                    assert_eq!(header, Header { is_final: true, opcode, mask, length, size: bytes.len() });
                    for cut in 0..bytes.len() {
                        assert_eq!(Header::parse(&bytes[..cut], reader), Ok(None), "{cut} bytes");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_header_is_noticed_as_soon_as_it_can_be_seen() {
        let longest = [&[0x82, 0xFF][..], &(1_u64 << 63).to_be_bytes()].concat();
        let cases: [(&[u8], FrameError); 13] = [
            (b"\xC2\x80", FrameError::ReservedBit),
            (b"\xA2\x80", FrameError::ReservedBit),
            (b"\x92\x80", FrameError::ReservedBit),
            (b"\x83\x80", FrameError::UnknownOpcode { opcode: 3 }),
            (b"\x87\x80", FrameError::UnknownOpcode { opcode: 7 }),
            (b"\x8B\x80", FrameError::UnknownOpcode { opcode: 11 }),
            (b"\x8F\x80", FrameError::UnknownOpcode { opcode: 15 }),
            (b"\x82\x05", FrameError::NotMasked),
            (b"\x09\x80", FrameError::ControlInFragments),
            (b"\x88\xFE", FrameError::ControlTooLong),
            (b"\x82\xFE\x00\x7D", FrameError::LengthNotMinimal { bytes: 125 }),
            (b"\x82\xFF\x00\x00\x00\x00\x00\x00\xFF\xFF", FrameError::LengthNotMinimal { bytes: 0xFFFF }),
            (&longest, FrameError::LengthTooLarge),
        ];
        for (bytes, error) in cases {
            assert_eq!(Header::parse(bytes, Role::Server), Err(error), "{bytes:x?}");
            assert_eq!(Header::parse(&bytes[..bytes.len() - 1], Role::Server), Ok(None), "{bytes:x?}");
        }
        assert_eq!(Header::parse(b"\x82\x80", Role::Client), Err(FrameError::Masked));
        let all: Vec<_> = (0..=255).map(|first| Header::parse(&[first, 0x80], Role::Server)).collect();
        assert_eq!(all.iter().filter(|parsed| parsed.is_ok()).count(), 3 * 2 + 3, "opcodes, fragmented or not");
    }
}
