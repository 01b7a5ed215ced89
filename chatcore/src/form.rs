//! How values look in a file or in a message of a program's own, with the feature `serde`. The protocol's bytes have
//! nothing to do with this: `wire` has forms of its own.

/// Times, as text: a whole number and a unit, as in `30s` and `250ms`.
pub(crate) mod duration {
    use core::fmt;
    use core::time::Duration;

    use serde::de::{self, Visitor};
    use serde::{Deserializer, Serializer};

    /// The units, by their nanoseconds. What is written has the largest one that leaves nothing over.
    const UNITS: [(&str, u128); 7] = [
        ("d", 86_400_000_000_000),
        ("h", 3_600_000_000_000),
        ("m", 60_000_000_000),
        ("s", 1_000_000_000),
        ("ms", 1_000_000),
        ("us", 1_000),
        ("ns", 1),
    ];

    struct Text(Duration);

    impl fmt::Display for Text {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            let nanos = self.0.as_nanos();
            if nanos == 0 {
                return f.write_str("0s");
            }
            let (unit, size) = UNITS.into_iter().find(|(_, size)| nanos.is_multiple_of(*size)).unwrap_or(("ns", 1));
            write!(f, "{}{unit}", nanos / size)
        }
    }

    fn parse(text: &str) -> Option<Duration> {
        const NANOS_OF_SECOND: u128 = 1_000_000_000;
        let digits = text.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = text.split_at(digits);
        let (_, size) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        let nanos = number.parse::<u128>().ok()?.checked_mul(size)?;
        let rest = u32::try_from(nanos % NANOS_OF_SECOND).ok()?;
        Some(Duration::new(u64::try_from(nanos / NANOS_OF_SECOND).ok()?, rest))
    }

    pub(crate) fn serialize<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Text(*time))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        struct Time;

        impl Visitor<'_> for Time {
            type Value = Duration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a time: a whole number and one of the units d, h, m, s, ms, us and ns, such as \"30s\"")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Duration, E> {
                parse(text).ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Time)
    }

    /// A time that may be missing.
    pub(crate) mod option {
        use core::time::Duration;

        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        #[derive(Serialize, Deserialize)]
        #[serde(transparent)]
        struct Time(#[serde(with = "super")] Duration);

        #[expect(clippy::ref_option, reason = "this is how serde calls it")]
        pub(crate) fn serialize<S: Serializer>(time: &Option<Duration>, serializer: S) -> Result<S::Ok, S::Error> {
            time.map(Time).serialize(serializer)
        }

        pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Duration>, D::Error> {
            Option::<Time>::deserialize(deserializer).map(|time| time.map(|Time(time)| time))
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use alloc::string::ToString;

        #[test]
        fn a_time_has_the_largest_unit_that_leaves_nothing_over() {
            for (time, text) in [
                (Duration::ZERO, "0s"),
                (Duration::from_nanos(1), "1ns"),
                (Duration::from_micros(1_500), "1500us"),
                (Duration::from_millis(250), "250ms"),
                (Duration::from_secs(90), "90s"),
                (Duration::from_secs(3_600), "1h"),
                (Duration::from_secs(49 * 86_400), "49d"),
                (Duration::MAX, "18446744073709551615999999999ns"),
            ] {
                assert_eq!(Text(time).to_string(), text);
                assert_eq!(parse(text), Some(time));
            }
        }

        #[test]
        fn what_is_no_time_is_none() {
            for text in ["", "s", "30", "-1s", "1.5s", "5 s", "5S", "5seconds", "99999999999999999999d", "٣s"] {
                assert_eq!(parse(text), None, "{text}");
            }
            assert_eq!(parse("00060s"), Some(Duration::from_secs(60)));
        }
    }
}

/// A user's name and a room's: the spelling, which is mapped and checked when it is read.
mod names {
    use alloc::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    use crate::name::{RoomName, UserName};

    macro_rules! names {
        ($($name:ident)+) => { $(
            /// As text.
            impl Serialize for $name {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    serializer.serialize_str(self.as_str())
                }
            }

            /// From a spelling, which is mapped to the name.
            impl<'de> Deserialize<'de> for $name {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let spelling = Cow::<'_, str>::deserialize(deserializer)?;
                    Self::new(&spelling).map_err(|error| de::Error::custom(format_args!("{spelling:?}: {error}")))
                }
            }
        )+ };
    }

    names! { UserName RoomName }
}

/// A session's secret, as 32 hexadecimal digits.
#[cfg(feature = "client")]
pub(crate) mod token {
    use core::fmt;

    use serde::de::{self, Visitor};
    use serde::{Deserializer, Serializer};

    use crate::wire::Token;

