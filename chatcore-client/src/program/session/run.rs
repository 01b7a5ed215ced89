//! The program's loop: lines become commands, events become reports.

use std::io;
use std::time::{Duration, Instant};

use crate::Driver;

use super::parts::{Held, Lost, Session, Stage, is_message, text_bytes};
use crate::program::command::{self, Command};
use crate::program::descriptors::write_within;
use crate::program::failure::Failure;
use crate::program::input::Input;
use crate::program::stop::REMARKS_TIME_MAX;
use crate::program::turn::Turn;

/// Inputs that are taken before the program does all else again: however many there are, the server and signals have
/// their turn.
const INPUTS_MAX: usize = 200;

/// Commands that wait, for room or for the answer to one before them, when no more input is read.
pub(super) const HELD_MAX: usize = 200;

/// Bytes of what these say, and of the names in them, when no more input is read.
pub(super) const HELD_TEXT_BYTES_MAX: usize = 1 << 20;

/// What whoever answers a question that is settled is told. The answer may be a secret, and is not in it.
const LATE_ANSWER: &str =
    "what you entered came too late to be a name or a password: it is not taken, and said to nobody";

/// Events that are handled before the program does all else again, at the most, also if there is time for more.
pub(super) const EVENTS_MAX: usize = 500;

impl Session {
    /// Goes on until it is over.
    ///
    /// # Errors
    ///
    /// If it ends in another way than it was told to; and if something came to nothing, if that is to be told. Where
    /// that is to be told, a reader that goes is an error only if something is open.
    pub(crate) fn run(mut self, tells_verdict: bool) -> Result<(), Failure> {
        let outcome = self.go_on();
        let tells_verdict = tells_verdict && !self.console.is_interactive();
        // Who was about to leave, and is told nothing any more because the terminal is gone, has left.
        if outcome.is_err() && self.stage != Stage::Over {
            self.hang_up();
        }
        let unanswered = self.unanswered_requests();
        self.take_unsent();
        let outcome = outcome.map_err(|failure| self.with_unsent(failure, unanswered));
        let outcome = outcome.and_then(|()| self.conclude());
        self.save_kept();
        let told = self.tell_rest();
        if let Err(failure) = &outcome {
            self.console.show_failure(failure);
        }
        let shown = self.console.finish(&self.signals.stop);
        let ended = outcome.and(told).and(shown);
        let has_no_reader = ended.as_ref().is_err_and(Failure::has_no_reader);
        let saved = self.finish_saving();
        // The words are for another reader than the output.
        let is_told = !has_no_reader || tells_verdict;
        let mut remarks = if is_told { self.unanswered_lines(saved.keeps_unanswered) } else { Vec::new() };
        remarks.extend(saved.remarks);
        if !remarks.is_empty() {
            let lines: Vec<String> = remarks.iter().map(|remark| format!("chatcore-client: {remark}\n")).collect();
            write_within(REMARKS_TIME_MAX, io::stderr(), lines.concat().into_bytes());
        }
        match ended {
            Err(_) if has_no_reader && tells_verdict => self.unread_verdict(),
            Err(failure) => Err(failure),
            Ok(()) if tells_verdict => saved.outcome.and_then(|()| self.console.verdict()),
            Ok(()) => saved.outcome,
        }
    }

    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        while self.stage != Stage::Over {
            self.console.handle_signals(&self.signals)?;
            self.take_restored()?;
            self.take_connected()?;
            let has_more_input = self.take_input()?;
            self.leave_if_done()?;
            // What came with a session is dealt with before anybody asks for more in it.
            self.tell_kept()?;
            let more = self.drive()? || has_more_input;
            // However much arrives, a person sees it and what they type.
            self.console.refresh()?;
            if more {
                // What did not fit before may fit now.
                continue;
            }
            self.give_up_if_due()?;
            self.ask_again_if_due()?;
            self.count_wait_down()?;
            self.tell_link()?;
            self.tell_silence()?;
            self.save_if_due();
            self.console.check()?;
            let timeout = self.timeout();
            match self.poll.poll(&mut self.events, timeout) {
                Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(Failure::System(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// An output or a disk that does not keep up holds up what is taken, and so the server, and not our memory. Who
    /// leaves is not held up.
    pub(super) fn is_held_up(&self) -> bool {
        (!self.console.has_room() || self.keeping.holds_up()) && self.stage != Stage::Quitting
    }

    /// A signal asks for the end, which nothing that has come is to delay: it may take long to lay out.
    fn is_interrupted(&self) -> bool {
        self.signals.stop.is_asked() && !matches!(self.stage, Stage::Quitting | Stage::Over)
    }

    /// Lets the connection do what it can. True if something has become possible by that.
    pub(super) fn drive(&mut self) -> Result<bool, Failure> {
        let Some(driver) = &mut self.driver else { return Ok(self.stage == Stage::Over) };
        let mut more = driver.drive().map_err(Failure::System)?;
        // One call may read what takes long to show: keys have their turn in between.
        let mut turn = Turn::default();
        for _ in 0..EVENTS_MAX {
            if !turn.goes_on() || self.is_held_up() || self.is_interrupted() {
                break;
            }
            let Some(event) = self.driver.as_mut().and_then(Driver::poll_event) else { break };
            self.handle(event)?;
            more = true;
        }
        Ok(self.acknowledge() || more)
    }

    /// Takes what is shown by now. True if that was news.
    pub(super) fn acknowledge(&mut self) -> bool {
        let Some(driver) = &mut self.driver else { return false };
        let mut has_taken = false;
        loop {
            let position = driver.client().position();
            let is_told = !self.keeping.holds_up();
            if is_told && self.shown.awaited.is_none() && self.shown.position != Some(position) {
                self.shown.awaited = Some((self.console.position(), position));
            }
            let shown = self.shown.awaited.take_if(|(until, _)| self.console.has_shown(*until));
            let Some((_, position)) = shown else { return has_taken };
            driver.take_events(position);
            self.shown.position = Some(position);
            has_taken = true;
        }
    }

    /// All that was told is where it is found again.
    pub(super) fn has_shown_all(&self) -> bool {
        self.shown.awaited.is_none()
    }

    pub(super) fn timeout(&self) -> Option<Duration> {
        let give_up_at = self.lost.as_ref().and_then(|lost| lost.until);
        let leaving = [self.linger_until, self.leaves_at(), give_up_at];
        let waiting = [self.asks_again_at(), self.counts_down_at(), self.link_told_at(), self.keeping.due()];
        let own = leaving.into_iter().chain(waiting).flatten().min();
        let own = own.map(|until| until.saturating_duration_since(Instant::now()));
        let driver = self.driver.as_ref().and_then(Driver::timeout);
        [driver, own, self.silence_due(), self.console.timeout()].into_iter().flatten().min()
    }

    pub(super) fn give_up_if_due(&mut self) -> Result<(), Failure> {
        let is_due = |lost: &mut Lost| lost.until.is_some_and(|until| until <= Instant::now());
        match self.lost.take_if(is_due) {
            Some(Lost { why, .. }) => self.end(why),
            None => Ok(()),
        }
    }

    /// Takes what was typed, or what a script wants. True if there may be more.
    pub(super) fn take_input(&mut self) -> Result<bool, Failure> {
        if let Some(cursor) = self.next_page.take() {
            self.list_on(cursor);
        }
        if self.stage == Stage::Registering {
            self.take_urgent();
        }
        // The end of the input is read although a command before it waits, and so is a key that leaves.
        let mut is_blocked = false;
        for _ in 0..INPUTS_MAX {
            if !matches!(self.stage, Stage::Naming | Stage::LoggingIn | Stage::Open) || self.is_interrupted() {
                return Ok(false);
            }
            if self.stage == Stage::Open
                && !is_blocked
                && let Some(held) = self.held.pop_front()
            {
                is_blocked = self.waits_on(held)?;
                continue;
            }
            if self.stage == Stage::Open && !self.input_ended && self.holds_enough() {
                self.take_urgent();
                return Ok(false);
            }
            if self.input_ended || !self.take_next()? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Asks for what has waited. True if it has to wait on.
    fn waits_on(&mut self, Held { command, line }: Held) -> Result<bool, Failure> {
        self.input_line = line;
        let held = self.request(&command)?;
        let is_blocked = held.is_some();
        match held {
            Some(command) => self.held.push_front(Held { command, line }),
            // It has as much time for its answer as those before it. What is asked again because a session was lost
            // has not: a server that loses one after the other would keep a script for ever.
            None if line.is_some() => self.linger_anew(),
            None => {}
        }
        Ok(is_blocked)
    }

    /// Does what a person wants whatever is waited for, where nothing else is read.
    fn take_urgent(&mut self) {
        while let Some(command) = self.console.poll_urgent() {
            match command {
                Command::Quit => self.input_ended = true,
                _ => self.hurry(),
            }
        }
        self.input_ended |= self.console.has_ended();
    }

    /// Takes the next input. False if there is none now.
    fn take_next(&mut self) -> Result<bool, Failure> {
        let Some(input) = self.console.poll() else { return Ok(false) };
        self.input_line = self.console.line();
        match input {
            Input::Line(line) => self.take_line(&line)?,
            Input::Command(command) => self.take_command(command)?,
            Input::Secret(secret) if self.stage == Stage::LoggingIn => self.take_password(&secret)?,
            Input::Secret(_) => self.leave_answer()?,
            Input::Unusable { reason, detail } => self.complain_of_input(reason, detail)?,
            Input::End => self.input_ended = true,
        }
        Ok(true)
    }

    pub(super) fn take_line(&mut self, line: &str) -> Result<(), Failure> {
        if self.stage == Stage::Naming {
            return self.take_name(line);
        }
        if !self.console.awaits_command() {
            return self.leave_answer();
        }
        match command::parse(line) {
            Ok(Some(command)) => self.take_command(command)?,
            Ok(None) => {}
            Err(error) => self.complain_of_input(error.reason(), error.to_string())?,
        }
        if self.stage == Stage::Open {
            self.prompt();
        }
        Ok(())
    }

    /// Says that an answer is not taken whose question was settled before it: nobody else is to read it.
    fn leave_answer(&mut self) -> Result<(), Failure> {
        self.complain_of_input("not_taken", LATE_ANSWER.to_owned())
    }

    fn take_command(&mut self, command: Command) -> Result<(), Failure> {
        let line = self.input_line;
        let Some(command) = self.prepare(command)? else { return Ok(()) };
        // Nothing overtakes what waits.
        let held = if self.held.is_empty() { self.request(&command)? } else { Some(command) };
        self.held.extend(held.map(|command| Held { command, line }));
        Ok(())
    }

    /// Whether so much waits that no more input is read.
    fn holds_enough(&self) -> bool {
        self.held.len() >= HELD_MAX || self.held.iter().map(text_bytes).sum::<usize>() >= HELD_TEXT_BYTES_MAX
    }

    /// Says goodbye when there is nothing more to do.
    pub(super) fn leave_if_done(&mut self) -> Result<(), Failure> {
        if matches!(self.stage, Stage::Quitting | Stage::Over) {
            return self.leave();
        }
        if self.signals.stop.is_asked() {
            self.quit();
            return self.leave();
        }
        if !self.input_ended || self.stay {
            return Ok(());
        }
        let registering = self.stage == Stage::Registering;
        if registering && self.lost.is_none() && !self.console.is_interactive() {
            // The answer has a time-out of its own, for which a person need not wait. The others have theirs after it.
            self.interrupt_linger();
            return Ok(());
        }
        let has_told_all = self.console.is_interactive() || !self.keeping.holds_up();
        if self.console.is_interactive() || !registering && self.open_requests() == 0 && has_told_all {
            // What is not shown when we quit counts as never received. The output tells when it is.
            if self.has_shown_all() || self.console.leaves_at_once() {
                self.ask_before_leaving()?;
                self.quit();
                return self.leave();
            }
            return Ok(());
        }
        if self.is_held_up() {
            // The answers may be there, and nobody reads them: that is not the server's time.
            self.linger_anew();
            return Ok(());
        }
        let until =
            *self.linger_until.get_or_insert_with(|| Instant::now() + self.linger_left.take().unwrap_or(self.linger));
        if until > Instant::now() {
            return Ok(());
        }
        Err(match self.lost.take() {
            Some(Lost { why, .. }) => Failure::Closed { closed: why, address: self.address() },
            None => self.not_answered_in_time(),
        })
    }

    /// The time for answers begins anew when they are waited for next.
    pub(super) const fn linger_anew(&mut self) {
        (self.linger_until, self.linger_left) = (None, None);
    }

    /// The time for answers stands still until they are waited for next.
    fn interrupt_linger(&mut self) {
        let Some(until) = self.linger_until.take() else { return };
        self.linger_left = Some(until.saturating_duration_since(Instant::now()));
    }

    /// Messages whose sender waits for an answer.
    pub(super) fn open_messages(&self) -> usize {
        self.requests.messages() + self.held.iter().filter(|held| is_message(held)).count() + self.unanswered
    }

    pub(super) fn open_requests(&self) -> usize {
        self.requests.open() + self.held.len()
    }
}
