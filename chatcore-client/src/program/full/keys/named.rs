//! Which key a sequence stands for. What is none of these is no key, and never text.

use super::Key;

/// Ends what is put in as a block.
pub(super) const PASTE_END: &[u8] = b"\x1b[201~";

/// The parameters of a control sequence: numbers, each with those that follow it after a colon.
struct Parameters<'a>(Vec<&'a str>);

impl<'a> Parameters<'a> {
    fn of(text: &'a str) -> Self {
        Self(text.split(';').collect())
    }

    /// None if it is left out, or is no number that a key can have.
    fn get(&self, index: usize, part: usize) -> Option<u32> {
        self.0.get(index)?.split(':').nth(part)?.parse().ok()
    }

    fn len(&self) -> usize {
        self.0.len()
    }

    /// What was held beside the key: the bits are those of xterm, which adds 1 to them.
    fn held(&self, index: usize) -> u32 {
        self.get(index, 0).unwrap_or(1).saturating_sub(1)
    }

    /// The key was let go.
    fn is_release(&self, index: usize) -> bool {
        self.get(index, 1) == Some(3)
    }
}

const SHIFT: u32 = 0b1;
const ALT: u32 = 0b10;
const CTRL: u32 = 0b100;

/// Super, Hyper and Meta, whose keys are not ours.
const OTHERS: u32 = 0b11_1000;

/// What follows `CSI`, and the byte that ends it.
pub(super) fn of_control_sequence(begun: &[u8], end: u8) -> Option<Key> {
    let text = std::str::from_utf8(begun).ok()?;
    if let Some(text) = text.strip_prefix('<') {
        let parameters = Parameters::of(text);
        let button = parameters.get(0, 0)?;
        return if end == b'M' { of_mouse(button, &parameters) } else { None };
    }
    if text.contains(|c: char| !c.is_ascii_digit() && !matches!(c, ';' | ':')) {
        return None;
    }
    let parameters = Parameters::of(text);
    match end {
        // The mouse, as urxvt spells it.
        b'M' => of_mouse(parameters.get(0, 0)?.checked_sub(32)?, &parameters),
        b'I' if text.is_empty() => Some(Key::FocusGained),
        b'O' if text.is_empty() => Some(Key::FocusLost),
        b'u' => of_character(&parameters, 0, 1),
        b'~' if parameters.get(0, 0) == Some(27) => of_character(&parameters, 2, 1),
        b'~' if parameters.len() <= 2 && !parameters.is_release(1) => {
            of_number(parameters.get(0, 0)?, parameters.held(1))
        }
        _ if parameters.len() > 2 || parameters.is_release(1) => None,
        _ if text.is_empty() || parameters.get(0, 0) == Some(1) => of_letter(end, parameters.held(1)),
        _ => None,
    }
}

/// What follows `ESC O`, and the byte that ends it.
pub(super) fn of_third_set(begun: &[u8], end: u8) -> Option<Key> {
    let parameters = Parameters::of(std::str::from_utf8(begun).ok()?);
    let held = parameters.held(parameters.len() - 1);
    match end {
        b'M' => Some(Key::Enter),
        b'I' => Some(Key::Tab),
        b' ' => Some(Key::Char(' ')),
        b'X' => Some(Key::Char('=')),
        // The block of digits.
        b'j'..=b'y' => Some(Key::Char(char::from(end - 0x40))),
        _ => of_letter(end, held),
    }
}

/// What follows `OSC`. Of all that terminals tell in this form, only the background's colour was asked for.
pub(super) fn of_string(text: &[u8]) -> Option<Key> {
    let colour = std::str::from_utf8(text).ok()?.strip_prefix("11;")?;
    let parts = if let Some(digits) = colour.strip_prefix('#') {
        let length = digits.len() / 3;
        let part = |nth| digits.get(nth * length..(nth + 1) * length);
        [part(0)?, part(1)?, part(2)?]
    } else {
        let mut parts = colour.strip_prefix("rgb:").or(colour.strip_prefix("rgba:"))?.split('/');
        [parts.next()?, parts.next()?, parts.next()?]
    };
    let [red, green, blue] = parts.map(of_hex_digits);
    Some(Key::Background([red?, green?, blue?]))
}

/// A part of a colour with one to four digits, as if it had two.
fn of_hex_digits(digits: &str) -> Option<u8> {
    let value = u32::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))?;
    let value_max = match digits.len() {
        length @ 1..=4 => (1 << (4 * length)) - 1,
        _ => return None,
    };
    u8::try_from(value * 255 / value_max).ok()
}

/// What follows `CSI [`.
pub(super) fn of_console(byte: u8) -> Option<Key> {
    matches!(byte, b'A'..=b'E').then(|| Key::Function(byte - b'A' + 1))
}

fn of_mouse(button: u32, parameters: &Parameters<'_>) -> Option<Key> {
    let place = |index| u16::try_from(parameters.get(index, 0)?.saturating_sub(1)).ok();
    let (column, row) = (place(1)?, place(2)?);
    // Shift, Alt and Ctrl do not matter.
    match button & !0b1_1100 {
        0 => Some(Key::Click { column, row }),
        64 => Some(Key::ScrollUp { column, row }),
        65 => Some(Key::ScrollDown { column, row }),
        _ => None,
    }
}

fn of_letter(letter: u8, held: u32) -> Option<Key> {
    let is_word = held & (ALT | CTRL) != 0;
    Some(match letter {
        b'A' if is_word => Key::Previous,
        b'B' if is_word => Key::Next,
        b'C' if is_word => Key::WordRight,
        b'D' if is_word => Key::WordLeft,
        b'A' => Key::Up,
        b'B' => Key::Down,
        b'C' => Key::Right,
        b'D' => Key::Left,
        b'H' => Key::Home,
        b'F' => Key::End,
        b'Z' => Key::BackTab,
        // Those of urxvt with Ctrl.
        b'a' => Key::Previous,
        b'b' => Key::Next,
        b'c' => Key::WordRight,
        b'd' => Key::WordLeft,
        b'P'..=b'S' => Key::Function(letter - b'P' + 1),
        _ => return None,
    })
}

fn of_number(number: u32, held: u32) -> Option<Key> {
    let is_word = held & (ALT | CTRL) != 0;
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

/// A key that is named by its character: `CSI u` of xterm and kitty, and `CSI 27 ~` of xterm.
fn of_character(parameters: &Parameters<'_>, at: usize, modifiers_at: usize) -> Option<Key> {
    let held = parameters.held(modifiers_at);
    if held & OTHERS != 0 || parameters.is_release(modifiers_at) {
        return None;
    }
    let is_kitty = at == 0;
    // What it types, what it is with Shift, or what it is.
    let typed = parameters.get(2, 0).filter(|_| is_kitty);
    let shifted = parameters.get(0, 1).filter(|_| is_kitty && held & SHIFT != 0);
    let code = typed.or(shifted).or(parameters.get(at, 0))?;
    let (has_alt, has_ctrl) = (held & ALT != 0, held & CTRL != 0);
    Some(match char::from_u32(of_digits(code)?)? {
        '\r' if held & (SHIFT | ALT | CTRL) != 0 => Key::NewLine,
        '\r' => Key::Enter,
        '\t' if held & SHIFT != 0 => Key::BackTab,
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

/// The block of digits has codes of its own, and so have keys that type nothing.
fn of_digits(code: u32) -> Option<u32> {
    match code {
        57399..=57408 => Some(code - 57399 + u32::from(b'0')),
        57414 => Some(u32::from(b'\r')),
        57344..=63743 => None,
        code => Some(code),
    }
}
