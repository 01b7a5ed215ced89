//! Nothing of a message stands outside of its place.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::*;
use crate::program::full::app::Trial;
use crate::program::full::keys::Key;
use crate::program::full::layout::{Columns, Line};
use crate::program::full::text::tests::nasty_bytes;

/// Rows of a message, at the most: one of more would be folded.
const ROWS_MAX: usize = 12;

/// The rows that a message takes, which a message of plain text can take as well, and how many of them its sender has
/// alone.
fn rows_of(app: &App, width: u16) -> (usize, usize) {
    let conversation = &app.conversations["#lobby"];
    let lines = app.layout(width).block(conversation, conversation.end() - 1);
    let names = lines.iter().filter(|line| matches!(line, Line::Sender { .. })).count();
    (names + lines.iter().filter(|line| matches!(line, Line::Message { .. })).count(), names)
}

fn with_message(from: &str, body: &[u8]) -> App {
    let mut app = alice();
    app.report(&message("bob", "#lobby", b"before"));
    app.report(&message(from, "#lobby", body));
    app.own_name = None;
    app
}

fn is_in(place: Rect, x: u16, y: u16) -> bool {
    place.contains(ratatui::layout::Position { x, y })
}

/// What anybody may send, to a room or to us.
fn anything() -> impl Strategy<Value = Report> {
    let name = || nasty_bytes().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let to =
        prop_oneof![Just("#lobby".to_owned()), Just("alice".to_owned()), name().prop_map(|name| format!("#{name}"))];
    prop_oneof![
        3 => (name(), to, nasty_bytes(), 1usize..40).prop_map(|(from, to, body, times)| {
            message(&from, &to, &body.repeat(times))
        }),
        1 => (name(), any::<bool>()).prop_map(|(name, online)| Report::Presence { name, online, display_name: None }),
        1 => name().prop_map(|name| Report::Joined { room: "#lobby".into(), name, display_name: None }),
        1 => (name(), name()).prop_map(|(name, reason)| Report::Left { room: "#lobby".into(), name: name.into(), reason }),
        1 => (name(), name()).prop_map(|(to, reason)| Report::Rejected { number: Some(1), to, reason, request: None }),
        1 => (name(), name()).prop_map(|(reason, detail)| Report::Error { reason, detail }),
    ]
}

fn step() -> impl Strategy<Value = Key> {
    prop_oneof![
        Just(Key::PageUp),
        Just(Key::PageDown),
        (0u16..130, 0u16..40).prop_map(|(column, row)| Key::ScrollUp { column, row }),
        (0u16..130, 0u16..40).prop_map(|(column, row)| Key::ScrollDown { column, row }),
        (0u16..130, 0u16..40).prop_map(|(column, row)| Key::Click { column, row }),
        prop::sample::select(vec!['<', '>', 'n', 'p']).prop_map(Key::Alt),
        prop::sample::select(vec!['o', 'r', 's']).prop_map(Key::Ctrl),
        any::<char>().prop_map(Key::Char),
        Just(Key::FocusLost),
        Just(Key::FocusGained),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever comes and whatever is pressed, in whatever window: there is a picture, of which the trial checks the
    /// places.
    #[test]
    fn there_is_always_a_picture(
        reports in prop::collection::vec(anything(), 0..20),
        steps in prop::collection::vec((step(), 1u16..130, 1u16..40), 0..20),
        more in prop::collection::vec(anything(), 0..5),
    ) {
        let mut trial = Trial::new();
        trial.takes_lines(Some("#lobby"));
        for report in &reports {
            trial.report(report);
        }
        let mut more = more.iter();
        for (key, width, height) in steps {
            trial.press(&key);
            more.next().inspect(|report| trial.report(report));
            trial.resizes(width, height);
        }
    }
}

/// All cells but those of its own text and its sender's name are as they are with a message of plain text. False if the
/// message is folded: then there is less of it, and what it may change is not known.
fn changes_only_its_place(from: &[u8], body: &[u8], width: u16, height: u16) -> bool {
    let odd = with_message(&String::from_utf8_lossy(from), body);
    let odd_picture = picture(&odd, width, height);
    let messages = odd.drawn.messages.get();
    let columns = Columns::of(messages.width);
    let (rows, names) = rows_of(&odd, messages.width);
    let conversation = &odd.conversations["#lobby"];
    if rows > ROWS_MAX || odd.layout(messages.width).is_folded(conversation, conversation.end() - 1) {
        return false;
    }
    let plain = with_message("carol", vec!["x"; rows].join("\n").as_bytes());
    let plain_picture = picture(&plain, width, height);
    let top = messages.bottom() - u16::try_from(rows).unwrap().min(messages.height);
    let own = Rect { y: top, height: messages.bottom() - top, ..messages };
    let text = Rect { x: own.x + columns.text_at, width: columns.text, ..own };
    let sender = Rect { x: own.x + columns.sender_at, width: columns.sender, height: own.height.min(1), ..own };
    // The highest rows of the message may be above the screen.
    let names = names.saturating_sub(rows - usize::from(own.height));
    let name_columns = messages.width.saturating_sub(columns.sender_at);
    let name = Rect { width: name_columns, height: u16::try_from(names).unwrap(), ..sender };
    for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
        if ![text, sender, name].iter().any(|place| is_in(*place, x, y)) {
            assert_eq!(odd_picture[(x, y)], plain_picture[(x, y)], "at {x}, {y}");
        }
    }
    true
}

/// P4. A name of many rows, each of which a click opens, and a body of letters that join, hide and turn.
#[test]
fn a_name_of_several_rows_stays_in_its_place() {
    let from =
        b"\xa0\xd0\xc2y=wY\x09\xcc\xc5\x97K\x96\xd0Z\xf9(\x16\x1cS\xf3\xbc\xce\x84\xe1h,\x0ekv*\x8d\xd9\x15\xd92\x059\
        \xb0w\\q\xc65K\x04\xe3\x8649oS\xd8\xe4\xb6\x80\x0cA\xb2\xa3\xd1\x90b";
    let body = "\u{a1}\u{a1}\u{903}\u{1100}\u{a1}\u{e0000}a\u{a1}\u{e0000}0\u{5be}\u{119d}\u{17d8}\u{fdfd}\u{1f57d}V\
        \u{e0040}/\u{e7b}\u{115c}\u{b81}\u{1121}\"\u{11c5}7\u{206f}:\u{e0023}\u{11cb}\u{d15}\u{1f623}g\u{11e1}\
        \u{a2f}\u{e0044}\u{341}\u{dad}\u{e0051}\u{1f1e7}\u{1f1fb}\u{6c9}\u{e71}\u{e000d}\u{6c4}";
    // In the last, its highest rows are above the screen.
    for (width, height) in [(28, 26), (60, 12), (28, 6)] {
        assert!(changes_only_its_place(from, body.as_bytes(), width, height), "{width}, {height}: it is folded");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// P4.
    #[test]
    fn a_message_changes_no_cell_outside_of_its_place(
        body in nasty_bytes(),
        from in nasty_bytes(),
        width in 20u16..130,
        height in 5u16..40,
    ) {
        prop_assume!(changes_only_its_place(&from, &body, width, height));
    }
}
