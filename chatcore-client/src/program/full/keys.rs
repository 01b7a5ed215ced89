//! What a terminal sends, as keys: sequences are taken whole, or are nothing.
//!
//! A terminal sends text, and control sequences for keys that have no text, for the mouse, and for its replies to what
//! programs ask. No part of a sequence is ever taken for text: who sits there has not typed it.

use std::time::{Duration, Instant};

use vte::{Params, Parser, Perform};

/// How long a sequence may take from its first byte to its last. After this an Esc is the key alone.
const SEQUENCE_TIME_MAX: Duration = Duration::from_millis(50);

/// Bytes of a paste, at the most. What follows until its end is dropped, and told.
pub(crate) const PASTE_BYTES_MAX: usize = 16 << 20;

const ESC: u8 = 0x1b;

/// One thing that somebody did at the terminal.
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
}

/// Reads what a terminal sends.
#[derive(Default)]
pub(crate) struct Keys {
    parser: Parser,
    reader: Reader,
    /// A sequence has begun, and has not ended.
    begun: Option<Instant>,
    /// An ESC came, and nothing after it.
    is_bare: bool,
    /// Bytes that still belong to a report of the mouse in its oldest form.
    mouse_bytes: u8,
}

/// What the parser tells.
#[derive(Default)]
struct Reader {
    keys: Vec<Key>,
    paste: Option<Paste>,
    /// The sequence is over.
    is_over: bool,
    /// `ESC O` came: the next character names a key.
    is_ss3: bool,
    /// The report of the mouse goes on, with three bytes that are no text.
    is_old_mouse: bool,
}

#[derive(Default)]
struct Paste {
    text: String,
    is_too_long: bool,
    /// The last was a `\r`, so that a `\n` belongs to it.
    is_after_cr: bool,
}

impl Keys {
    /// Reads bytes that came now.
    pub(crate) fn read(&mut self, now: Instant, bytes: &[u8]) -> Vec<Key> {
        self.give_up(now);
        for &byte in bytes {
            self.read_byte(now, byte);
        }
        std::mem::take(&mut self.reader.keys)
    }

    /// When an unfinished sequence is given up.
    pub(crate) fn timeout(&self) -> Option<Instant> {
        self.begun.map(|begun| begun + SEQUENCE_TIME_MAX)
    }

    /// Gives up what is due.
    pub(crate) fn handle_timeout(&mut self, now: Instant) -> Vec<Key> {
        self.give_up(now);
        std::mem::take(&mut self.reader.keys)
    }

    fn give_up(&mut self, now: Instant) {
        if self.timeout().is_some_and(|due| due <= now) {
            if self.is_bare {
                self.reader.key(Key::Esc);
            } else if self.reader.is_ss3 {
                self.reader.key(Key::Alt('O'));
            }
            self.end_sequence();
        }
    }

    fn end_sequence(&mut self) {
        (self.parser, self.begun, self.is_bare, self.mouse_bytes) = (Parser::new(), None, false, 0);
        (self.reader.is_ss3, self.reader.is_old_mouse) = (false, false);
    }

    fn read_byte(&mut self, now: Instant, byte: u8) {
        if self.mouse_bytes > 0 {
            self.mouse_bytes -= 1;
            if self.mouse_bytes == 0 {
                self.begun = None;
            }
            return;
        }
        if self.is_bare && self.after_escape(byte) {
            return;
        }
        self.is_bare = byte == ESC;
        if byte == ESC {
            self.begun = Some(now);
        }
        self.reader.is_over = false;
        self.parser.advance(&mut self.reader, &[byte]);
        if std::mem::take(&mut self.reader.is_old_mouse) {
            self.mouse_bytes = 3;
        } else if self.reader.is_over {
            self.begun = None;
        }
    }

    /// Alt with a key that begins no sequence. True if that was it.
    fn after_escape(&mut self, byte: u8) -> bool {
        let key = match byte {
            b'\r' | b'\n' => Key::NewLine,
            0x7f | 0x08 => Key::BackspaceWord,
            ESC => Key::Esc,
            b'\t' => Key::Tab,
            0..0x20 => Key::Ctrl(char::from(byte | 0x60)),
            _ => return false,
        };
        self.end_sequence();
        self.reader.key(key);
        if byte == ESC {
            // The second may begin a sequence.
            return false;
        }
        true
    }
}

impl Reader {
    fn key(&mut self, key: Key) {
        if self.paste.is_none() {
            self.keys.push(key);
        }
    }
}

