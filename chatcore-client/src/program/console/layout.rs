//! How reports stand on lines for people.
//!
//! A line begins with `-- ` if the program speaks, with `<` or `[` if somebody else does, and with blanks if it goes on
//! with the line above. What somebody says comes after the name, which holds no blank: so nobody can say what the
//! program says.
//!
//! A terminal must break no row, or the rest of it would stand where a line begins. So each character counts as the
//! most cells that any terminal draws it in, and at least as one: terminals disagree about marks, joiners and soft
//! hyphens.

use std::env;
use std::ops::Range;

use unicode_bidi::{BidiClass, bidi_class};
use unicode_segmentation::UnicodeSegmentation;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::program::escape::escape_for_cells;
use crate::program::report::{Report, Speech, more_bytes};

/// Before all that the program says.
pub(super) const PROGRAM_SIGN: &str = "-- ";

/// Before the lines with which a longer one goes on.
const INDENT: &str = "    ";

/// Around text of others that runs to the left: it turns nothing but itself, and what is before it stays where it is.
const ISOLATE: &str = "\u{2068}";

/// Around what the program says, which runs to the right though a name in it may not.
const ISOLATE_TO_THE_RIGHT: &str = "\u{2066}";

const ISOLATE_END: &str = "\u{2069}";

/// The cells of the two, where a terminal does not know them.
const ISOLATE_COLUMNS: usize = 2;

/// Bytes of a line that lists something, at the most, unless one name has more.
const LIST_LINE_BYTES_MAX: usize = 1000;

/// Columns that a line has at least, whatever the terminal says.
const COLUMNS_MIN: usize = 10;

/// Bytes of a body that a person is shown at once.
const BODY_BYTES_MAX: usize = 4 << 10;

/// Lines of a body that a person is shown at once.
const BODY_LINES_MAX: usize = 50;

/// A report as a program reads it that reads lines: one, unless it is a list or help.
pub(super) fn lines(report: &Report) -> String {
    let mut lines = String::new();
    if report.speech().is_some() {
        push(&mut lines, "", &report.text());
    } else if let Some((what, names)) = report.listing() {
        push_list(&mut lines, &what, &names);
    } else {
        for line in report.text().lines() {
            push(&mut lines, PROGRAM_SIGN, line);
        }
    }
    lines
}

fn push(lines: &mut String, sign: &str, line: &str) {
    lines.extend([sign, line, "\n"]);
}

fn push_list(lines: &mut String, what: &str, names: &[String]) {
    let mut rest = names;
    loop {
        let mut bytes = 0;
        let fits = |name: &&String| {
            bytes += name.len() + 2;
            bytes <= LIST_LINE_BYTES_MAX
        };
        let count = rest.iter().take_while(fits).count().max(1).min(rest.len());
        let (these, others) = rest.split_at(count);
        push(lines, PROGRAM_SIGN, &format!("{what}: {}", these.join(", ")));
        if others.is_empty() {
            return;
        }
        rest = others;
    }
}

/// How many cells a terminal draws at the most.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells {
    /// In a row.
    columns: usize,
    /// What is narrow elsewhere may be wide.
    is_east_asian: bool,
}

impl Cells {
    pub(super) fn new(columns: u16) -> Self {
        Self { columns: usize::from(columns).max(COLUMNS_MIN), is_east_asian: is_east_asian_locale() }
    }

    /// A report as a person reads it.
    pub(super) fn shown(self, report: &Report) -> String {
        let mut shown = String::new();
        match report.speech() {
            Some(speech) => self.push_speech(&mut shown, &speech),
            None => report.text().lines().for_each(|line| self.push(&mut shown, PROGRAM_SIGN, line)),
        }
        shown
    }

    /// What the program says.
    pub(super) fn told(self, words: &str) -> String {
        let mut shown = String::new();
        self.push(&mut shown, PROGRAM_SIGN, words);
        shown
    }

    fn push_speech(self, shown: &mut String, Speech { head, body }: &Speech) {
        let kept = beginning(body);
        for (index, line) in kept.split(|byte| *byte == b'\n').enumerate() {
            let line = escape_for_cells(line.strip_suffix(b"\r").unwrap_or(line));
            let sign = if index == 0 { &format!("{head} ") } else { INDENT };
            self.push(shown, sign, &line);
        }
        if kept.len() < body.len() {
            let more = more_bytes(body.len() - kept.len());
            self.push(shown, PROGRAM_SIGN, &format!("{more} of this message are not shown here; --json shows all"));
        }
    }

