//! The end that somebody asked for: what is waited for, and what is said of messages without an answer.

use std::io::{self, stdin};
use std::time::{Duration, Instant};

use crate::{Closed, Event};

use super::parts::{Held, Rest, Session, Stage, is_message};
use super::waits::Leaving;
use crate::program::command::{self, Command};
use crate::program::descriptors::is_readable;
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::report::{Report, safe};
use crate::program::requests::{beginning, mapped};
use crate::program::stop::{GOODBYE_TIME_MAX, OUTPUT_TIME_MAX};

/// How long the server may take to answer a goodbye, once a person at the terminal has asked for it. After a signal it
/// is less.
const ASKED_TIME_MAX: Duration = Duration::from_millis(1_200);

/// The same, at the end of a script.
const SCRIPT_TIME_MAX: Duration = Duration::from_secs(5);

/// After so long a person is told what is waited for, if it is nothing but the goodbye.
const LEAVING_TOLD_AFTER: Duration = Duration::from_millis(300);

/// Messages without an answer that are named one by one, at the most.
const NAMED_MAX: usize = 20;

/// Inputs that are looked through for messages that were not sent, at the most.
const INPUTS_MAX: usize = 200;

/// How long input that was never read is waited for, to be named.
const UNREAD_TIME_MAX: Duration = Duration::from_millis(500);

/// After so long the program has what the thread that reads the input has read.
const HANDED_ON_AFTER: Duration = Duration::from_millis(20);

impl Session {
    /// Says goodbye. No line is taken any more, and what was still to be sent is not sent.
    pub(super) fn quit(&mut self) {
        self.linger_anew();
        self.console.leave();
        self.stage = Stage::Quitting;
        match &mut self.driver {
            Some(driver) => driver.close(),
            None => self.stage = Stage::Over,
        }
    }

