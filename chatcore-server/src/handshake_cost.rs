//! What a handshake of TLS costs with a key of the server.

use std::fmt;

use rustls::sign::SigningKey;
use rustls::{Error, SignatureAlgorithm, SignatureScheme};

/// Units of a handshake whose signature costs next to nothing, in those of protocol.md, *Cost*: some 300 µs of the
/// processor.
const CHEAPEST_COST: u32 = 500;

/// Units of a handshake that an operator is told of: it takes more than a millisecond.
const WARNED_COST: u32 = 2_000;

/// What a signature takes, by `ring` on the machine on which the others of the documentation were measured: 17 µs with
/// ECDSA P-256, 23 µs with Ed25519, 400 µs with ECDSA P-384; 560, 1 720 and 3 940 µs with RSA of 2 048, 3 072 and 4 096
/// bits. Five units are three microseconds.
const P384_COST: u32 = 670;
const RSA_2048_COST: u32 = 950;

/// What a handshake costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct HandshakeCost {
    key: KeyKind,
}

/// What the cost of a signature depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum KeyKind {
    /// ECDSA P-256 or Ed25519.
    Small,
    P384,
    Rsa {
        bits: u32,
    },
}

impl HandshakeCost {
    /// Signs once, to learn how long the key is.
    pub(crate) fn of(key: &dyn SigningKey) -> Result<Self, Error> {
        let kind = match key.algorithm() {
            SignatureAlgorithm::RSA => {
                let signer = key.choose_scheme(&[SignatureScheme::RSA_PSS_SHA256]);
                let signature = signer.map_or_else(|| Ok(Vec::new()), |signer| signer.sign(b""))?;
                KeyKind::Rsa { bits: u32::try_from(8 * signature.len()).unwrap_or(u32::MAX) }
            }
            _ if key.choose_scheme(&[SignatureScheme::ECDSA_NISTP384_SHA384]).is_some() => KeyKind::P384,
            _ => KeyKind::Small,
        };
        Ok(Self { key: kind })
    }

    /// In the units of protocol.md, *Cost*.
    pub(crate) fn units(self) -> u32 {
        let signature = match self.key {
            KeyKind::Small => 0,
            KeyKind::P384 => P384_COST,
            KeyKind::Rsa { bits } => {
                // Its work grows with the third power of its length.
                let units = u128::from(RSA_2048_COST) * u128::from(bits).pow(3) / 2_048_u128.pow(3);
                u32::try_from(units).unwrap_or(u32::MAX)
            }
        };
        CHEAPEST_COST.saturating_add(signature)
    }

    /// An operator would do well to take another key.
    pub(crate) fn is_high(self) -> bool {
        self.units() > WARNED_COST
    }
}

/// The kind of the key.
impl fmt::Display for HandshakeCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.key {
            KeyKind::Small => f.write_str("ECDSA P-256 or Ed25519"),
            KeyKind::P384 => f.write_str("ECDSA P-384"),
            KeyKind::Rsa { bits } => write!(f, "RSA with {bits} bits"),
        }
    }
}

#[cfg(test)]
mod tests {
    use rustls::sign::Signer;

    use super::*;

    /// A key of RSA with so many bits.
    #[derive(Debug)]
    struct Rsa(usize);

    impl SigningKey for Rsa {
        fn choose_scheme(&self, _: &[SignatureScheme]) -> Option<Box<dyn Signer>> {
            Some(Box::new(Self(self.0)))
        }

        fn algorithm(&self) -> SignatureAlgorithm {
            SignatureAlgorithm::RSA
        }
    }

    impl Signer for Rsa {
        fn sign(&self, _: &[u8]) -> Result<Vec<u8>, Error> {
            Ok(vec![0; self.0 / 8])
        }

        fn scheme(&self) -> SignatureScheme {
            SignatureScheme::RSA_PSS_SHA256
        }
    }

    fn of_curve(algorithm: &'static rcgen::SignatureAlgorithm) -> HandshakeCost {
        let key = rcgen::KeyPair::generate_for(algorithm).expect("it is a key");
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(key.serialize_der()).into();
        let key = rustls::crypto::ring::sign::any_supported_type(&key).expect("it is supported");
        HandshakeCost::of(&*key).expect("it signs")
    }

    #[test]
    fn a_handshake_costs_more_with_a_key_that_signs_slowly() {
        let [p256, ed25519, p384] =
            [&rcgen::PKCS_ECDSA_P256_SHA256, &rcgen::PKCS_ED25519, &rcgen::PKCS_ECDSA_P384_SHA384].map(of_curve);
        let [short, middle, long] = [2_048, 3_072, 4_096].map(|bits| HandshakeCost::of(&Rsa(bits)).expect("it signs"));
        assert_eq!([p256, ed25519].map(HandshakeCost::units), [CHEAPEST_COST; 2]);
        let costs = [p256, p384, short, middle, long];
        assert!(costs.is_sorted_by_key(|cost| cost.units()), "{costs:?}");
        // As many times as was measured, which leaves a machine room to be another one.
        let times = |cost: HandshakeCost| cost.units() / CHEAPEST_COST;
        assert_eq!([p384, short, middle, long].map(times), [2, 2, 7, 16]);
        assert_eq!(costs.map(HandshakeCost::is_high), [false, false, false, true, true]);
        assert_eq!(long.to_string(), "RSA with 4096 bits");
        assert_eq!(HandshakeCost { key: KeyKind::Rsa { bits: u32::MAX } }.units(), u32::MAX, "nothing overflows");
    }
}
