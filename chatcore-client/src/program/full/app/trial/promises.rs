//! What the screen promises.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::OTHERS_LETTER;
use crate::program::console::check_rows;
use crate::program::full::app::reports::{CHECKED_BYTES, CONVERSATIONS_MAX, KEPT_BYTES_MAX};
use crate::program::full::app::rooms::ROSTERS_MAX;
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::conversation::{CONVERSATION_BYTES_MAX, Conversation, ENTRIES_MAX};
use crate::program::full::keys::Key;
use crate::program::full::layout::{Columns, PROGRAM_SIGN, SIGN_COLUMNS};
use crate::program::report::{LISTED_NAMES_MAX, Report};

/// Bytes that one report can add to what is kept, at the most: a frame, and what is kept beside it.
const REPORT_BYTES_MAX: usize = 17 << 20;

/// What can stand in the columns of the program's signs.
const SIGNS: [&str; 3] = [" ", PROGRAM_SIGN, "»"];

/// Columns with which the list of conversations is there.
const LISTED_COLUMNS_MIN: u16 = 62;

pub(super) fn types_others_letter(key: &Key) -> bool {
    match key {
        Key::Char(c) | Key::Alt(c) => *c == OTHERS_LETTER,
        Key::Paste(text) => text.contains(OTHERS_LETTER),
        _ => false,
    }
}

/// Whether a report has the letter elsewhere than in what somebody says.
pub(super) fn names_others_letter(report: &Report) -> bool {
    match report {
        Report::Message { from, to, .. } => from.contains(OTHERS_LETTER) || to.contains(OTHERS_LETTER),
        Report::Sent { to, .. } => to.contains(OTHERS_LETTER),
        other => format!("{other:?}").contains(OTHERS_LETTER),
    }
}

/// What is sent was in the line, and its recipient in the prompt of the last picture that was written before the Enter.
pub(super) fn check_sent(to: &str, body: &str, text: &str, (picture, prompt): &(Buffer, Rect)) {
    let text = text.trim_end_matches(['\r', '\n']);
    assert!(text.ends_with(body) || undoubled(text).as_deref() == Some(body), "{body:?} was not in {text:?}");
    if !to.chars().all(|c| c.is_ascii_graphic()) {
        // Terminals put letters of other scripts in an order of their own.
        return;
    }
    let label = if to.starts_with('#') { format!("{to}>") } else { format!("only{to}readsit>") };
    let prompt = text_of(picture, prompt.intersection(picture.area));
    // Of a room that was left, it says that before the name.
    let prompt = prompt.strip_prefix("notin").unwrap_or(&prompt);
    assert!(prompt.starts_with(&label), "{label:?} does not begin the prompt {prompt:?}");
}

/// The text of an area, without blanks.
fn text_of(picture: &Buffer, area: Rect) -> String {
    area.positions().flat_map(|at| picture[at].symbol().chars()).filter(|c| *c != ' ').collect()
}

/// A text that begins with a doubled sign, as it is said.
fn undoubled(text: &str) -> Option<String> {
    let start = text.trim_start();
    let mut signs = start.chars();
    let sign = signs.next()?;
    Some(format!("{}{}", &text[..text.len() - start.len()], &start[sign.len_utf8()..]))
}

/// Nothing in the picture is obeyed by a terminal, and nothing of others stands where the program writes.
pub(super) fn check_picture(picture: &Buffer, app: &App, has_others_letter: bool) {
    for cell in picture.content() {
        let is_obeyed = |c: char| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        assert!(!cell.symbol().contains(is_obeyed), "a terminal obeys {:?}", cell.symbol());
    }
    if app.drawn.is_too_small.get() || app.help.is_some() {
        return;
    }
    let list = app.drawn.list.get();
    if picture.area.width >= LISTED_COLUMNS_MIN {
        assert!((list.y..list.bottom()).all(|y| picture[(list.right() - 1, y)].symbol() == "│"), "a border is broken");
    }
    let messages = app.drawn.messages.get();
    for y in messages.y..messages.bottom() {
        for x in messages.x..messages.x + SIGN_COLUMNS.min(messages.width) {
            let sign = picture[(x, y)].symbol();
            assert!(SIGNS.contains(&sign), "{sign:?} stands as a sign of the program");
        }
    }
    if !has_others_letter {
        let columns = Columns::of(messages.width);
        let bodies = Rect { x: messages.x + columns.text_at.min(messages.width), width: columns.text, ..messages };
        for at in picture.area.positions().filter(|at| !bodies.contains(*at)) {
            assert!(!picture[at].symbol().contains(OTHERS_LETTER), "what others say stands at {at}");
        }
    }
}

/// As plain mode and filters show it: rows are the program's or theirs, and no terminal obeys them.
pub(super) fn check_lines(report: &Report) {
    check_rows(report);
    if report.is_internal() {
        return;
    }
    let json = report.json();
    assert!(!json.contains(char::is_control), "it is one line: {json:?}");
}

/// All that is kept is within its bounds.
pub(super) fn check_memory(app: &App) {
    assert!(app.conversations.len() <= CONVERSATIONS_MAX, "{} conversations", app.conversations.len());
    assert!(app.conversations.contains_key(PROGRAM), "the program's own conversation is there always");
    let fits =
        |one: &Conversation| one.len() <= ENTRIES_MAX && (one.bytes() <= CONVERSATION_BYTES_MAX || one.len() == 1);
    assert!(app.conversations.values().all(fits), "a conversation is too large");
    let kept: usize = app.conversations.values().map(Conversation::bytes).sum();
    assert!(kept <= KEPT_BYTES_MAX + CHECKED_BYTES + REPORT_BYTES_MAX, "{kept} bytes are kept");
    let rosters = || app.conversations.values().map(|one| one.members.names().len()).filter(|names| *names > 0);
    assert!(rosters().count() <= ROSTERS_MAX, "the members of {} rooms are kept", rosters().count());
    assert!(
        rosters().all(|names| names <= LISTED_NAMES_MAX) && app.presence.len() <= LISTED_NAMES_MAX,
        "too many names"
    );
}