    /// A line in rows of the terminal, all but the first indented.
    fn push(self, shown: &mut String, sign: &str, line: &str) {
        let text = [sign, &line.replace('\t', INDENT)].concat();
        let isolated = isolated(&text, sign);
        let mut start = 0;
        loop {
            let indent = if start == 0 { "" } else { INDENT };
            // A terminal may begin a new row when the last column is full.
            let end = self.row_end(&text, start, self.columns - 1 - indent.len(), &isolated);
            push_row(shown, indent, &text, start..end, &isolated);
            start = end;
            if start == text.len() {
                return;
            }
        }
    }

    /// Where the row ends that begins there, with what isolates parts of it.
    fn row_end(self, text: &str, start: usize, room: usize, isolated: &[Isolated]) -> usize {
        let mut count = 0;
        loop {
            let end = start + self.fitting(&text[start..], room.saturating_sub(count * ISOLATE_COLUMNS));
            let needed = isolated.iter().filter(|part| !part.within(&(start..end)).is_empty()).count();
            // A shorter row has no more of them.
            if needed <= count {
                return end;
            }
            count = needed;
        }
    }

    /// The bytes of the text that stand in one row, at least one character: whole words, if they fill half of it.
    fn fitting(self, text: &str, room: usize) -> usize {
        let (mut used, mut word_end) = (0, 0);
        for (at, grapheme) in graphemes(text) {
            let width = self.width(grapheme);
            if used + width > room {
                return match (at, word_end) {
                    // Some letters of some scripts are endless.
                    (0, _) => self.fitting_apart(grapheme, room),
                    (at, 0) => at,
                    (_, word_end) => word_end,
                };
            }
            used += width;
            if grapheme == " " && used >= room / 2 {
                word_end = at + 1;
            }
        }
        text.len()
    }

    /// As [`Cells::fitting`], of what would be one sign.
    fn fitting_apart(self, grapheme: &str, room: usize) -> usize {
        let mut used = 0;
        let mut ends = grapheme.char_indices().skip_while(|(_, c)| {
            used += self.of_char(*c);
            used <= room
        });
        let end = ends.next().map_or(grapheme.len(), |(at, _)| at);
        if end > 0 { end } else { grapheme.chars().next().map_or(0, char::len_utf8) }
    }

    /// As wide as the most terminals that know least draw it: a row that is wider than it was taken for is broken by
    /// the terminal, and what follows stands where a line begins.
    fn width(self, grapheme: &str) -> usize {
        let apart = grapheme.chars().map(|c| self.of_char(c)).sum::<usize>();
        apart.max(grapheme.width())
    }

    fn of_char(self, c: char) -> usize {
        match c.width() {
            // Terminals disagree which ones are wide there.
            Some(1) if self.is_east_asian && !c.is_ascii() => 2,
            // Pictures that are newer than one of the two are wide in the other.
            Some(1) if matches!(c, '\u{1f000}'..='\u{1ffff}') => 2,
            width => width.unwrap_or(0).max(1),
        }
    }
}

/// Panics if rows of a report could be taken for somebody else's, or if a terminal would obey them.
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) fn check_rows(report: &Report) {
    let is_speech = report.speech().is_some();
    for shown in [lines(report), Cells::new(40).shown(report)] {
        for row in shown.lines() {
            assert!(!row.contains(|c: char| c.is_control() && c != '\t'), "a terminal obeys {row:?}");
            let is_program = row.starts_with(PROGRAM_SIGN);
            let is_theirs = row.starts_with(['<', '[']);
            let is_rightful = if is_speech { is_theirs || row.contains(" more of this message") } else { is_program };
            assert!(is_rightful || row.starts_with(INDENT), "{row:?} is of somebody else");
        }
    }
}

/// The graphemes of a text, where no blank bears a mark: what follows a name must not take its end along into the next
/// row.
fn graphemes(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.grapheme_indices(true).flat_map(|(at, grapheme)| {
        let blank = usize::from(grapheme.starts_with(' ') && grapheme.len() > 1);
        let (first, rest) = grapheme.split_at(blank);
        [(at, first), (at + blank, rest)].into_iter().filter(|(_, part)| !part.is_empty())
    })
}

