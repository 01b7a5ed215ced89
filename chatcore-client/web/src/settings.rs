//! How a client behaves, as JavaScript says it.

use alloc::format;
use alloc::string::String;
use core::time::Duration;

use chatcore::{Backoff, ClientConfig, ClientConfigError};
use wasm_bindgen::prelude::wasm_bindgen;

use crate::error::Thrown;

/// The settings of a client: those of [`ClientConfig`] that `set` names, and the defaults of the others.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Settings {
    config: ClientConfig,
    backoff: Backoff,
}

#[wasm_bindgen]
impl Settings {
    /// The defaults. Events are taken when their listeners have run.
    #[wasm_bindgen(constructor)]
    #[allow(clippy::new_without_default, reason = "JavaScript makes it, by this one")]
    pub fn new() -> Self {
        Self { config: ClientConfig::default().with_takes_later(true), backoff: Backoff::default() }
    }

    /// Sets a count of bytes, a time in milliseconds, or a choice (1 for yes).
    ///
    /// # Errors
    ///
    /// If there is no such setting, or its value is out of range.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), Thrown> {
        let Self { config, backoff } = self;
        match name {
            "frameBytesMax" => config.frame_bytes_max = whole(name, value)?,
            "outboxBytesMax" => config.outbox_bytes_max = whole(name, value)?,
            "ackFrames" => config.ack_frames = whole(name, value)?,
            "answerTimeMax" => config.answer_time_max = time(name, value)?,
            "probeTimeMax" => config.probe_time_max = time(name, value)?,
            "flushTimeMax" => config.flush_time_max = time(name, value)?,
            "ackDelay" => config.ack_delay = time(name, value)?,
            "firstWait" => backoff.first = time(name, value)?,
            "longestWait" => backoff.max = time(name, value)?,
            "waitsResetAfter" => backoff.reset_after = time(name, value)?,
            "announcedWaitMax" => backoff.announced_max = time(name, value)?,
            "keepsTrying" => config.keeps_trying = value != 0.0,
            _ => return Err(Thrown::invalid(&format!("there is no setting {name}"))),
        }
        Ok(())
    }

    /// Looks whether a client can work with the settings.
    ///
    /// # Errors
    ///
    /// If none can.
    pub fn check(&self) -> Result<(), Thrown> {
        let config = self.config.clone().with_reconnect(Some(self.backoff));
        config.check().map_err(|error| Thrown::invalid(&words(&error)))
    }
}

impl Settings {
    /// # Errors
    ///
    /// If no client can work with the settings.
    pub(crate) fn into_config(self) -> Result<ClientConfig, Thrown> {
        self.check()?;
        Ok(self.config.with_reconnect(Some(self.backoff)))
    }
}

/// What would be right, with the names that JavaScript has. What is given is not in the words, as below.
fn words(error: &ClientConfigError) -> String {
    match error {
        ClientConfigError::Frame { bytes_min, .. } => format!("frameBytesMax must be at least {bytes_min}"),
        ClientConfigError::Outbox { bytes_min, .. } => format!("outboxBytesMax must be {bytes_min} to 2147483647"),
        ClientConfigError::Zero { name: "answer_time_max" } => "answerTimeMax must be more than 0".into(),
        ClientConfigError::Zero { name: "probe_time_max" } => "probeTimeMax must be more than 0".into(),
        ClientConfigError::Zero { .. } => "firstWait must be more than 0".into(),
        ClientConfigError::Backoff { .. } => "longestWait must be at least firstWait".into(),
        _ => "no client can work with these options together".into(),
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it was compared")]
fn whole(name: &str, value: f64) -> Result<u32, Thrown> {
    if (0.0..=f64::from(u32::MAX)).contains(&value) {
        return Ok(value as u32);
    }
    Err(Thrown::invalid(&format!("{name} is out of range: it must be 0 to {}", u32::MAX)))
}

// The value is not in the words: what writes a fraction would be a tenth of the module.
fn time(name: &str, ms: f64) -> Result<Duration, Thrown> {
    Duration::try_from_secs_f64(ms / 1e3)
        .map_err(|_| Thrown::invalid(&format!("{name} is out of range: it must be a time in milliseconds")))
}
