//! What a terminal sends, as keys: sequences are taken whole, or are nothing.
//!
//! A terminal sends text, and control sequences for keys that have no text, for the mouse, and for its replies to what
//! programs ask. No part of a sequence is ever taken for text: who sits there has not typed it.
//!
//! This is a machine of its own, and not a parser of what programs send to terminals. The other direction has forms
//! that such a parser takes apart: `ESC O 2 P`, `CSI [ A`, three bytes of any value after `CSI M`, Alt with a character
//! of several bytes, and a time after which an unfinished sequence is a key.

mod late;
mod named;
mod paste;
#[cfg(test)]
mod sequences;
#[cfg(test)]
pub(crate) mod tests;

use std::time::{Duration, Instant};

use self::late::GivenUp;
use self::paste::Paste;
pub(crate) use self::paste::{PASTE_BYTES_MAX, PASTE_SILENCE_MAX};

/// How long a terminal takes at most from the beginning of a sequence to what tells that it is one. After this time an
/// Esc is the key alone, and so is Alt with a key that could begin a sequence.
const BEGINNING_TIME_MAX: Duration = Duration::from_millis(50);

/// How long the next byte of a sequence may take that is certainly one, or that begins as most do. A network may be
/// slow: TCP alone waits 200 ms until it sends something again.
const SEQUENCE_TIME_MAX: Duration = Duration::from_secs(1);

/// Bytes of a control sequence that are kept. A longer one is taken whole all the same, and is nothing.
const SEQUENCE_BYTES_MAX: usize = 64;

const ESC: u8 = 0x1b;
const CAN: u8 = 0x18;
const SUB: u8 = 0x1a;
const BEL: u8 = 0x07;

/// One thing that somebody did at the terminal, or that the terminal was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// A character that was typed.
    Char(char),
    /// With Alt.
    Alt(char),
    /// With Ctrl: a letter in lower case, or one of `@[\]^_`.
    Ctrl(char),
    Enter,
    /// Enter that makes a new line: with Alt or Shift.
    NewLine,
    Tab,
    BackTab,
    Backspace,
    /// With Alt or Ctrl.
    BackspaceWord,
    Delete,
    DeleteWord,
    Esc,
    Up,
    Down,
    Left,
    Right,
    /// With Ctrl or Alt.
    WordLeft,
    WordRight,
    /// With Ctrl or Alt.
    Previous,
    Next,
    Home,
    End,
    PageUp,
    PageDown,
    /// From 1.
    Function(u8),
    /// Text that was put in as a block. Lines end with `\n`.
    Paste(String),
    /// A block of more than [`PASTE_BYTES_MAX`], which is dropped.
    PasteTooLong,
    /// The first button was pressed there, from 0.
    Click {
        column: u16,
        row: u16,
    },
    ScrollUp {
        column: u16,
        row: u16,
    },
    ScrollDown {
        column: u16,
        row: u16,
    },
    FocusGained,
    FocusLost,
    /// The terminal draws text on this colour: red, green and blue.
    Background([u8; 3]),
}

/// Reads what a terminal sends.
#[derive(Default)]
pub(crate) struct Keys {
    state: State,
    /// When the last byte came, if what it belongs to is not over.
    waits_since: Option<Instant>,
    /// What was given up last, until something else comes.
    given_up: Option<GivenUp>,
    paste: Option<Paste>,
    /// When a paste was ended that the terminal has not ended.
    cut_paste_at: Option<Instant>,
    /// Backspace sends `^H`, as it does on some terminals.
    backspace_is_ctrl_h: bool,
    read: Vec<Key>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Text,
    /// The first bytes of a character.
    Character {
        begun: Bytes,
        has_alt: bool,
    },
    Escape,
    /// `ESC` and one of the characters from blank to `/`.
    Intermediate(u8),
    /// `CSI`, and what follows it.
    Control(Bytes),
    /// `ESC O`, and what follows it.
    Third(Bytes),
    /// `CSI [`, after which the Linux console names a function key.
    Console,
    /// `CSI M`, after which the mouse tells its button, column and row, or a form that is like this. Each number is a
    /// byte, or a character of two bytes.
    Mouse {
        left: u8,
        has_lead: bool,
    },
    /// A string, up to its end. An ESC came in it if `is_ending`.
    String {
        introducer: u8,
        begun: Bytes,
        has_eight_bits: bool,
        is_ending: bool,
    },
}