/// A part of a line that turns nothing but itself.
struct Isolated {
    /// Its bytes in the line.
    place: Range<usize>,
    /// What begins it.
    isolate: &'static str,
}

impl Isolated {
    /// As much of it as is in a row.
    fn within(&self, row: &Range<usize>) -> Range<usize> {
        self.place.start.max(row.start)..self.place.end.min(row.end)
    }
}

/// The parts of a line that run to the left: what the program says, or each name of the sign by itself, and what is
/// said.
fn isolated(text: &str, sign: &str) -> Vec<Isolated> {
    let said = sign.len()..text.len();
    let (mut places, isolate) =
        if sign == PROGRAM_SIGN { (Vec::new(), ISOLATE_TO_THE_RIGHT) } else { (names(sign), ISOLATE) };
    places.push(said);
    places.retain(|place| text[place.clone()].contains(is_right_to_left));
    places.into_iter().map(|place| Isolated { place, isolate }).collect()
}

/// Where the names stand in what comes before a text. They hold no blank, and those that hold brackets are quoted.
fn names(sign: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let name = |word: &str| {
        let start = at + word.len() - word.trim_start_matches(['[', '<']).len();
        let end = at + word.trim_end_matches([' ', ']', '>']).len();
        at += word.len();
        start..end.max(start)
    };
    sign.split_inclusive(' ').map(name).collect()
}

/// A row of a line, in which the terminal turns each of these parts by itself.
fn push_row(lines: &mut String, indent: &str, text: &str, row: Range<usize>, isolated: &[Isolated]) {
    lines.push_str(indent);
    let mut at = row.start;
    for part in isolated {
        let place = part.within(&row);
        if !place.is_empty() {
            lines.extend([&text[at..place.start], part.isolate, &text[place.clone()], ISOLATE_END]);
            at = place.end;
        }
    }
    lines.extend([&text[at..row.end], "\n"]);
}

fn is_right_to_left(c: char) -> bool {
    matches!(bidi_class(c), BidiClass::R | BidiClass::AL | BidiClass::AN)
}

/// As much of a body as a person is shown at once.
fn beginning(body: &[u8]) -> &[u8] {
    let kept = &body[..body.len().min(BODY_BYTES_MAX)];
    let mut ends = kept.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    if let Some(end) = ends.nth(BODY_LINES_MAX - 1) {
        return &kept[..end];
    }
    if kept.len() == body.len() {
        return body;
    }
    // Not in the middle of a character.
    let is_inside = |at: &usize| body[*at] & 0b1100_0000 == 0b1000_0000;
    let end = (kept.len() - 3..=kept.len()).rev().find(|at| !is_inside(at)).unwrap_or(kept.len());
    &body[..end]
}