    struct Digits<'a>(&'a Token);

    impl fmt::Display for Digits<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.as_bytes().iter().try_for_each(|byte| write!(f, "{byte:02x}"))
        }
    }

    fn parse(text: &str) -> Option<Token> {
        let mut bytes = [0; 16];
        if text.len() != 2 * bytes.len() || !text.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
        }
        Some(Token::from_bytes(bytes))
    }

    pub(crate) fn serialize<S: Serializer>(token: &Token, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Digits(token))
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Token, D::Error> {
        struct Secret;

        impl Visitor<'_> for Secret {
            type Value = Token;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a token: 32 hexadecimal digits")
            }

            // The error does not show what may be most of a secret.
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Token, E> {
                parse(text)
                    .ok_or_else(|| E::custom(format_args!("a token has 32 hexadecimal digits: this is something else")))
            }
        }

        deserializer.deserialize_str(Secret)
    }
}

/// Names that a hub has mapped: of these only the size is checked, as with what a client receives. A program that knows
/// less of Unicode than its hub reads back what it has written.
#[cfg(feature = "client")]
pub(crate) mod mapped {
    use alloc::borrow::Cow;

    use serde::{Deserialize, Deserializer, Serializer, de};

    use crate::name::{NAME_BYTES_MAX, RoomName, UserName};

    pub(crate) trait Name: Sized + AsRef<str> {
        fn mapped(text: &str) -> Option<Self>;
    }

    impl Name for UserName {
        fn mapped(text: &str) -> Option<Self> {
            Self::from_hub(text)
        }
    }

    impl Name for RoomName {
        fn mapped(text: &str) -> Option<Self> {
            Self::from_hub(text)
        }
    }

    pub(crate) fn serialize<N: Name, S: Serializer>(name: &N, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(name.as_ref())
    }

    pub(crate) fn deserialize<'de, N: Name, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
        let text = Cow::<'_, str>::deserialize(deserializer)?;
        N::mapped(&text).ok_or_else(|| {
            de::Error::custom(format_args!(
                "{text:?} is no name of a hub: a user's has 1 to {NAME_BYTES_MAX} bytes, and a room's as many after its #"
            ))
        })
    }

    /// A name, with this form.
    #[derive(serde::Serialize, serde::Deserialize)]
    #[serde(transparent, bound(serialize = "N: Name", deserialize = "N: Name"))]
    struct Mapped<N>(#[serde(with = "self")] N);

    /// The name of a room that may be missing.
    pub(crate) mod option {
        use serde::{Deserialize, Deserializer, Serialize, Serializer};

        use super::{Mapped, Name};

        #[expect(clippy::ref_option, reason = "this is how serde calls it")]
        pub(crate) fn serialize<N: Name + Clone, S: Serializer>(name: &Option<N>, to: S) -> Result<S::Ok, S::Error> {
            name.clone().map(Mapped).serialize(to)
        }

        pub(crate) fn deserialize<'de, N: Name, D: Deserializer<'de>>(from: D) -> Result<Option<N>, D::Error> {
            Option::<Mapped<N>>::deserialize(from).map(|name| name.map(|Mapped(name)| name))
        }
    }

    /// Names in a sequence.
    pub(crate) mod list {
        use alloc::vec::Vec;

        use serde::{Deserialize, Deserializer, Serializer};

        use super::{Mapped, Name};

        pub(crate) fn serialize<N: Name, S: Serializer>(names: &[N], to: S) -> Result<S::Ok, S::Error> {
            to.collect_seq(names.iter().map(AsRef::as_ref))
        }

        pub(crate) fn deserialize<'de, N: Name, D: Deserializer<'de>>(from: D) -> Result<Vec<N>, D::Error> {
            let names = Vec::<Mapped<N>>::deserialize(from)?;
            Ok(names.into_iter().map(|Mapped(name)| name).collect())
        }
    }
}

/// The form of a configuration: a map with a value for each field. What is missing is as in the default value; a field
/// that there is not, and values that do not fit together, are errors.
macro_rules! form {
    ($type:ident { $($field:ident: $value:ty $(as $with:literal)?,)+ }) => {
        const _: () = {
            use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

            #[allow(unused_imports, reason = "not every configuration has a time")]
            use crate::form::duration;

            type Configuration = $type;

            #[derive(Serialize, Deserialize)]
            #[serde(remote = "Configuration", default = "Configuration::default", deny_unknown_fields)]
            struct Form {
                $($(#[serde(with = $with)])? $field: $value,)+
            }

            impl Serialize for $type {
                fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    Form::serialize(self, serializer)
                }
            }

            impl<'de> Deserialize<'de> for $type {
                fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    let value = Form::deserialize(deserializer)?;
                    value.check().map_err(de::Error::custom)?;
                    Ok(value)
                }
            }
        };
    };
}

pub(crate) use form;