/// The first bytes of something, and whether there were more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bytes {
    kept: [u8; SEQUENCE_BYTES_MAX],
    len: usize,
    is_too_long: bool,
}

impl Default for Bytes {
    fn default() -> Self {
        Self { kept: [0; SEQUENCE_BYTES_MAX], len: 0, is_too_long: false }
    }
}

impl Bytes {
    fn with(mut self, byte: u8) -> Self {
        match self.kept.get_mut(self.len) {
            Some(place) => (*place, self.len) = (byte, self.len + 1),
            None => self.is_too_long = true,
        }
        self
    }

    fn get(&self) -> &[u8] {
        &self.kept[..self.len]
    }

    /// What follows `CSI` is a key of urxvt with Shift, which has no other end: a number and a dollar sign.
    fn is_whole(&self) -> bool {
        let number = self.get().strip_suffix(b"$");
        number.is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
    }
}

impl Keys {
    /// As the terminal's settings say, which know what Backspace sends.
    pub(crate) fn new(backspace_is_ctrl_h: bool) -> Self {
        Self { backspace_is_ctrl_h, ..Self::default() }
    }

    /// Reads bytes that came at that time.
    pub(crate) fn read(&mut self, at: Instant, bytes: &[u8]) -> Vec<Key> {
        self.give_up(at);
        if let Some(state) = self.given_up.take().and_then(|given_up| given_up.resumed(at, bytes)) {
            self.state = state;
        }
        if self.cut_paste_at.take().is_some_and(|cut| paste::is_rest(at.saturating_duration_since(cut), bytes)) {
            self.paste.get_or_insert_default();
        }
        for &byte in bytes {
            self.take(byte);
        }
        let waits = !matches!(self.state, State::Text | State::Character { .. });
        self.waits_since = waits.then_some(at);
        if let Some(paste) = &mut self.paste {
            paste.grown_at = Some(at);
        }
        std::mem::take(&mut self.read)
    }

    /// The bytes of a paste that is not over.
    pub(crate) fn pasted_bytes(&self) -> Option<usize> {
        self.paste.as_ref().map(Paste::bytes)
    }