impl Paste {
    fn push(&mut self, c: char) {
        if self.text.len() + c.len_utf8() > PASTE_BYTES_MAX {
            (self.is_too_long, self.text) = (true, String::new());
        }
        if !self.is_too_long {
            self.text.push(c);
        }
    }
}

impl Perform for Reader {
    fn print(&mut self, c: char) {
        self.is_over = true;
        if let Some(paste) = &mut self.paste {
            paste.is_after_cr = false;
            paste.push(c);
        } else if std::mem::take(&mut self.is_ss3) {
            self.keys.extend(named(c, 1));
        } else if c == '\u{7f}' {
            self.keys.push(Key::Backspace);
        } else {
            self.keys.push(Key::Char(c));
        }
    }

    fn execute(&mut self, byte: u8) {
        if let Some(paste) = &mut self.paste {
            let is_after_cr = std::mem::replace(&mut paste.is_after_cr, byte == b'\r');
            match byte {
                b'\n' if is_after_cr => {}
                b'\r' | b'\n' => paste.push('\n'),
                b'\t' => paste.push('\t'),
                // No other control is text.
                _ => {}
            }
            return;
        }
        // CAN and SUB end a sequence.
        self.is_over |= matches!(byte, 0x18 | 0x1a);
        self.keys.push(match byte {
            b'\r' => Key::Enter,
            // Ctrl-J, which terminals without Alt-Enter have.
            b'\n' => Key::NewLine,
            b'\t' => Key::Tab,
            0x08 => Key::BackspaceWord,
            0 => Key::Ctrl('@'),
            1..=0x1a => Key::Ctrl(char::from(byte | 0x60)),
            0x1c..0x20 => Key::Ctrl(char::from(byte | 0x40)),
            // C1 controls are nobody's keys.
            _ => return,
        });
    }

    fn esc_dispatch(&mut self, intermediates: &[u8], _ignore: bool, byte: u8) {
        if !intermediates.is_empty() || self.paste.is_some() {
            self.is_over = true;
        } else if byte == b'O' {
            self.is_ss3 = true;
        } else {
            self.is_over = true;
            // The end of a string, which was nothing.
            if byte != b'\\' {
                self.keys.push(Key::Alt(char::from(byte)));
            }
        }
    }

    fn osc_dispatch(&mut self, _params: &[&[u8]], _bell_terminated: bool) {
        self.is_over = true;
    }

    fn unhook(&mut self) {
        self.is_over = true;
    }

    fn csi_dispatch(&mut self, params: &Params, intermediates: &[u8], _ignore: bool, action: char) {
        self.is_over = true;
        let param = |index: usize| params.iter().nth(index).and_then(|param| param.first().copied());
        let (first, second) = (param(0).unwrap_or(0), param(1).unwrap_or(0));
        match (intermediates, action) {
            ([], '~') if first == 201 => match self.paste.take() {
                Some(Paste { is_too_long: true, .. }) => self.keys.push(Key::PasteTooLong),
                Some(paste) => self.keys.push(Key::Paste(paste.text)),
                None => {}
            },
            _ if self.paste.is_some() => {}
            ([], '~') if first == 200 => self.paste = Some(Paste::default()),
            // Keys with modifiers, where a terminal tells them.
            ([], '~') if first == 27 => self.keys.extend(spelled(param(2).unwrap_or(0), second)),
            ([], 'u') => self.keys.extend(spelled(first, second)),
            ([], '~') => self.keys.extend(numbered(first, second)),
            ([], 'M') if params.iter().all(|param| param == [0]) => (self.is_over, self.is_old_mouse) = (false, true),
            ([], 'I') => self.keys.push(Key::FocusGained),
            ([], 'O') => self.keys.push(Key::FocusLost),
            ([], _) => self.keys.extend(named(action, second)),
            ([b'<'], 'M') => {
                let (column, row) = (second.saturating_sub(1), param(2).unwrap_or(0).saturating_sub(1));
                self.keys.extend(match first & !0b1_1100 {
                    0 => Some(Key::Click { column, row }),
                    64 => Some(Key::ScrollUp { column, row }),
                    65 => Some(Key::ScrollDown { column, row }),
                    _ => None,
                });
            }
            _ => {}
        }
    }
}

/// Whether the parameter for modifiers of a key says Alt or Ctrl.
const fn has_alt_or_ctrl(modifiers: u16) -> bool {
    modifiers.saturating_sub(1) & 0b110 != 0
}

