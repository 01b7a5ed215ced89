//! Records of TLS, as they go by.

/// Bytes of the header of a record: its type, a version, and its length (RFC 8446, section 5.1).
const HEADER_BYTES: u8 = 5;

/// Bytes that a record of TLS 1.3 has beside its content: the type of the content, and the tag (section 5.2). All its
/// ciphers have a tag of this length.
const SEAL_BYTES: u32 = 1 + 16;

/// Counts records by their headers, without opening them.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Bytes of the present record's header that have come.
    header_bytes: u8,
    length: u16,
    /// Bytes of the present record that are to come after its header.
    left: u16,
    ended: Ended,
}

/// Records that have ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ended {
    pub(crate) records: u32,
    /// All their bytes.
    pub(crate) bytes: u32,
    /// Bytes in them, if they are of TLS 1.3 and encrypted.
    pub(crate) content_bytes: u32,
}

impl Records {
    /// These bytes go by.
    pub(crate) fn pass(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.header_bytes < HEADER_BYTES {
                self.header_bytes += 1;
                // The length is the last two of them.
                self.length = self.length << 8 | u16::from(*first);
                self.left = self.length;
                bytes = rest;
            } else {
                let count = bytes.len().min(self.left.into());
                bytes = &bytes[count..];
                self.left -= u16::try_from(count).expect("it is no more than is left");
            }
            if self.header_bytes == HEADER_BYTES && self.left == 0 {
                let length = u32::from(self.length);
                self.ended.records += 1;
                self.ended.bytes += u32::from(HEADER_BYTES) + length;
                self.ended.content_bytes += length.saturating_sub(SEAL_BYTES);
                self.header_bytes = 0;
            }
        }
    }

    /// Those that have ended since this was asked last.
    pub(crate) fn take_ended(&mut self) -> Ended {
        std::mem::take(&mut self.ended)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_counted_however_they_are_cut() {
        let mut bytes = Vec::new();
        for length in [0_u16, 1, 22, 300, 16_401] {
            bytes.extend([0x17, 3, 3]);
            bytes.extend(length.to_be_bytes());
            bytes.resize(bytes.len() + usize::from(length), 0xff);
        }
        let whole = bytes.len();
        // Of the next one a part has come.
        bytes.extend([0x17, 3, 3, 1, 0, 9]);
        let expected = Ended { records: 5, bytes: u32::try_from(whole).unwrap(), content_bytes: 5 + 283 + 16_384 };
        for piece_bytes in [1, 2, 4, 5, 7, 4_096, bytes.len()] {
            let mut records = Records::default();
            bytes.chunks(piece_bytes).for_each(|piece| records.pass(piece));
            assert_eq!(records.take_ended(), expected, "in pieces of {piece_bytes}");
            assert_eq!(records.take_ended(), Ended::default());
            records.pass(&[9; 255]);
            assert_eq!(records.take_ended(), Ended { records: 1, bytes: 261, content_bytes: 239 });
        }
    }
}
