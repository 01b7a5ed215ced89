//! The end that somebody asked for: what is waited for, and what is said of messages without an answer.

use std::io;
use std::time::{Duration, Instant};

use crate::{Closed, Event};

use super::parts::{Held, Session, Stage};
use super::waits::Leaving;
use crate::program::command::{self, Command};
use crate::program::descriptors::write_within;
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::report::{Report, safe};
use crate::program::requests::{beginning, mapped};
use crate::program::stop::{GOODBYE_TIME_MAX, OUTPUT_TIME_MAX, REMARKS_TIME_MAX};

/// How long the server may take to answer a goodbye, once a person at the terminal has asked for it. After a signal it is less.
const ASKED_TIME_MAX: Duration = Duration::from_millis(1_200);

/// The same, at the end of a script.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(5);

/// After so long a person is told what is waited for, if it is nothing but the goodbye.
const LEAVING_TOLD_AFTER: Duration = Duration::from_millis(300);

/// Messages without an answer that are named one by one, at the most.
const NAMED_MAX: usize = 20;

/// Inputs that are looked through for messages that were not sent, at the most.
const INPUTS_MAX: usize = 200;

impl Session {
    /// Says goodbye. No line is taken any more.
    pub(super) fn quit(&mut self) {
        self.linger_until = None;
        self.stage = Stage::Quitting;
        self.console.leave();
        match &mut self.driver {
            Some(driver) => driver.close(),
            None => self.stage = Stage::Over,
        }
    }

    /// Waits for the answer to our goodbye, but not for long if a person or a signal has asked us to end. A script is told what
    /// became of all that it asked for.
    pub(super) fn leave(&mut self) -> Result<(), Failure> {
        if self.stage == Stage::Over {
            return Ok(());
        }
        let now = Instant::now();
        // A script is told what happens, and nothing of what is waited for.
        let is_script = !self.console.is_interactive();
        let time_max = if is_script { SCRIPT_TIME_MAX } else { ASKED_TIME_MAX };
        let first = Leaving { since: now, until: now + time_max, is_told: is_script };
        let leaving = self.leaving.get_or_insert(first);
        let signalled = self.signals.stop.until(GOODBYE_TIME_MAX);
        leaving.until = signalled.map_or(leaving.until, |signalled| signalled.min(leaving.until));
        if leaving.until <= now || self.console.leaves_at_once() {
            if let Some(driver) = &mut self.driver {
                // It goes out, if it can.
                let _ = driver.drive();
            }
            // The goodbye is said, and whatever becomes of it, this is its end for us. The server may not have it.
            return self.left(Closed::Left);
        }
        let is_due = !leaving.is_told && leaving.since + LEAVING_TOLD_AFTER <= now;
        if is_due || !self.is_leaving_told() && self.open_messages() > 0 {
            self.leaving = self.leaving.map(|leaving| Leaving { is_told: true, ..leaving });
            self.show(&Report::Leaving { answers: self.open_messages() })?;
        }
        Ok(())
    }

    /// Says goodbye where nobody reads any more what comes of it. Without an answer the session may still be there, with what
    /// others have said meanwhile, and stays for the next start.
    pub(super) fn hang_up(&mut self) {
        let Some(driver) = self.driver.as_mut().filter(|driver| driver.connected()) else { return };
        driver.close();
        // The answer has the time of the output, too, which is waited for no longer.
        let until = self.signals.stop.until(OUTPUT_TIME_MAX).unwrap_or_else(|| Instant::now() + OUTPUT_TIME_MAX);
        if self.await_end(until).is_some_and(|closed| self.ends_session(&closed)) {
            self.forget();
        }
    }

