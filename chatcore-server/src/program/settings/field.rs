//! Fields of configurations as values of settings.

use std::time::Duration;

use chatcore::UserName;

use super::page::PageListen;
use super::tls::{CLIENT_AUTH, ClientAuth};
use super::value::Value;
use crate::Network;
use crate::program::log::{FORMATS, Filter, Format};
use crate::program::log_in::{GUESTS, Guests};

/// The type of a field that a setting sets. Its unit has read the value, so it has the right form.
pub(crate) trait Field: Sized {
    /// The value; none if the field may be empty, and is.
    fn to_value(&self) -> Option<Value>;

    /// # Errors
    ///
    /// What would be right, to be said after the value: `it must be …`.
    fn from_value(value: Value) -> Result<Self, String>;
}

/// What stands for an empty list, which no flag can give.
const NONE: &str = "none";

/// The table gives a field a unit of another type.
fn mismatch(value: &Value) -> ! {
    unreachable!("a test reads each setting, and its unit gives it {value:?}")
}

macro_rules! numbers {
    ($($type:ty)+) => { $(
        impl Field for $type {
            fn to_value(&self) -> Option<Value> {
                // No limit of this many is possible.
                Some(Value::Number(u64::try_from(*self).unwrap_or(u64::MAX)))
            }

            fn from_value(value: Value) -> Result<Self, String> {
                let Value::Number(number) = value else { mismatch(&value) };
                Self::try_from(number).map_err(|_| format!("it must be at most {}", Self::MAX))
            }
        }
    )+ };
}

numbers! { u8 u16 u32 u64 usize }

impl Field for Duration {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Time(*self))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Time(time) = value else { mismatch(&value) };
        Ok(time)
    }
}

impl Field for String {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.clone()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Ok(text)
    }
}

impl Field for Vec<String> {
    fn to_value(&self) -> Option<Value> {
        Some(Value::List(self.clone()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::List(texts) = value else { mismatch(&value) };
        Ok(texts)
    }
}

impl Field for Vec<UserName> {
    fn to_value(&self) -> Option<Value> {
        Some(Value::List(self.iter().map(|name| name.as_str().into()).collect()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::List(texts) = value else { mismatch(&value) };
        let name = |text: &String| UserName::new(text).map_err(|error| format!("{text:?} cannot be a name: {error}"));
        texts.iter().map(name).collect()
    }
}

impl Field for Vec<Network> {
    fn to_value(&self) -> Option<Value> {
        Some(Value::List(self.iter().map(Network::to_string).collect()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::List(texts) = value else { mismatch(&value) };
        if let [text] = &texts[..]
            && text == NONE
        {
            return Ok(Self::new());
        }
        texts.iter().map(|text| text.parse().map_err(|error: crate::NetworkError| error.to_string())).collect()
    }
}

impl<T: Field> Field for Option<T> {
    fn to_value(&self) -> Option<Value> {
        self.as_ref().and_then(Field::to_value)
    }

    fn from_value(value: Value) -> Result<Self, String> {
        T::from_value(value).map(Some)
    }
}

impl Field for Filter {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.as_str().into()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Self::new(&text)
    }
}

impl Field for Format {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.as_str().into()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Self::new(&text).ok_or_else(|| format!("it must be one of {}", FORMATS.join(", ")))
    }
}

/// The words of a setting that is on or off.
pub(super) const SWITCH: &[&str] = &["yes", "no"];

impl Field for bool {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(SWITCH[usize::from(!*self)].into()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Ok(text == SWITCH[0])
    }
}

impl Field for PageListen {
    fn to_value(&self) -> Option<Value> {
        self.0.to_value()
    }

    fn from_value(value: Value) -> Result<Self, String> {
        String::from_value(value).map(Self::new)
    }
}

impl Field for ClientAuth {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(CLIENT_AUTH[*self as usize].into()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Ok(if text == CLIENT_AUTH[0] { Self::Optional } else { Self::Required })
    }
}

impl Field for Guests {
    fn to_value(&self) -> Option<Value> {
        Some(Value::Text(self.as_str().into()))
    }

    fn from_value(value: Value) -> Result<Self, String> {
        let Value::Text(text) = value else { mismatch(&value) };
        Self::new(&text).ok_or_else(|| format!("it must be one of {}", GUESTS.join(", ")))
    }
}