    /// When something unfinished is given up.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        let sequence = self.waits_since.map(|since| since + self.state.patience());
        let paste = self.paste.as_ref().and_then(Paste::timeout);
        sequence.into_iter().chain(paste).min()
    }

    /// Gives up what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Key> {
        self.give_up(now);
        std::mem::take(&mut self.read)
    }

    fn give_up(&mut self, now: Instant) {
        if self.waits_since.is_some_and(|since| since + self.state.patience() <= now) {
            self.waits_since = None;
            let state = std::mem::take(&mut self.state);
            self.press(state.alone());
            self.given_up = GivenUp::new(state, now);
        }
        if self.paste.as_ref().and_then(Paste::timeout).is_some_and(|due| due <= now) {
            // Whatever was begun in it is no text.
            (self.state, self.waits_since, self.given_up) = (State::Text, None, None);
            self.cut_paste_at = Some(now);
            self.end_paste();
        }
    }

    fn end_paste(&mut self) {
        self.read.extend(self.paste.take().map(Paste::key));
    }

    /// In a paste there are no keys.
    fn press(&mut self, key: impl IntoIterator<Item = Key>) {
        if self.paste.is_none() {
            self.read.extend(key);
        }
    }

    fn take(&mut self, byte: u8) {
        let state = std::mem::take(&mut self.state);
        self.state = match state {
            State::Character { begun, has_alt } => self.character(begun.with(byte), has_alt),
            State::Escape => self.after_escape(byte),
            State::Intermediate(_) if (b'0'..0x7f).contains(&byte) => State::Text,
            State::Control(begun) => self.control_sequence(begun, byte),
            State::Third(begun) => self.third_set(begun, byte),
            State::Console if byte.is_ascii_graphic() => {
                self.press(named::of_console(byte));
                State::Text
            }
            State::Mouse { left, has_lead } => self.mouse(left, has_lead, byte),
            State::String { introducer, begun, has_eight_bits, is_ending } => {
                self.string(introducer, begun, has_eight_bits, is_ending, byte)
            }
            // It was no sequence, or there is none.
            State::Text | State::Intermediate(_) | State::Console => self.text(byte, false),
        };
    }

    /// A byte that belongs to nothing before it.
    fn text(&mut self, byte: u8, has_alt: bool) -> State {
        match byte {
            ESC => return State::Escape,
            0x08 if self.paste.is_none() && self.backspace_is_ctrl_h => self.press(Some(Key::Backspace)),
            0..0x20 | 0x7f if self.paste.is_none() => self.press(control(byte)),
            0..0x80 => self.print(char::from(byte), has_alt),
            0x80..0xa0 => return self.eight_bits(byte),
            0xc2..=0xf4 => return State::Character { begun: Bytes::default().with(byte), has_alt },
            _ => self.print(char::REPLACEMENT_CHARACTER, has_alt),
        }
        State::Text
    }

    fn print(&mut self, c: char, has_alt: bool) {
        match &mut self.paste {
            Some(paste) => paste.push(c),
            None if has_alt => self.read.push(Key::Alt(c)),
            None => self.read.push(Key::Char(c)),
        }
    }

    fn character(&mut self, begun: Bytes, has_alt: bool) -> State {
        match std::str::from_utf8(begun.get()) {
            Ok(text) => match text.chars().next() {
                // A terminal may spell controls of eight bits like this.
                Some(c @ '\u{80}'..'\u{a0}') => return self.eight_bits(c as u8),
                c => c.into_iter().for_each(|c| self.print(c, has_alt)),
            },
            Err(error) if error.error_len().is_none() => return State::Character { begun, has_alt },
            Err(_) => {
                self.print(char::REPLACEMENT_CHARACTER, has_alt);
                // What broke it may be something of its own.
                return begun.get().last().map_or(State::Text, |last| self.text(*last, false));
            }
        }
        State::Text
    }

    /// A control that some terminals send in place of `ESC` and a character.
    fn eight_bits(&mut self, byte: u8) -> State {
        let introducer = byte - 0x40;
        if self.paste.is_none()
            && let Some(state) = introduced(introducer, true)
        {
            return state;
        }
        self.print(char::REPLACEMENT_CHARACTER, false);
        State::Text
    }

    fn after_escape(&mut self, byte: u8) -> State {
        if self.paste.is_some() {
            // Nothing is looked for but its end.
            return if byte == b'[' { State::Control(Bytes::default()) } else { self.text(byte, false) };
        }
        if let Some(state) = introduced(byte, false) {
            return state;
        }
        match byte {
            ESC => {
                self.read.push(Key::Esc);
                return State::Escape;
            }
            b'\r' | b'\n' => self.read.push(Key::NewLine),
            0x7f | 0x08 => self.read.push(Key::BackspaceWord),
            b' '..=b'/' => return State::Intermediate(byte),
            // The end of a string that was nothing.
            b'\\' => {}
            _ => return self.text(byte, true),
        }
        State::Text
    }

    fn control_sequence(&mut self, begun: Bytes, byte: u8) -> State {
        match byte {
            b' '..=b'?' => return State::Control(begun.with(byte)),
            b'@'..=b'~' if begun.is_too_long => {}
            b'[' if begun.len == 0 => return State::Console,
            b'M' if begun.len == 0 => return State::Mouse { left: 3, has_lead: false },
            // What is marked with the mouse: where it ends, or the corners and where the mouse is.
            b't' if begun.len == 0 => return State::Mouse { left: 2, has_lead: false },
            b'T' if begun.len == 0 => return State::Mouse { left: 6, has_lead: false },
            b'~' if begun.get() == b"200" => {
                self.paste.get_or_insert_default();
            }
            b'~' if begun.get() == b"201" => self.end_paste(),
            b'@'..=b'~' => self.press(named::of_control_sequence(begun.get(), byte)),
            // CAN and SUB end a sequence.
            CAN | SUB => {}
            _ => return self.interrupted(State::Control(begun), byte),
        }
        State::Text
    }

    /// Something else comes in a sequence: what was begun may have been a key.
    fn interrupted(&mut self, begun: State, byte: u8) -> State {
        self.press(begun.alone());
        self.text(byte, false)
    }

    fn third_set(&mut self, begun: Bytes, byte: u8) -> State {
        match byte {
            // Older terminals put the modifiers here.
            b'0'..=b'9' | b';' => return State::Third(begun.with(byte)),
            b' '..=b'~' if !begun.is_too_long => self.press(named::of_third_set(begun.get(), byte)),
            b' '..=b'~' | CAN | SUB => {}
            _ => return self.interrupted(State::Third(begun), byte),
        }
        State::Text
    }

    fn mouse(&mut self, left: u8, has_lead: bool, byte: u8) -> State {
        match byte {
            // The second byte of a character.
            0x80..0xc0 if has_lead && left == 0 => State::Text,
            0x80..0xc0 if has_lead => State::Mouse { left, has_lead: false },
            // Nothing that the mouse tells is below a blank.
            0..0x20 => self.text(byte, false),
            _ if left == 0 => self.text(byte, false),
            0xc2..0xe0 => State::Mouse { left: left - 1, has_lead: true },
            _ if left == 1 => State::Text,
            _ => State::Mouse { left: left - 1, has_lead: false },
        }
    }

    fn string(&mut self, introducer: u8, begun: Bytes, has_eight_bits: bool, is_ending: bool, byte: u8) -> State {
        match byte {
            b'\\' if is_ending => self.end_string(introducer, begun),
            ESC => return State::String { introducer, begun, has_eight_bits, is_ending: true },
            _ if is_ending => return self.after_escape(byte),
            BEL if introducer == b']' => self.end_string(introducer, begun),
            0x9c if has_eight_bits => self.end_string(introducer, begun),
            CAN | SUB => {}
            _ => return State::String { introducer, begun: begun.with(byte), has_eight_bits, is_ending: false },
        }
        State::Text
    }

    fn end_string(&mut self, introducer: u8, begun: Bytes) {
        if introducer == b']' && !begun.is_too_long {
            self.press(named::of_string(begun.get()));
        }
    }
}