    /// How the connection ends; none if it does not until then.
    fn await_end(&mut self, until: Instant) -> Option<Closed> {
        loop {
            let has_read = self.driver.as_mut()?.drive().ok()?;
            while let Some(event) = self.driver.as_mut()?.poll_event() {
                match event {
                    Event::Closed(closed) => return Some(closed),
                    event => self.settle(event),
                }
            }
            let driver = self.driver.as_mut()?;
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let timeout = if has_read { Duration::ZERO } else { driver.timeout().map_or(left, |due| due.min(left)) };
            match self.poll.poll(&mut self.events, Some(timeout)) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return None,
                _ => {}
            }
        }
    }

    /// Takes an answer that only the exit code of a script tells any more.
    fn settle(&mut self, event: Event) {
        let is_answer = matches!(
            event,
            Event::Accepted { .. }
                | Event::Rejected { .. }
                | Event::Done { .. }
                | Event::Online { .. }
                | Event::Members { .. }
                | Event::Report { .. }
        );
        if is_answer && !self.console.is_interactive() {
            // That the output takes nothing is known.
            let _ = self.handle(event);
        }
    }

    /// Takes what has come of the input, and is sent no more.
    pub(super) fn take_unsent(&mut self) {
        for _ in 0..INPUTS_MAX {
            if self.input_ended {
                return;
            }
            let command = match self.console.poll() {
                Some(Input::Line(line)) => command::parse(&line).ok().flatten(),
                Some(Input::Command(command)) => Some(command),
                Some(Input::Secret(_) | Input::Unusable { .. }) => None,
                Some(Input::End) => {
                    self.input_ended = true;
                    return;
                }
                None => return,
            };
            self.held.extend(command.map(Held::from));
        }
    }

    /// What is known of all that the input asked for, where nobody reads the output any more.
    ///
    /// # Errors
    ///
    /// If something came to nothing, has no answer, or may stand in the input still.
    pub(super) fn unread_verdict(&self) -> Result<(), Failure> {
        let unanswered = self.open_requests() + self.unanswered;
        if unanswered == 0 && self.input_ended { self.console.verdict() } else { Err(Failure::NoReader { unanswered }) }
    }

    /// The number of the first request that has not gone out, and never will, if this is the end.
    pub(super) fn unsent_from(&self) -> u64 {
        self.driver.as_ref().map_or(u64::MAX, |driver| driver.client().unsent_from())
    }

    fn is_leaving_told(&self) -> bool {
        self.leaving.is_some_and(|leaving| leaving.is_told)
    }

    /// When [`leave`](Self::leave) has something to do.
    pub(super) fn leaves_at(&self) -> Option<Instant> {
        let leaving = self.leaving?;
        let told = (!leaving.is_told).then(|| leaving.since + LEAVING_TOLD_AFTER);
        Some(told.map_or(leaving.until, |told| told.min(leaving.until)))
    }

    /// Says of each message without an answer what may have become of it, where all else was said.
    pub(super) fn tell_unanswered(&self) {
        let held = self.held.iter().filter_map(|Held { command, .. }| said(command));
        let unsent = held.map(|(to, text)| (to, text, "was not sent"));
        let unsent_from = self.unsent_from();
        let asked = self.requests.unanswered_messages().map(|(number, to, text)| {
            let what = if number < unsent_from { "may be lost" } else { "was not sent" };
            (to.to_owned(), text.to_owned(), what)
        });
        let all: Vec<_> = asked.chain(unsent).collect();
        if all.is_empty() {
            return;
        }
        let named = all.iter().take(NAMED_MAX);
        let line = |(to, text, what): &(String, String, &str)| {
            format!("chatcore-client: to {}, {what}: {}\n", safe(to), safe(text))
        };
        let mut lines: Vec<String> = named.map(line).collect();
        if let Some(more) = all.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
            lines.push(format!("chatcore-client: and {more} more messages\n"));
        }
        if self.keeps_unanswered() {
            lines.push("chatcore-client: they are shown again at the next start\n".to_owned());
        }
        write_within(REMARKS_TIME_MAX, io::stderr(), lines.concat().into_bytes());
    }
}

/// To whom a command says something, and how that begins.
fn said(command: &Command) -> Option<(String, String)> {
    Some(match command {
        Command::Send { to, body } => (mapped(to.clone()), beginning(body.as_bytes())),
        Command::SendBytes { to, body } => (mapped(to.clone()), beginning(body)),
        Command::Say(text) => ("the room".to_owned(), beginning(text.as_bytes())),
        _ => return None,
    })
}
