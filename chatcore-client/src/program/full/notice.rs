//! Telling whoever looks elsewhere that a message came for them: a bell, or a notice of the desktop.

use std::time::{Duration, Instant};

use super::keys::Key;
use super::mention::names;
use super::settings::Notify;
use crate::program::escape::escape;
use crate::program::report::Report;

/// How often somebody is told, at the most.
const NOTICE_TIME_MIN: Duration = Duration::from_secs(3);

/// Characters of a notice, at the most.
const NOTICE_CHARS_MAX: usize = 120;

/// Who is told of what, and how.
pub(super) struct Notices {
    how: Notify,
    with_body: bool,
    /// The terminal has said that somebody looks elsewhere.
    looks_away: bool,
    told: Option<Instant>,
}

impl Notices {
    pub(super) const fn new(how: Notify, with_body: bool) -> Self {
        Self { how, with_body, looks_away: false, told: None }
    }

    /// Takes what a key tells of the focus.
    pub(super) fn press(&mut self, key: &Key) {
        self.looks_away = match key {
            Key::FocusLost => true,
            // The terminal says it, and nobody types it.
            Key::Background(_) => return,
            // Who types looks.
            _ => false,
        };
    }

    /// Who types looks.
    pub(super) const fn look_back(&mut self) {
        self.looks_away = false;
    }

    /// What the terminal is told of a report.
    pub(super) fn of(&mut self, report: &Report, own_name: Option<&str>) -> Option<Vec<u8>> {
        if !self.looks_away || self.how == Notify::Off {
            return None;
        }
        let Report::Message { from, to, body, .. } = report else { return None };
        let body = body.bytes();
        let is_private = !to.starts_with('#');
        if !is_private && !own_name.is_some_and(|name| names(&body, name)) {
            return None;
        }
        let now = Instant::now();
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < NOTICE_TIME_MIN) {
            return None;
        }
        self.told = Some(now);
        let place = if is_private { String::new() } else { format!(" in {}", harmless(to.as_bytes())) };
        let what = if self.with_body { format!(": {}", harmless(&body)) } else { String::new() };
        // Words first: some terminals take a number at the start of such a notice for another command, and a user may
        // be called `12`.
        Some(self.spelled(&format!("message from {}{place}{what}", harmless(from.as_bytes()))))
    }

    fn spelled(&self, text: &str) -> Vec<u8> {
        match self.how {
            Notify::Off => Vec::new(),
            Notify::Bell => b"\x07".to_vec(),
            Notify::Osc9 => format!("\x1b]9;{text}\x1b\\").into_bytes(),
            Notify::Osc777 => format!("\x1b]777;notify;chatcore;{text}\x1b\\").into_bytes(),
        }
    }
}

/// What others say, with nothing in it that ends a notice, or separates its parts.
fn harmless(text: &[u8]) -> String {
    escape(text).chars().take(NOTICE_CHARS_MAX).map(|c| if c == ';' { ',' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::report::Body;
    use chatcore::MessageId;

    fn message(from: &str, to: &str, body: &[u8]) -> Report {
        let (from, to, body) = (from.into(), to.into(), Body::new(body.to_vec()));
        Report::Message { id: MessageId(1).into(), time: 0, from, to, body }
    }

    fn told(how: Notify, with_body: bool, report: &Report) -> Option<String> {
        let mut notices = Notices::new(how, with_body);
        notices.press(&Key::FocusLost);
        notices.of(report, Some("alice")).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn who_looks_elsewhere_is_told_of_what_is_for_them() {
        let private = message("bob", "alice", b"secret");
        assert_eq!(told(Notify::Bell, false, &private).as_deref(), Some("\u{7}"));
        assert_eq!(told(Notify::Osc9, false, &private).as_deref(), Some("\u{1b}]9;message from bob\u{1b}\\"));
        let number = message("12", "alice", b"secret");
        assert_eq!(told(Notify::Osc9, true, &number).as_deref(), Some("\u{1b}]9;message from 12: secret\u{1b}\\"));
        let mention = message("bob", "#lobby", b"Alice: look");
        let notice = told(Notify::Osc777, true, &mention);
        assert_eq!(
            notice.as_deref(),
            Some("\u{1b}]777;notify;chatcore;message from bob in #lobby: Alice: look\u{1b}\\")
        );
        for other in [message("bob", "#lobby", b"malice"), Report::SessionLost] {
            assert_eq!(told(Notify::Bell, false, &other), None);
        }
        assert_eq!(told(Notify::Off, false, &private), None);
    }

    #[test]
    fn nobody_is_told_who_looks_or_who_was_told_just_now() {
        let private = message("bob", "alice", b"secret");
        let mut notices = Notices::new(Notify::Bell, false);
        assert_eq!(notices.of(&private, None), None);
        notices.press(&Key::FocusLost);
        assert!(notices.of(&private, None).is_some() && notices.of(&private, None).is_none());
        notices.press(&Key::FocusGained);
        notices.told = None;
        assert_eq!(notices.of(&private, None), None);
    }

    #[test]
    fn others_cannot_say_more_to_the_terminal_than_a_notice() {
        let evil = message("b\x1b\\\x1b]52;c;x\x07", "alice", b"\x1b\\\x1b[2J;\xc2\x9c\x07\n");
        let notice = told(Notify::Osc777, true, &evil).unwrap();
        let inner = notice.strip_prefix("\u{1b}]777;notify;chatcore;").and_then(|rest| rest.strip_suffix("\u{1b}\\"));
        assert!(inner.is_some_and(|inner| inner.chars().all(|c| !c.is_control() && c != ';')), "{notice:?}");
        let long = message("bob", "alice", &vec![b'x'; 100_000]);
        assert!(told(Notify::Osc9, true, &long).unwrap().len() < 300);
    }
}