impl State {
    /// How long the next byte may take.
    fn patience(&self) -> Duration {
        match self {
            Self::Control(begun) if begun.is_whole() => BEGINNING_TIME_MAX,
            // Alt-[ and Alt-O do nothing, unless somebody gives them something to do.
            Self::Control(_) | Self::Third(_) | Self::Console | Self::Mouse { .. } => SEQUENCE_TIME_MAX,
            Self::String { begun, is_ending, .. } if begun.len > 0 || *is_ending => SEQUENCE_TIME_MAX,
            _ => BEGINNING_TIME_MAX,
        }
    }

    /// The key that it was if nothing follows.
    fn alone(&self) -> Option<Key> {
        match self {
            Self::Escape => Some(Key::Esc),
            Self::Intermediate(byte) => Some(Key::Alt(char::from(*byte))),
            Self::Control(begun) if begun.len == 0 => Some(Key::Alt('[')),
            Self::Third(begun) if begun.len == 0 => Some(Key::Alt('O')),
            Self::String { introducer, begun, has_eight_bits: false, is_ending: false } if begun.len == 0 => {
                Some(Key::Alt(char::from(*introducer)))
            }
            _ => None,
        }
    }
}

/// What `ESC` and this character begin.
fn introduced(introducer: u8, has_eight_bits: bool) -> Option<State> {
    Some(match introducer {
        b'[' => State::Control(Bytes::default()),
        b'O' => State::Third(Bytes::default()),
        b'P' | b'X' | b']' | b'^' | b'_' => {
            State::String { introducer, begun: Bytes::default(), has_eight_bits, is_ending: false }
        }
        _ => return None,
    })
}

/// The key of a control character.
fn control(byte: u8) -> Option<Key> {
    Some(match byte {
        b'\r' => Key::Enter,
        // Ctrl-J, which terminals without Alt-Enter have.
        b'\n' => Key::NewLine,
        b'\t' => Key::Tab,
        0x08 => Key::BackspaceWord,
        0x7f => Key::Backspace,
        0 => Key::Ctrl('@'),
        1..=0x1a => Key::Ctrl(char::from(byte | 0x60)),
        0x1c..0x20 => Key::Ctrl(char::from(byte | 0x40)),
        _ => return None,
    })
}
