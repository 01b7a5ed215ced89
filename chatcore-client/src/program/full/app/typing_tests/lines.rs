//! What becomes of a line, however it is typed.

use super::*;
use crate::program::full::text::made;

#[test]
fn what_is_typed_after_the_key_that_looks_is_looked_for() {
    let mut app = app("#lobby");
    types(&mut app, "number 13\r\x12");
    assert_eq!((sent(&mut app).len(), prompt(&app).as_str()), (1, "look for>"));
    types(&mut app, "?@bob:x\r");
    assert_eq!((sent(&mut app).len(), app.search.is_some()), (0, false));
    assert_eq!(prompt(&app), "look for> ?@bob:x", "it can be mended");
    types(&mut app, "\x15NUMBER\r");
    assert_eq!((sent(&mut app).len(), app.search.is_some(), app.draft().text()), (0, true, ""));
    assert_eq!(prompt(&app), "#lobby>");
    // By none of the ways out is it said, or left for the next Enter.
    for way in ["\x1b", "\x1bn", "\x15\r", "\x15\x04"] {
        types(&mut app, "\x1b");
        app.open("#lobby");
        types(&mut app, format!("\x12secret{way}"));
        app.open("#lobby");
        assert_eq!(prompt(&app), "#lobby>", "{way:?}");
        types(&mut app, "\r");
        assert_eq!((sent(&mut app).len(), app.has_ended()), (0, false), "{way:?}");
    }
    types(&mut app, "\x1b");
    types(&mut app, "\x12for later");
    assert_eq!(app.kept().drafts.len(), 0, "nor by the next run");
}

#[test]
fn the_end_of_the_last_line_that_is_pasted_is_not_sent() {
    let mut app = app("#lobby");
    types(&mut app, "\x1b[200~one\ntwo\r\n\x1b[201~\r@bob:\x1b[200~three\n\x1b[201~\r");
    assert_eq!(sent(&mut app), ["#lobby one\ntwo", "bob three"]);
}

#[test]
fn drafts_stay_where_they_were_begun_and_so_does_what_was_said() {
    let mut app = app("#lobby");
    types(&mut app, "half a line");
    app.open("bob");
    types(&mut app, "secret one\rsecret two\rsecret thr");
    assert_eq!(sent(&mut app), ["bob secret one", "bob secret two"]);
    app.open("#lobby");
    assert_eq!(app.draft().text(), "half a line");
    types(&mut app, "\x1b[A\x1b[A");
    assert_eq!(app.draft().text(), "half a line", "nothing was said here");
    app.open("bob");
    types(&mut app, "\x1b[A");
    assert_eq!(app.draft().text(), "secret two");
    types(&mut app, "\x1b[A");
    assert_eq!(app.draft().text(), "secret one");
    types(&mut app, "\x1b[B\x1b[B");
    assert_eq!(app.draft().text(), "secret thr", "what was never said is not lost");
}

#[test]
fn several_lines_are_one_message() {
    let mut app = app("#lobby");
    types(&mut app, "one\x1b\rtwo\nthree\x1b[200~\r\nfour\x1b[201~");
    assert_eq!(sent(&mut app), [] as [&str; 0]);
    assert_eq!(&drawn(&app)[12..], ["#lobby> one", "        two", "        three", "        four"]);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app), ["#lobby one\ntwo\nthree\nfour"]);
}

#[test]
fn what_is_too_long_is_refused_with_both_numbers_and_nothing_is_lost() {
    let mut app = app("#lobby");
    app.set_body_bytes_max(100);
    types(&mut app, "@bob:hello ");
    types(&mut app, format!("\x1b[200~{}\x1b[201~", "x".repeat(1 << 20)));
    shows(&app, "1048582 bytes are too long: 100 at most");
    assert_eq!(app.draft().text(), "@bob:hello ");
    types(&mut app, format!("\x1b[200~{}\x1b[201~", "x".repeat(94)));
    assert_eq!(app.draft().text().len(), 105, "the recipient does not count");
    // However it comes.
    for more in ["y", "\x1b\r"] {
        types(&mut app, more);
        shows(&app, "101 bytes are too long: 100 at most");
    }
    app.type_text("three more");
    shows(&app, "110 bytes are too long: 100 at most");
    assert_eq!(app.draft().text().len(), 105);
    types(&mut app, "\r");
    assert_eq!(sent(&mut app).len(), 1);
}

