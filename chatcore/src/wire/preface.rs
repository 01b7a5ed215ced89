//! The first 16 bytes of each direction: the protocol, its version and its features.

use super::protocol_error::ProtocolError;

/// Bytes of a preface.
pub const PREFACE_BYTES: usize = 16;

/// The version of the protocol that this crate speaks.
pub const VERSION: u16 = 1;

/// Not ASCII, so that no text protocol starts with it, and with a line end in it, so that a transport
/// that rewrites line ends is noticed in the first bytes.
const MAGIC: [u8; 8] = *b"\xC4chat\r\n\0";

/// A set of feature bits (protocol.md, *The preface*). Bits 0 to 15 are offers: a peer that does not know one ignores
/// it. Bits 16 to 31 are demands: a peer that does not know one refuses the connection. A feature is in use if both
/// ends set its bit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u32);

impl Features {
    /// The features that this version knows: none, because version 1 defines none.
    pub const KNOWN: Self = Self(0);

    const CRITICAL: u32 = 0xFFFF_0000;

    const fn unknown_critical(self) -> u32 {
        self.0 & Self::CRITICAL & !Self::KNOWN.0
    }
}

/// The beginning of each direction (protocol.md, *The preface*): magic (8 bytes), version (u16), zero (u16), features
/// (u32), little-endian.
///
/// ```
/// use chatcore::wire::Preface;
///
/// assert_eq!(&Preface::OURS.encode(), b"\xC4chat\r\n\0\x01\0\0\0\0\0\0\0");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Preface {
    /// The version of the protocol. Two ends talk to each other only if they speak the same version.
    pub version: u16,
    /// The features that the sender offers and demands.
    pub features: Features,
}

impl Preface {
    /// The preface that this crate sends.
    pub const OURS: Self = Self { version: VERSION, features: Features::KNOWN };

    /// The 16 bytes of the preface.
    pub const fn encode(self) -> [u8; PREFACE_BYTES] {
        let mut bytes = [0; PREFACE_BYTES];
        let version = self.version.to_le_bytes();
        let features = self.features.0.to_le_bytes();
        let mut i = 0;
        while i < MAGIC.len() {
            bytes[i] = MAGIC[i];
            i += 1;
        }
        (bytes[8], bytes[9]) = (version[0], version[1]);
        (bytes[12], bytes[13], bytes[14], bytes[15]) = (features[0], features[1], features[2], features[3]);
        bytes
    }
}

/// This crate's preface, encoded.
pub(crate) static OURS: [u8; PREFACE_BYTES] = Preface::OURS.encode();

/// The protocol of a peer that does not begin with a preface (protocol.md, *The preface*, *Strangers*).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum OtherProtocol {
    /// An HTTP request or response.
    Http,
    /// A TLS handshake or alert.
    Tls,
    /// None of those.
    Unknown,
}

impl OtherProtocol {
    /// The longest opening that [`OtherProtocol::recognise`] looks at.
    const OPENING_BYTES_MAX: usize = 8;

    /// How requests begin, and responses.
    const HTTP_STARTS: [&'static [u8]; 10] =
        [b"GET ", b"HEAD ", b"POST ", b"PUT ", b"DELETE ", b"OPTIONS ", b"PATCH ", b"CONNECT ", b"TRACE ", b"HTTP/"];

    /// A TLS record: its type, 22 (handshake) or 21 (alert), and major version 3 (RFC 8446, section 5.1).
    const TLS_RECORDS: [&'static [u8]; 2] = [&[0x16, 0x03], &[0x15, 0x03]];

    /// Who opens with these bytes, which are not the magic's? None while it could still be more than one.
    fn recognise(opening: &[u8]) -> Option<Self> {
        let opening = &opening[..opening.len().min(Self::OPENING_BYTES_MAX)];
        let is = |known: &[u8]| known.starts_with(opening) || opening.starts_with(known);
        let known = |known: &[u8]| opening.len() >= known.len().min(Self::OPENING_BYTES_MAX);
        if let Some(record) = Self::TLS_RECORDS.into_iter().find(|record| is(record)) {
            return known(record).then_some(Self::Tls);
        }
        match Self::HTTP_STARTS.into_iter().find(|start| is(start)) {
            Some(start) => known(start).then_some(Self::Http),
            None => Some(Self::Unknown),
        }
    }

    /// What to answer, in the peer's own words where it has some.
    pub(crate) const fn answer(self) -> &'static [u8] {
        match self {
            Self::Http => {
                b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: 54\r\n\r\n\
                  This port speaks chatcore: use a chatcore client here\n"
            }
            // A fatal alert, protocol_version (RFC 8446, section 6).
            Self::Tls => &[0x15, 0x03, 0x01, 0x00, 0x02, 0x02, 0x46],
            Self::Unknown => b"This port speaks chatcore: use a chatcore client here\n",
        }
    }
}

impl core::fmt::Display for OtherProtocol {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(match self {
            Self::Http => "HTTP",
            Self::Tls => "TLS",
            Self::Unknown => "an unknown protocol",
        })
    }
}

