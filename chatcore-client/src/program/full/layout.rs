//! What was said as rows: who said it, when, and what became of it.

use std::ops::Range;

use ratatui::style::{Modifier, Style};

use super::background::Background;
use super::clock::Clock;
use super::colours::Colours;
use super::conversation::{Conversation, Entry, Fate};
use super::text::{BodyRow, Row, body_rows, boundary, find_all, line, name_rows, told_rows, width};
use crate::program::report::more_bytes;

/// Columns that have the program's signs. No message is ever drawn there.
pub(crate) const SIGN_COLUMNS: u16 = 2;

/// The sign of what the program says.
pub(crate) const PROGRAM_SIGN: &str = "—";

/// The sign of a message that names us.
const MENTION_SIGN: &str = "»";

/// Columns of the time and the blank after it.
const TIME_COLUMNS: u16 = 6;

/// Columns of messages, at the least, so that there is room for the time.
const TIMED_COLUMNS_MIN: u16 = 50;

/// Columns of a sender's name, at the least and at the most.
const SENDER_COLUMNS: (u16, u16) = (6, 14);

/// Columns of what became of a message, with the blanks beside it.
const FATE_COLUMNS: u16 = 3;

/// By how much rows are indented that go on with a line, if there is room.
const INDENT_COLUMNS: u16 = 2;

/// Columns of a text, at the least, so that there is room to indent.
const INDENTED_COLUMNS_MIN: u16 = 16;

/// Rows of a message that is folded.
const FOLDED_ROWS: usize = 10;

/// Rows that a fold hides, at the least. To hide fewer saves nothing.
const HIDDEN_ROWS_MIN: usize = 3;

/// Bytes of a message that are looked at before it is folded.
const FOLDED_BYTES: usize = 4 << 10;

/// Rows of a message that is shown whole, at the most.
const ROWS_MAX: usize = 10_000;

/// Bytes of a message that is shown whole, at the most: several times what servers allow, unless they are told
/// otherwise. Each picture is made of all of them.
const UNFOLDED_BYTES: usize = 256 << 10;

/// By how many times a text may be longer than the same in lower case, at the most.
const CASE_BYTES_MAX: usize = 4;

/// Which columns have what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Columns {
    pub(crate) width: u16,
    /// Where the sender begins.
    pub(crate) sender_at: u16,
    pub(crate) sender: u16,
    pub(crate) text_at: u16,
    pub(crate) text: u16,
}

impl Columns {
    pub(crate) fn of(width: u16) -> Self {
        let time = if width >= TIMED_COLUMNS_MIN { TIME_COLUMNS } else { 0 };
        let sender = (width / 6).clamp(SENDER_COLUMNS.0, SENDER_COLUMNS.1);
        let sender_at = SIGN_COLUMNS + time;
        let text_at = sender_at + sender + FATE_COLUMNS;
        Self { width, sender_at, sender, text_at, text: width.saturating_sub(text_at) }
    }

    fn has_time(&self) -> bool {
        self.sender_at > SIGN_COLUMNS
    }

    fn indent(&self) -> u16 {
        if self.text >= INDENTED_COLUMNS_MIN { INDENT_COLUMNS } else { 0 }
    }
}

/// One row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// What the program says, right of its sign.
    Program { text: Row, style: Style, is_first: bool, indent: u16 },
    /// Who said what is in the rows below, if the name has no room beside it.
    Sender { head: Head },
    /// A part of a message.
    Message {
        /// Who said it, when, and what became of it: in the first row.
        head: Option<Head>,
        indent: u16,
        text: Row,
        /// The glyphs that are looked for.
        hits: Vec<bool>,
    },
}

/// What stands before a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sign: &'static str,
    pub(crate) time: Option<String>,
    pub(crate) sender: Row,
    pub(crate) sender_style: Style,
    pub(crate) fate: &'static str,
    pub(crate) fate_style: Style,
}

/// What rows are made with.
pub(crate) struct Layout<'a> {
    pub(crate) columns: Columns,
    pub(crate) clock: &'a Clock,
    pub(crate) colours: Colours,
    pub(crate) background: Background,
    pub(crate) own_name: &'a str,
    /// How we spell it.
    pub(crate) own_spelling: &'a str,
    /// What is looked for, in lower case.
    pub(crate) needle: Option<&'a str>,
    /// The key that shows a long message whole.
    pub(crate) unfold_key: Option<String>,
}

