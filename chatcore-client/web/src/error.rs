//! What a command answers that cannot be done.

use alloc::string::{String, ToString};

use chatcore::ClientError;
use wasm_bindgen::prelude::{JsValue, wasm_bindgen};

#[wasm_bindgen(raw_module = "../error.ts")]
extern "C" {
    /// Makes the package's error: a code, whether the same may work later, and words.
    #[wasm_bindgen(js_name = chatError)]
    fn chat_error(code: &str, retryable: bool, words: &str) -> JsValue;
}

/// An error of JavaScript.
#[derive(Debug)]
pub struct Thrown(JsValue);

impl From<Thrown> for JsValue {
    fn from(thrown: Thrown) -> Self {
        thrown.0
    }
}

impl Thrown {
    pub(crate) fn new(code: &str, words: &str) -> Self {
        Self(chat_error(code, false, words))
    }

    /// A setting, a ticket or an order of calls that cannot be.
    pub(crate) fn invalid(words: &str) -> Self {
        Self::new("invalid", words)
    }
}

impl From<ClientError> for Thrown {
    fn from(error: ClientError) -> Self {
        let code = match error {
            ClientError::NotRegistered => "not_registered",
            ClientError::Registered => "registered",
            ClientError::Closed => "closed",
            ClientError::NameTooLong { .. } => "name_too_long",
            ClientError::CredentialTooLong { .. } => "credential_too_long",
            ClientError::TooManyNames { .. } => "too_many_names",
            ClientError::BodyTooLong { .. } => "body_too_long",
            ClientError::TooManyPending { .. } => "too_many_pending",
            ClientError::OutboxFull { .. } => "outbox_full",
            _ => "invalid",
        };
        let words: String = error.to_string();
        Self(chat_error(code, error.passes(), &words))
    }
}