/// Why a peer's first bytes are not a preface that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum PrefaceError {
    OtherProtocol(OtherProtocol),
    ProtocolError(ProtocolError),
}

/// Takes the preface off the input. None until it is whole, but a byte that cannot belong to it is
/// noticed at once.
pub(crate) fn take(input: &mut &[u8]) -> Result<Option<Preface>, PrefaceError> {
    let opening = &input[..input.len().min(MAGIC.len())];
    if !MAGIC.starts_with(opening) {
        return match OtherProtocol::recognise(opening) {
            Some(other) => Err(PrefaceError::OtherProtocol(other)),
            None => Ok(None),
        };
    }
    let Some((bytes, rest)) = input.split_first_chunk::<PREFACE_BYTES>() else {
        return Ok(None);
    };
    let [.., v0, v1, z0, z1, f0, f1, f2, f3] = *bytes;
    let version = u16::from_le_bytes([v0, v1]);
    let features = Features(u32::from_le_bytes([f0, f1, f2, f3]));
    *input = rest;
    if version != VERSION {
        return Err(PrefaceError::ProtocolError(ProtocolError::UnsupportedVersion { version, spoken: VERSION }));
    }
    if [z0, z1] != [0, 0] {
        return Err(PrefaceError::ProtocolError(ProtocolError::UnsupportedFeature {
            bits: u32::from(u16::from_le_bytes([z0, z1])),
        }));
    }
    match features.unknown_critical() {
        0 => Ok(Some(Preface { version, features })),
        bits => Err(PrefaceError::ProtocolError(ProtocolError::UnsupportedFeature { bits })),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take_all(bytes: &[u8]) -> Result<Option<Preface>, PrefaceError> {
        take(&mut &bytes[..])
    }

    #[test]
    fn openings_of_other_protocols_are_recognised_in_their_first_bytes() {
        let refusal = |bytes: &[u8]| take_all(bytes).unwrap_err();
        assert_eq!(refusal(b"GET / HTTP/1.1\r\n"), PrefaceError::OtherProtocol(OtherProtocol::Http));
        assert_eq!(refusal(b"GET "), PrefaceError::OtherProtocol(OtherProtocol::Http));
        assert_eq!(refusal(b"OPTIONS * HTTP/1.1"), PrefaceError::OtherProtocol(OtherProtocol::Http));
        assert_eq!(refusal(&[0x16, 0x03, 0x01]), PrefaceError::OtherProtocol(OtherProtocol::Tls));
        assert_eq!(refusal(b"HTTP/1.0 400 Bad Request"), PrefaceError::OtherProtocol(OtherProtocol::Http));
        assert_eq!(refusal(&[0x15, 0x03, 0x03]), PrefaceError::OtherProtocol(OtherProtocol::Tls));
        assert_eq!(refusal(b"hello"), PrefaceError::OtherProtocol(OtherProtocol::Unknown));
        assert_eq!(refusal(&[0]), PrefaceError::OtherProtocol(OtherProtocol::Unknown));
        assert_eq!(refusal(b"\xC4chat\n"), PrefaceError::OtherProtocol(OtherProtocol::Unknown), "line ends rewritten");
        assert_eq!(take_all(b"GE"), Ok(None), "it could still be HTTP or anything");
        assert_eq!(take_all(&[0x16]), Ok(None));
    }

    #[test]
    fn the_http_answer_counts_its_own_body() {
        let answer = core::str::from_utf8(OtherProtocol::Http.answer()).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&alloc::format!("Content-Length: {}", body.len())), "{head} for {}", body.len());
    }

    #[test]
    fn every_prefix_of_a_preface_waits_for_more() {
        let bytes = Preface::OURS.encode();
        for length in 0..bytes.len() {
            assert_eq!(take_all(&bytes[..length]), Ok(None), "{length} bytes");
        }
        assert_eq!(take_all(&bytes), Ok(Some(Preface::OURS)));
    }

    #[test]
    fn offers_that_are_unknown_are_ignored_and_demands_refused() {
        let offer = Preface { version: VERSION, features: Features(0x8001) };
        assert_eq!(take_all(&offer.encode()), Ok(Some(offer)));
        let demand = Preface { version: VERSION, features: Features(0x0002_8001) };
        let refused = PrefaceError::ProtocolError(ProtocolError::UnsupportedFeature { bits: 0x0002_0000 });
        assert_eq!(take_all(&demand.encode()), Err(refused));
        let newer = Preface { version: 2, features: Features(0) };
        assert_eq!(
            take_all(&newer.encode()),
            Err(PrefaceError::ProtocolError(ProtocolError::UnsupportedVersion { version: 2, spoken: 1 }))
        );
    }
}