impl Layout<'_> {
    /// The rows of an entry, with what the program says before it: that another day begins, and that what follows is
    /// new.
    pub(crate) fn block(&self, conversation: &Conversation, number: u64) -> Vec<Line> {
        let mut lines = Vec::new();
        let Some(entry) = conversation.entry(number) else { return lines };
        let before = number.checked_sub(1).and_then(|before| conversation.entry(before));
        let day = self.clock.day(entry.time_ms());
        if before.is_none_or(|before| self.clock.day(before.time_ms()) != day) {
            lines.push(self.rule(&self.clock.day_in_words(entry.time_ms()), Style::new()));
        }
        if conversation.marker == Some(number) && before.is_some() {
            lines.push(self.rule("new", self.colours.of_trouble()));
        }
        let is_unfolded = conversation.is_unfolded(number);
        match entry {
            Entry::Notice { text, .. } => lines.extend(self.told(text, dim(), is_unfolded)),
            Entry::Heard { .. } | Entry::Said { .. } => lines.extend(self.message(entry, is_unfolded)),
        }
        lines
    }

    /// Whether more of a message can be shown.
    pub(crate) fn is_folded(&self, conversation: &Conversation, number: u64) -> bool {
        let Some(entry) = conversation.entry(number).filter(|_| !conversation.is_unfolded(number)) else {
            return false;
        };
        let hidden_bytes = match entry {
            Entry::Notice { text, .. } => self.folded_notice(text, false).1,
            _ => self.folded(entry.body(), false).1,
        };
        hidden_bytes > 0
    }

    /// The rows of a body that are shown, and the bytes that are not.
    fn folded(&self, body: &[u8], is_unfolded: bool) -> (Vec<BodyRow>, usize) {
        let (columns, indent) = (self.columns.text, self.columns.indent());
        folded_rows(body, is_unfolded, |start, rows_max| body_rows(&body[..start], columns, indent, rows_max))
    }

    /// The same of what the program tells.
    fn folded_notice(&self, text: &str, is_unfolded: bool) -> (Vec<BodyRow>, usize) {
        let (columns, indent) = (self.notice_columns(), self.columns.indent());
        folded_rows(text.as_bytes(), is_unfolded, |start, rows_max| {
            told_rows(&text[..start], columns, indent, rows_max)
        })
    }

    fn message(&self, entry: &Entry, is_unfolded: bool) -> Vec<Line> {
        let (rows, hidden_bytes) = self.folded(entry.body(), is_unfolded);
        let hits = self.needle.map(|needle| Self::hits(entry.body(), hidden_bytes, needle)).unwrap_or_default();
        // They are in order, and none is in another.
        let is_hit =
            |at: usize| hits.get(hits.partition_point(|hit| hit.end <= at)).is_some_and(|hit| hit.contains(&at));
        let (mut lines, head) = self.heads(entry);
        let mut head = Some(head);
        lines.extend(rows.into_iter().map(|BodyRow { row, is_wrapped, .. }| Line::Message {
            head: head.take(),
            indent: if is_wrapped { self.columns.indent() } else { 0 },
            hits: if hits.is_empty() { Vec::new() } else { row.iter().map(|glyph| is_hit(glyph.at)).collect() },
            text: row,
        }));
        if hidden_bytes > 0 {
            lines.push(self.hidden(hidden_bytes, is_unfolded));
        }
        if let Entry::Said { fate: Fate::Undelivered { why } | Fate::Unconfirmed { why }, .. } = entry {
            lines.extend(self.told(why, self.colours.of_trouble(), is_unfolded));
        }
        lines
    }

    /// Where the text that is looked for stands in what is shown of a body. It may go on in what is not.
    fn hits(body: &[u8], hidden_bytes: usize, needle: &str) -> Vec<Range<usize>> {
        let shown = body.len() - hidden_bytes + CASE_BYTES_MAX * needle.len();
        find_all(&body[..boundary(body, shown.max(CASE_BYTES_MAX))], needle)
    }

    /// What stands before a message: in rows of its own if the name is long, and beside the first row of the text. No
    /// name is cut: it might look like another.
    fn heads(&self, entry: &Entry) -> (Vec<Line>, Head) {
        let (sender, is_mention) = match entry {
            Entry::Heard { from, is_mention, .. } => (from.as_str(), *is_mention),
            Entry::Said { .. } | Entry::Notice { .. } => (self.own_name, false),
        };
        let (fate, fate_style) = if let Entry::Said { fate, .. } = entry { self.fate(fate) } else { ("", dim()) };
        let style = self.colours.of_name(sender, self.background);
        let sender = if sender == self.own_name { self.own_spelling } else { sender };
        let is_own = matches!(entry, Entry::Said { .. });
        let mut head = Head {
            sign: if is_mention { MENTION_SIGN } else { "" },
            time: self.columns.has_time().then(|| self.clock.minute(entry.time_ms())),
            sender: line(sender, self.columns.width),
            sender_style: if is_own { style.add_modifier(Modifier::BOLD) } else { style },
            fate: "",
            fate_style,
        };
        let mut above = Vec::new();
        if width(&head.sender) > self.columns.sender {
            for sender in name_rows(sender, self.columns.width.saturating_sub(self.columns.sender_at)) {
                above.push(Line::Sender { head: Head { sender, ..head.clone() } });
                (head.sign, head.time) = ("", None);
            }
            head.sender.clear();
        }
        (above, Head { fate, ..head })
    }

    fn fate(&self, fate: &Fate) -> (&'static str, Style) {
        match fate {
            Fate::Waiting | Fate::Pending { .. } => ("…", dim()),
            Fate::Accepted { .. } => ("✓", dim()),
            Fate::Elsewhere { .. } => ("=", dim()),
            Fate::Undelivered { .. } => ("✗", self.colours.of_trouble()),
            Fate::Unconfirmed { .. } => ("?", self.colours.of_trouble()),
        }
    }

    fn notice_columns(&self) -> u16 {
        self.columns.width.saturating_sub(SIGN_COLUMNS)
    }

    /// What the program tells. It holds names and reasons, which others choose.
    fn told(&self, text: &str, style: Style, is_unfolded: bool) -> Vec<Line> {
        let (rows, hidden_bytes) = self.folded_notice(text, is_unfolded);
        let mut lines: Vec<_> = rows
            .into_iter()
            .enumerate()
            .map(|(at, BodyRow { row, is_wrapped, .. })| {
                let indent = if is_wrapped { self.columns.indent() } else { 0 };
                Line::Program { text: row, style, is_first: at == 0, indent }
            })
            .collect();
        if hidden_bytes > 0 {
            lines.push(self.hidden(hidden_bytes, is_unfolded));
        }
        lines
    }

    /// How much is not shown, and the key that shows it, if there is one that does.
    fn hidden(&self, bytes: usize, is_unfolded: bool) -> Line {
        let key = self.unfold_key.as_ref().filter(|_| !is_unfolded).map(|key| format!("; {key} shows it"));
        self.program(&format!("… {}{}", more_bytes(bytes), key.unwrap_or_default()), dim())
    }

    /// One row of the program's own.
    fn program(&self, text: &str, style: Style) -> Line {
        let text = line(text, self.notice_columns());
        Line::Program { text, style, is_first: true, indent: 0 }
    }

    /// A line across all columns.
    fn rule(&self, words: &str, style: Style) -> Line {
        let used = u16::try_from(words.chars().count()).unwrap_or(u16::MAX).saturating_add(2);
        let rest = usize::from(self.notice_columns().saturating_sub(used));
        let (before, after) = (rest / 2, rest - rest / 2);
        self.program(&format!("{} {words} {}", "─".repeat(before), "─".repeat(after)), style)
    }
}

/// The rows of a text that are shown, and the bytes that are not. The rows are made of its first bytes.
fn folded_rows(
    text: &[u8],
    is_unfolded: bool,
    rows_of: impl Fn(usize, usize) -> Vec<BodyRow>,
) -> (Vec<BodyRow>, usize) {
    let (bytes_max, shown, hidden_min) =
        if is_unfolded { (UNFOLDED_BYTES, ROWS_MAX, 1) } else { (FOLDED_BYTES, FOLDED_ROWS, HIDDEN_ROWS_MIN) };
    let start = boundary(text, bytes_max);
    let mut rows = rows_of(start, shown + hidden_min);
    if rows.len() < shown + hidden_min {
        return (rows, text.len() - start);
    }
    let first_hidden = rows[shown].at;
    rows.truncate(shown);
    (rows, text.len() - first_hidden)
}

/// How what matters less is written.
pub(crate) fn dim() -> Style {
    Style::new().add_modifier(Modifier::DIM)
}