/// A key that is named by a letter.
fn named(letter: char, modifiers: u16) -> Option<Key> {
    let is_word = has_alt_or_ctrl(modifiers);
    Some(match letter {
        'A' if is_word => Key::Previous,
        'B' if is_word => Key::Next,
        'C' if is_word => Key::WordRight,
        'D' if is_word => Key::WordLeft,
        'A' => Key::Up,
        'B' => Key::Down,
        'C' => Key::Right,
        'D' => Key::Left,
        'H' => Key::Home,
        'F' => Key::End,
        'M' => Key::Enter,
        'Z' => Key::BackTab,
        'P'..='S' => Key::Function(letter as u8 - b'P' + 1),
        _ => return None,
    })
}

/// A key that is named by a number.
fn numbered(number: u16, modifiers: u16) -> Option<Key> {
    let is_word = has_alt_or_ctrl(modifiers);
    let function = |number| u8::try_from(number).ok().map(Key::Function);
    match number {
        1 | 7 => Some(Key::Home),
        3 if is_word => Some(Key::DeleteWord),
        3 => Some(Key::Delete),
        4 | 8 => Some(Key::End),
        5 if is_word => Some(Key::Previous),
        6 if is_word => Some(Key::Next),
        5 => Some(Key::PageUp),
        6 => Some(Key::PageDown),
        11..=15 => function(number - 10),
        17..=21 => function(number - 11),
        23 | 24 => function(number - 12),
        _ => None,
    }
}

