//! Nothing of a message stands outside of its place.

use proptest::prelude::*;
use ratatui::layout::Rect;

use super::*;
use crate::program::full::app::Trial;
use crate::program::full::keys::Key;
use crate::program::full::layout::{Columns, Line};
use crate::program::full::text::tests::nasty_bytes;

/// The rows that a message takes, which a message of plain text can take as well, and how many of them its sender has alone.
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
        1 => (name(), name()).prop_map(|(name, reason)| Report::Left { room: "#lobby".into(), name, reason }),
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

    /// Whatever comes and whatever is pressed, in whatever window: there is a picture, of which the trial checks the places.
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// P4. All cells but those of its own text and its sender's name are as they are with a message of plain text.
    #[test]
    fn a_message_changes_no_cell_outside_of_its_place(
        body in nasty_bytes(),
        from in nasty_bytes(),
        width in 20u16..130,
        height in 5u16..40,
    ) {
        let from = String::from_utf8_lossy(&from).into_owned();
        let odd = with_message(&from, &body);
        let odd_picture = picture(&odd, width, height);
        let messages = odd.drawn.messages.get();
        let columns = Columns::of(messages.width);
        let (rows, names) = rows_of(&odd, messages.width);
        // More would be folded.
        prop_assume!(rows <= 12);
        let plain = with_message("carol", vec!["x"; rows].join("\n").as_bytes());
        let conversation = &odd.conversations["#lobby"];
        prop_assume!(!odd.layout(messages.width).is_folded(conversation, conversation.end() - 1));
        let plain_picture = picture(&plain, width, height);
        let top = messages.bottom() - u16::try_from(rows).unwrap().min(messages.height);
        let own = Rect { y: top, height: messages.bottom() - top, ..messages };
        let text = Rect { x: own.x + columns.text_at, width: columns.text, ..own };
        let sender = Rect { x: own.x + columns.sender_at, width: columns.sender, height: own.height.min(1), ..own };
        // The highest rows of the message may be above the screen.
        let names = names.saturating_sub(rows - usize::from(own.height));
        let name_columns = messages.width.saturating_sub(columns.sender_at);
        let name = Rect { width: name_columns, height: u16::try_from(names).unwrap(), ..sender };
        for y in 0..height {
            for x in 0..width {
                if !is_in(text, x, y) && !is_in(sender, x, y) && !is_in(name, x, y) {
                    prop_assert_eq!(&odd_picture[(x, y)], &plain_picture[(x, y)], "at {}, {}", x, y);
                }
            }
        }
    }
}