#[test]
fn a_paste_that_goes_on_is_seen() {
    let mut app = app("#lobby");
    let (mut keys, now) = (Keys::default(), Instant::now());
    assert_eq!(keys.read(now, &[b"\x1b[200~".as_slice(), &[b'x'; 12_000]].concat()), []);
    assert!(app.set_pasted_bytes(keys.pasted_bytes()) && !app.set_pasted_bytes(keys.pasted_bytes()));
    shows(&app, "a paste goes on, 12 kB so far: keys do nothing until its end, or 3 s without");
    for key in keys.handle_timeout(now + Duration::from_secs(3)) {
        app.press(&key);
    }
    assert!(app.set_pasted_bytes(keys.pasted_bytes()));
    shows(&app, "#lobby │ not registered");
    assert_eq!(app.draft().text().len(), 12_000);
}

/// No more of it is laid out than is shown, whatever the machine is busy with.
#[test]
fn a_paste_of_a_megabyte_is_drawn_at_once() {
    const BYTES: usize = 1 << 20;
    for limit in [65_536, 16 << 20] {
        // The beginning of the last would be a name.
        for text in ["some words of a line\r\n".repeat(BYTES / 22), format!("@{}", "x".repeat(BYTES))] {
            let mut app = app("#lobby");
            app.set_body_bytes_max(limit);
            let before = made();
            types(&mut app, format!("\x1b[200~{text}\x1b[201~"));
            let _ = drawn(&app);
            types(&mut app, "x");
            let _ = drawn(&app);
            let made = made() - before;
            assert!(made < BYTES / 10, "{made} glyphs with a limit of {limit}");
        }
    }
}

#[test]
fn the_list_of_keys_is_shown_and_a_question_mark_can_be_said() {
    let mut app = app("#lobby");
    types(&mut app, "?");
    shows(&app, "Enter");
    shows(&app, "sends the line to whom the prompt names");
    types(&mut app, "?");
    assert_eq!(app.draft().text(), "?");
    types(&mut app, "?");
    assert!(app.help.is_none(), "the line is not empty");
    types(&mut app, "\x1bOP");
    for _ in 0..40 {
        types(&mut app, "\x1b[6~");
    }
    shows(&app, "a doubled sign stands for itself");
    types(&mut app, "\r");
    assert!(app.help.is_none());
    assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "??"));
    types(&mut app, "\x15?@bob:secret\r");
    assert_eq!(sent(&mut app), ["bob secret"], "no key is lost");
}

/// A terminal that marks no paste, or a key that is held down while the program is busy.
#[test]
fn text_that_is_typed_at_once_does_what_its_characters_do() {
    let typed = |text: &str| {
        let mut app = app("#lobby");
        app.type_text(text);
        (app.help.is_some(), app.draft().text().to_owned(), prompt(&app))
    };
    assert_eq!(typed("@bob:hi").2, "only bob reads it> @bob:hi");
    assert!(typed("?").0);
    assert_eq!(typed("??@bob:hi"), (false, "?@bob:hi".to_owned(), "#lobby> ?@bob:hi".to_owned()));
    let mut app = App::new();
    app.ask(Ask::Password { name: "alice".into() });
    app.type_text("s3cret");
    assert_eq!(prompt(&app), "password for alice: ••••••");
}

#[test]
fn whoever_wants_to_leave_leaves_after_what_was_sent() {
    let mut app = app("#lobby");
    types(&mut app, "hello\r\x03");
    assert_eq!(sent(&mut app)[..1], ["#lobby hello"]);
    assert!(app.has_ended());
    let mut app = App::new();
    types(&mut app, "\x03");
    assert!(app.has_ended(), "also while the server is waited for");
}
