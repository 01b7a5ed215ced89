//! Telling whoever looks elsewhere that a message came for them: a bell, or a notice of the desktop.

use std::time::{Duration, Instant};

use super::keys::Key;
use super::settings::Notify;
use crate::program::escape::escape;
use crate::program::report::Report;

/// How often somebody is told, at the most.
const NOTICE_TIME_MIN: Duration = Duration::from_secs(3);

/// After so long without a key somebody looks elsewhere, if the terminal never tells whether its window has the focus.
/// Many do not, such as tmux unless it is told to.
const IDLE_TIME_MIN: Duration = Duration::from_secs(10);

/// Characters of a notice, at the most.
const NOTICE_CHARS_MAX: usize = 120;

/// Who is told of what, and how.
pub(super) struct Notices {
    how: Notify,
    with_body: bool,
    /// What the terminal has told: whether somebody looks at it. None if it never did.
    has_focus: Option<bool>,
    /// When somebody typed last.
    typed: Instant,
    told: Option<Instant>,
}

impl Notices {
    pub(super) fn new(now: Instant, how: Notify, with_body: bool) -> Self {
        Self { how, with_body, has_focus: None, typed: now, told: None }
    }

    /// Takes what a key tells of the focus.
    pub(super) fn press(&mut self, now: Instant, key: &Key) {
        match key {
            Key::FocusLost => self.has_focus = Some(false),
            Key::FocusGained => self.has_focus = Some(true),
            // The terminal says it, and nobody types it.
            Key::Background(_) => {}
            _ => self.look_back(now),
        }
    }

    /// Who types looks.
    pub(super) fn look_back(&mut self, now: Instant) {
        self.typed = now;
        self.has_focus = self.has_focus.map(|_| true);
    }

    fn looks_away(&self, now: Instant) -> bool {
        match self.has_focus {
            Some(has_focus) => !has_focus,
            None => now.saturating_duration_since(self.typed) >= IDLE_TIME_MIN,
        }
    }

    /// What the terminal is told of a report, which may be a message that names us.
    pub(super) fn of(&mut self, now: Instant, report: &Report, is_mention: bool) -> Option<Vec<u8>> {
        if self.how == Notify::Off || !self.looks_away(now) {
            return None;
        }
        let Report::Message { from, to, body, .. } = report else { return None };
        let is_private = !to.starts_with('#');
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < NOTICE_TIME_MIN) {
            return None;
        }
        if !is_private && !is_mention {
            return None;
        }
        self.told = Some(now);
        let place = if is_private { String::new() } else { format!(" in {}", harmless(to.as_bytes())) };
        let what = if self.with_body { format!(": {}", harmless(&body.bytes())) } else { String::new() };
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
    use crate::program::full::app::App;
    use crate::program::report::Body;
    use chatcore::MessageId;

    fn message(from: &str, to: &str, body: &[u8]) -> Report {
        let (from, to, body) = (from.into(), to.into(), Body::new(body.to_vec()));
        Report::Message { id: MessageId(1).into(), time: 0, from, to, body }
    }

    /// To alice.
    fn told(how: Notify, with_body: bool, report: &Report) -> Option<String> {
        let now = Instant::now();
        let mut notices = Notices::new(now, how, with_body);
        notices.press(now, &Key::FocusLost);
        let mut app = App::new();
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        app.report(report);
        notices.of(now, report, app.was_mention()).map(|bytes| String::from_utf8(bytes).unwrap())
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
        // What was told before does not count.
        let mut app = App::new();
        app.report(&Report::Registered { name: "alice".into(), display_name: None });
        for (report, is_mention) in [(&mention, true), (&private, false), (&mention, true)] {
            app.report(report);
            assert_eq!(app.was_mention(), is_mention, "{report:?}");
        }
        assert_eq!(told(Notify::Off, false, &private), None);
    }

    #[test]
    fn nobody_is_told_who_looks_or_who_was_told_just_now() {
        let private = message("bob", "alice", b"secret");
        let start = Instant::now();
        let mut notices = Notices::new(start, Notify::Bell, false);
        let is_told = |notices: &mut Notices, seconds| {
            notices.of(start + Duration::from_secs(seconds), &private, false).is_some()
        };
        assert!(!is_told(&mut notices, 0));
        notices.press(start, &Key::FocusLost);
        assert!(is_told(&mut notices, 0) && !is_told(&mut notices, 2) && is_told(&mut notices, 3));
        notices.press(start, &Key::FocusGained);
        assert!(!is_told(&mut notices, 100), "who looks need not type");
        notices.press(start, &Key::FocusLost);
        notices.press(start, &Key::Char('x'));
        assert!(!is_told(&mut notices, 100), "who types looks");
    }

    /// tmux tells nothing of the focus unless it is told to, and the console of Linux never does.
    #[test]
    fn who_has_not_typed_for_long_is_told_if_the_terminal_never_tells_the_focus() {
        let private = message("bob", "alice", b"secret");
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut notices = Notices::new(start, Notify::Bell, false);
        assert_eq!(notices.of(at(9), &private, false), None);
        notices.press(at(9), &Key::Background([0; 3]));
        assert!(notices.of(at(10), &private, false).is_some(), "the answer of a terminal is nothing that is typed");
        notices.look_back(at(15));
        assert_eq!(notices.of(at(24), &private, false), None);
        assert!(notices.of(at(25), &private, false).is_some());
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