    /// Waits for the answer to our goodbye, but not for long if a person or a signal has asked us to end. A script is
    /// told what became of all that it asked for.
    pub(super) fn leave(&mut self) -> Result<(), Failure> {
        if self.stage == Stage::Over {
            // There is nobody to say it to.
            return self.left(Closed::Left);
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
        // What is not sent any more has no answer.
        let answers = self.requests.messages();
        if is_due || !self.is_leaving_told() && answers > 0 {
            self.leaving = self.leaving.map(|leaving| Leaving { is_told: true, ..leaving });
            self.show(&Report::Leaving { answers })?;
        }
        Ok(())
    }

    /// Tells a script that it has ended as it was to end.
    ///
    /// # Errors
    ///
    /// If somebody left, and a message was not sent, or has no answer: the server answers everything before its
    /// goodbye. If it has not, nobody knows what became of the rest.
    pub(super) fn conclude(&mut self) -> Result<(), Failure> {
        let Some(reason) = self.over else { return Ok(()) };
        let unsent = self.unsent_messages();
        let unanswered = self.open_messages() - unsent;
        if unsent + unanswered > 0 {
            return Err(Failure::Left { unsent, unanswered, address: self.address() });
        }
        self.show(&Report::Closed { reason: reason.to_owned() })
    }

    /// Says goodbye where nobody reads any more what comes of it. Without an answer the session may still be there,
    /// with what others have said meanwhile, and stays for the next start.
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

    /// Takes all of the input that is sent no more, as far as it is there: of a script that never had a session,
    /// nothing was read. What is on its way is waited for, but not for long.
    pub(super) fn take_unsent(&mut self) {
        let is_unread = !self.console.is_interactive() && !self.own.is_known;
        let patience =
            if is_unread && !self.signals.stop.is_asked() { UNREAD_TIME_MAX } else { self.console.rest_time_max() };
        let until = Instant::now() + patience;
        while !self.take_inputs() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                if is_unread && !self.held.is_empty() {
                    self.rest = Rest::Unread;
                }
                return;
            }
            let may_come = is_unread || is_readable(stdin());
            let waited =
                self.poll.poll(&mut self.events, Some(if is_unread { left } else { left.min(HANDED_ON_AFTER) }));
            if !may_come || waited.is_err() {
                self.take_inputs();
                return;
            }
        }
    }

    /// Takes what there is now. True if nothing more comes, or nothing more is looked at.
    ///
    /// A line of a person that may answer a question is no message: it may be a secret.
    fn take_inputs(&mut self) -> bool {
        let takes_lines = self.console.awaits_command();
        for _ in 0..INPUTS_MAX {
            let command = match self.console.poll() {
                Some(Input::Line(line)) if takes_lines => command::parse(&line).ok().flatten(),
                Some(Input::Command(command)) => Some(command),
                Some(Input::Line(_) | Input::Secret(_) | Input::Unusable { .. }) => None,
                Some(Input::End) => {
                    self.input_ended = true;
                    return true;
                }
                None => return false,
            };
            self.held.extend(command.and_then(|command| self.addressed(command)).map(Held::from));
        }
        self.rest = Rest::Unread;
        true
    }

    /// A command that names who it is for. None if it is text for nobody.
    fn addressed(&self, command: Command) -> Option<Command> {
        let Command::Say(body) = command else { return Some(command) };
        let joined = self.held.iter().rev().find_map(|held| match &held.command {
            Command::Join(room) => Some(mapped(room.clone())),
            _ => None,
        });
        Some(Command::Send { to: joined.or_else(|| self.own.saved.room.clone())?, body })
    }

    /// What is known of all that the input asked for, where nobody reads the output any more.
    ///
    /// # Errors
    ///
    /// If something came to nothing, has no answer, or may stand in the input still.
    pub(super) fn unread_verdict(&self) -> Result<(), Failure> {
        let (unsent, unanswered) = (self.unsent_messages(), self.unanswered_requests());
        if unsent + unanswered == 0 && self.input_ended {
            return self.console.verdict();
        }
        Err(Failure::NoReader { unsent, unanswered })
    }

    /// Messages that have not gone out, and never will, if this is the end.
    fn unsent_messages(&self) -> usize {
        let unsent_from = self.unsent_from();
        let asked = self.requests.unanswered_messages().filter(|(number, ..)| *number >= unsent_from).count();
        asked + self.held.iter().filter(|held| is_message(held)).count()
    }

    /// Requests without an answer, but for messages that have not gone out.
    pub(super) fn unanswered_requests(&self) -> usize {
        self.open_requests() + self.unanswered - self.unsent_messages()
    }

    /// That the answers have not come in the time for them.
    pub(super) fn not_answered_in_time(&self) -> Failure {
        let (unsent, unanswered) = (self.unsent_messages(), self.unanswered_requests());
        Failure::Unanswered { unsent, unanswered, address: self.address() }
    }

    /// The same failure where all of the input is known that is sent no more, and so many requests have no answer.
    pub(super) fn with_unsent(&self, failure: Failure, unanswered: usize) -> Failure {
        let unsent = self.unsent_messages();
        match failure {
            // If all answers have come with the one to the goodbye, they were late all the same.
            Failure::Unanswered { address, .. } if unsent + unanswered > 0 => {
                Failure::Unanswered { unsent, unanswered, address }
            }
            other => other,
        }
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

    /// What may have become of each message without an answer.
    pub(super) fn unanswered_lines(&self, is_kept: bool) -> Vec<String> {
        let held = self.held.iter().filter_map(|Held { command, .. }| said(command));
        let unsent = held.map(|(to, text)| (to, text, "was not sent"));
        let unsent_from = self.unsent_from();
        let asked = self.requests.unanswered_messages().map(|(number, to, text)| {
            let what = if number < unsent_from { "may be lost" } else { "was not sent" };
            (to.to_owned(), text.to_owned(), what)
        });
        let all: Vec<_> = asked.chain(unsent).collect();
        let named = all.iter().take(NAMED_MAX);
        let mut lines: Vec<String> =
            named.map(|(to, text, what)| format!("to {}, {what}: {}", safe(to), safe(text))).collect();
        if let Some(more) = all.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
            lines.push(format!("and {more} more messages"));
        }
        if self.rest == Rest::Unread {
            lines.push("the rest of the input was not read: nothing of it was sent".to_owned());
        }
        if is_kept && !all.is_empty() {
            lines.push("they are shown again at the next start".to_owned());
        }
        lines
    }
}

/// To whom a command says something, and how that begins.
fn said(command: &Command) -> Option<(String, String)> {
    Some(match command {
        Command::Send { to, body } => (mapped(to.clone()), beginning(body.as_bytes())),
        Command::SendBytes { to, body } => (mapped(to.clone()), beginning(body)),
        _ => return None,
    })
}