/// Whether terminals may draw signs wide that are narrow elsewhere, as they do where most signs are wide.
fn is_east_asian_locale() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .filter_map(|name| env::var(name).ok())
        .find(|locale| !locale.is_empty());
    locale.is_some_and(|locale| ["zh", "ja", "ko"].iter().any(|language| locale.starts_with(language)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::User;
    use crate::program::report::{Body, Users};
    use chatcore::MessageId;
    use proptest::prelude::*;

    const CELLS: Cells = Cells { columns: 20, is_east_asian: false };

    fn message(to: &str, body: &[u8]) -> Report {
        let from = "bob".into();
        Report::Message { id: MessageId(1).into(), time: 0, from, to: to.into(), body: Body::new(body.to_vec()) }
    }

    fn shown(body: &[u8]) -> String {
        CELLS.shown(&message("alice", body))
    }

    #[test]
    fn the_lines_of_a_message_are_indented() {
        assert_eq!(shown(b"hello"), "<bob> hello\n");
        assert_eq!(shown(b"hello over there, you"), "<bob> hello over \n    there, you\n");
        assert_eq!(shown(b"one\r\ntwo\n\nthree"), "<bob> one\n    two\n    \n    three\n");
        assert_eq!(shown(b"https://chat.example/"), "<bob> https://chat.\n    example/\n");
        assert_eq!(shown(b"a\tb\r"), "<bob> a    b\n");
        assert_eq!(shown(b""), "<bob> \n");
        assert_eq!(CELLS.shown(&message("#lobby", b"hello")), "[#lobby] <bob> \n    hello\n");
        assert_eq!(CELLS.told("you are alice; hello"), "-- you are alice; \n    hello\n");
    }

    /// P4 of the faults that were found.
    #[test]
    fn what_the_program_says_cannot_be_said_by_anybody() {
        let blanks = " ".repeat(13);
        let said = shown(format!("{blanks}[#lobby] <carol> I quit\n-- bob joined\r-- x\u{2028}-- y").as_bytes());
        let starts: Vec<&str> = said.lines().map(|line| &line[..4]).collect();
        assert!(starts[0] == "<bob" && starts[1..].iter().all(|start| *start == INDENT), "{said}");
        assert_eq!(lines(&message("alice", b"x\n-- bob joined")), "<bob> x\\n-- bob joined\n");
    }

    #[test]
    fn signs_are_as_wide_as_any_terminal_draws_them() {
        // A family is drawn as one sign of two cells, or as three of them.
        let family = "👩\u{200d}👩\u{200d}👧";
        assert_eq!(CELLS.width(family), 8, "or with the joiners in cells of their own");
        assert_eq!(CELLS.width("e\u{301}"), 2);
        assert_eq!(CELLS.width("❤\u{fe0f}"), 2);
        assert_eq!(CELLS.width("ж"), 1);
        assert_eq!(Cells { is_east_asian: true, ..CELLS }.width("ж"), 2);
        assert_eq!(shown("山田山田山田山田".as_bytes()), "<bob> 山田山田山田\n    山田\n");
    }

    /// P4 of the faults that were found.
    #[test]
    fn a_terminal_that_draws_what_has_no_width_breaks_no_row() {
        for filling in ["\u{ad}", "\u{301}", "x\u{301}", "\u{200d}", "\u{200b}", "\u{fe0f}", "\u{34f}", "\u{1faff}"] {
            let said = shown(format!("{}-- carol quit", filling.repeat(40)).as_bytes());
            for row in as_drawn(&said, CELLS.columns) {
                assert!(row.starts_with("<bob> ") || row.starts_with(INDENT), "{filling:?}: {row:?} in {said:?}");
            }
        }
    }

    /// The rows of a terminal in which each character takes a cell.
    fn as_drawn(lines: &str, columns: usize) -> Vec<String> {
        let row = |row: &[char]| row.iter().collect();
        lines
            .lines()
            .flat_map(|line| line.chars().collect::<Vec<_>>().chunks(columns).map(row).collect::<Vec<_>>())
            .collect()
    }

    /// P4 of the faults that were found.
    #[test]
    fn text_that_runs_to_the_left_turns_nothing_but_itself() {
        assert_eq!(shown("שלום".as_bytes()), "<bob> \u{2068}שלום\u{2069}\n");
        assert_eq!(
            shown("שלום שלום -- carol".as_bytes()),
            "<bob> \u{2068}שלום שלום \u{2069}\n    \u{2068}-- carol\u{2069}\n"
        );
        assert_eq!(CELLS.told("אבג joined"), "-- \u{2066}אבג joined\u{2069}\n", "the sentence is not turned");
        // Nobody ends it from within.
        assert!(!shown("א\u{2069}-- carol quit".as_bytes()).contains("\u{2069}-"));
    }

    /// What a terminal that orders text shows of a row.
    fn ordered(row: &str) -> String {
        let info = unicode_bidi::BidiInfo::new(row, Some(unicode_bidi::Level::ltr()));
        let row = info.reorder_line(&info.paragraphs[0], 0..row.len());
        row.chars().filter(|c| !matches!(c, '\u{2066}'..='\u{2069}')).collect()
    }

    /// P4 of the faults that were found: a name was turned together with what it said.
    #[test]
    fn a_name_that_runs_to_the_left_turns_nothing_but_itself() {
        let said = |from: &str, to: &str, body: &str| {
            let (id, body) = (MessageId(1).into(), Body::new(body.into()));
            Report::Message { id, time: 0, from: from.into(), to: to.into(), body }
        };
        let wide = Cells { columns: 80, is_east_asian: false };
        for (report, row, seen) in [
            (said("בוב", "alice", "hi"), "<\u{2068}בוב\u{2069}> hi\n", "<בוב> hi"),
            (said("בוב", "alice", "שלום"), "<\u{2068}בוב\u{2069}> \u{2068}שלום\u{2069}\n", "<בוב> םולש"),
            (said("אב", "#גד", "1"), "[\u{2068}#גד\u{2069}] <\u{2068}אב\u{2069}> 1\n", "[דג#] <בא> 1"),
            (said("א]<ב", "#x", "ג"), "[#x] <\u{2068}\"א]<ב\"\u{2069}> \u{2068}ג\u{2069}\n", "[#x] <\"ב<]א\"> ג"),
        ] {
            assert_eq!(wide.shown(&report), row);
            assert_eq!(ordered(row.trim_end()), seen);
        }
        // A row has room for what isolates its parts, also where a name goes on in the next one.
        let narrow = Cells { columns: 10, is_east_asian: false };
        let shown = narrow.shown(&said("אבגדהוזחטי", "#כלמנסעפצקר", "שת שת שת"));
        assert!(shown.lines().all(|row| row.chars().count() < narrow.columns), "{shown}");
        let balanced = |row: &str| row.matches(ISOLATE).count() == row.matches(ISOLATE_END).count();
        assert!(shown.lines().all(balanced), "{shown}");
    }

    /// P4 of the faults that were found.
    #[test]
    fn a_long_body_is_folded() {
        let told = shown(&vec![b'x'; 60_000]);
        assert!(told.len() < 2 * BODY_BYTES_MAX, "{}", told.len());
        let end = told.lines().skip_while(|line| !line.starts_with(PROGRAM_SIGN)).collect::<String>();
        assert_eq!(end, "-- 56 kB more of     this message     are not shown     here; --json     shows all");
        assert!(shown(&b"\n".repeat(3000)).lines().count() < BODY_LINES_MAX + 9);
        let text = "é".repeat(BODY_BYTES_MAX / 2 + 1);
        assert!(!shown(format!("x{text}").as_bytes()).contains("\\x"), "no character is cut in two");
        assert!(shown(&text.as_bytes()[..BODY_BYTES_MAX]).lines().all(|line| !line.starts_with(PROGRAM_SIGN)));
        // A script gets all of it.
        assert!(lines(&message("alice", &vec![b'x'; 60_000])).len() > 60_000);
    }

    /// P6 of the faults that were found.
    #[test]
    fn a_list_of_thousands_has_many_lines() {
        let users: Vec<User> = (0..5000).map(|i| User::new(format!("user{i}").parse().unwrap())).collect();
        let told = lines(&Report::Online { users: Users::of(users, false) });
        let parts: Vec<&str> = told.lines().map(|line| line.strip_prefix("-- online: ").unwrap()).collect();
        assert!(parts.iter().all(|part| part.len() <= LIST_LINE_BYTES_MAX) && parts.len() > 40);
        let names: Vec<&str> = parts.iter().flat_map(|part| part.split(", ")).collect();
        assert!(names.iter().enumerate().all(|(i, name)| *name == format!("user{i}")) && names.len() == 5000);
        assert_eq!(lines(&Report::Online { users: Users::of(Vec::new(), false) }), "-- online: \n");
    }

    #[test]
    fn help_is_said_by_the_program() {
        assert_eq!(lines(&Report::Help { text: "one\n  two".to_owned() }), "-- one\n--   two\n");
    }

    proptest! {
        #[test]
        fn no_row_is_wider_than_the_terminal(
            body in prop::collection::vec(prop_oneof![any::<char>(), Just(' '), Just('\n'), Just('x'), Just('界'), Just('\u{301}'), Just('\u{ad}'), Just('א')], 0..BODY_LINES_MAX),
            columns in 0u16..25,
        ) {
            let body = String::from_iter(body);
            let cells = Cells { is_east_asian: false, ..Cells::new(columns) };
            let shown = cells.shown(&message("alice", body.as_bytes()));
            prop_assert!(shown.ends_with('\n'));
            for (index, row) in shown.lines().enumerate() {
                prop_assert!(row.width() < cells.columns, "{row:?}");
                prop_assert!(row.chars().count() < cells.columns, "a terminal may draw each in a cell: {row:?}");
                prop_assert!(row.starts_with(if index == 0 { "<bob> " } else { INDENT }), "{row:?}");
            }
        }
    }
}