/// A key that is named by its character, with what was held beside it.
fn spelled(character: u16, modifiers: u16) -> Option<Key> {
    let c = char::from_u32(character.into())?;
    let held = modifiers.saturating_sub(1);
    let (has_alt, has_ctrl) = (held & 0b10 != 0, held & 0b100 != 0);
    Some(match c {
        '\r' if held != 0 => Key::NewLine,
        '\r' => Key::Enter,
        '\t' if held & 1 != 0 => Key::BackTab,
        '\t' => Key::Tab,
        '\u{1b}' => Key::Esc,
        '\u{7f}' if has_alt || has_ctrl => Key::BackspaceWord,
        '\u{7f}' => Key::Backspace,
        c if c.is_control() => return None,
        c if has_ctrl => Key::Ctrl(c.to_ascii_lowercase()),
        c if has_alt => Key::Alt(c),
        c => Key::Char(c),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8]) -> Vec<Key> {
        let mut keys = Keys::default();
        let now = Instant::now();
        let mut read = keys.read(now, bytes);
        read.extend(keys.handle_timeout(now + SEQUENCE_TIME_MAX));
        read
    }

    fn typed(text: &str) -> Vec<Key> {
        text.chars().map(Key::Char).collect()
    }

    #[test]
    fn no_part_of_a_sequence_is_text() {
        let sequences: [&[u8]; 24] = [
            b"\x1b[<0;1;1m",
            b"\x1b[<35;12;9M",
            b"\x1b[M !!",
            b"\x1b[M\xff\xfe\xe2",
            b"\x1b[?1;2c",
            b"\x1b[>41;354;0c",
            b"\x1b[8;24;80t",
            b"\x1b[1;1R",
            b"\x1b[?997;1n",
            b"\x1b]11;rgb:0000/0000/0000\x07",
            b"\x1b]11;rgb:0000/0000/0000\x1b\\",
            b"\x1b]52;c;QGJvYjpzZWNyZXQ=\x07",
            b"\x1bP>|xterm(390)\x1b\\",
            b"\x1bP1+r544e=787465726d\x1b\\",
            b"\x1b_Gi=31;OK\x1b\\",
            b"\x1b^privacy\x1b\\",
            b"\x1bXstart\x1b\\",
            b"\x1b[99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99;99z",
            b"\x1b[1;2;3$y",
            b"\x1b[=5u",
            b"\x1b[200",
            b"\x1b[201~",
            b"\x1b[3;5;9y",
            b"\x1b[57358u",
        ];
        for sequence in sequences {
            let text = |keys: Vec<Key>| -> Vec<Key> {
                let is_text = |key: &Key| matches!(key, Key::Char(_) | Key::Paste(_) | Key::Enter | Key::Alt(_));
                keys.into_iter().filter(is_text).collect()
            };
            assert_eq!(text(read(sequence)), [], "{:?}", sequence.escape_ascii().to_string());
            // What is typed after it is all there, after it has ended, or after its time.
            let mut keys = Keys::default();
            let now = Instant::now();
            let mut all = keys.read(now, sequence);
            all.extend(keys.read(now + SEQUENCE_TIME_MAX, b"@bob:secret"));
            assert_eq!(text(all), typed("@bob:secret"), "{:?}", sequence.escape_ascii().to_string());
        }
    }

    #[test]
    fn keys_without_text_have_their_sequences() {
        let keys: [(&[u8], Key); 26] = [
            (b"\x1b[A", Key::Up),
            (b"\x1bOA", Key::Up),
            (b"\x1b[1;5C", Key::WordRight),
            (b"\x1b[1;3D", Key::WordLeft),
            (b"\x1b[1;2A", Key::Up),
            (b"\x1b[H", Key::Home),
            (b"\x1b[4~", Key::End),
            (b"\x1b[3~", Key::Delete),
            (b"\x1b[5~", Key::PageUp),
            (b"\x1b[6;5~", Key::Next),
            (b"\x1bOP", Key::Function(1)),
            (b"\x1b[15~", Key::Function(5)),
            (b"\x1b[24~", Key::Function(12)),
            (b"\x1b[Z", Key::BackTab),
            (b"\x1b\r", Key::NewLine),
            (b"\x1b[13;2u", Key::NewLine),
            (b"\x1b[27;5;13~", Key::NewLine),
            (b"\n", Key::NewLine),
            (b"\r", Key::Enter),
            (b"\x7f", Key::Backspace),
            (b"\x1b\x7f", Key::BackspaceWord),
            (b"\x1ba", Key::Alt('a')),
            (b"\x17", Key::Ctrl('w')),
            (b"\x1b", Key::Esc),
            (b"\x1b[<0;5;9M", Key::Click { column: 4, row: 8 }),
            (b"\x1b[<64;1;1M", Key::ScrollUp { column: 0, row: 0 }),
        ];
        for (bytes, key) in keys {
            assert_eq!(read(bytes), [key], "{:?}", bytes.escape_ascii().to_string());
        }
    }

    #[test]
    fn an_escape_is_a_key_when_nothing_follows_in_time() {
        let (mut keys, now) = (Keys::default(), Instant::now());
        assert_eq!(keys.read(now, b"\x1b"), []);
        assert_eq!(keys.timeout(), Some(now + SEQUENCE_TIME_MAX));
        assert_eq!(keys.handle_timeout(now + SEQUENCE_TIME_MAX), [Key::Esc]);
        assert_eq!(keys.timeout(), None);
        assert_eq!(keys.read(now, b"\x1b\x1b[A"), [Key::Esc, Key::Up]);
        // What begins a long sequence, and ends in time, is one key after it.
        for start in [b"\x1b]".as_slice(), b"\x1b[", b"\x1bP"] {
            assert_eq!(keys.read(now, start), []);
            assert_eq!(keys.read(now + SEQUENCE_TIME_MAX, b"x"), [Key::Char('x')]);
        }
    }

    #[test]
    fn what_is_no_text_ends_nothing() {
        let shown: String = read(b"a\xff\xed\xa0\x80b")
            .into_iter()
            .map(|key| if let Key::Char(c) = key { c } else { unreachable!("{key:?}") })
            .collect();
        assert!(shown.starts_with("a\u{fffd}") && shown.ends_with("\u{fffd}b"), "{shown}");
        assert_eq!(read("é🚀".as_bytes()), typed("é🚀"));
    }

    #[test]
    fn a_paste_is_one_block_whatever_is_in_it() {
        assert_eq!(read(b"\x1b[200~a\r\nb\rc\td\x1b[31m\x07\x1b[201~"), [Key::Paste("a\nb\nc\td".into())]);
        assert_eq!(read(b"\x1b[200~/quit\r"), [], "it has not ended");
        let long = [b"\x1b[200~".as_slice(), &vec![b'x'; PASTE_BYTES_MAX + 1], b"\x1b[201~y"].concat();
        assert_eq!(read(&long), [Key::PasteTooLong, Key::Char('y')]);
    }

    proptest! {
        #[test]
        fn keys_are_the_same_in_whatever_pieces(
            bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(ESC), b'0'..=b'~'], 0..200),
            cut in 0usize..200,
        ) {
            let (mut keys, now) = (Keys::default(), Instant::now());
            let (head, tail) = bytes.split_at(cut.min(bytes.len()));
            let pieces = [keys.read(now, head), keys.read(now, tail)].concat();
            prop_assert_eq!(pieces, Keys::default().read(now, &bytes));
        }
    }
}
