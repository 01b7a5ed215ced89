//! Questions, which take nothing of a line.

use super::*;

#[test]
fn a_password_is_neither_seen_nor_kept() {
    let mut app = App::new();
    types(&mut app, "typed too early\r");
    app.ask(Ask::Password { name: "alice".into() });
    types(&mut app, "s3cret");
    assert_eq!(prompt(&app), "password for alice: ••••••");
    types(&mut app, "\x1b[<0;1;1M\x1b]52;c;QGJv\x07é\x7f\r");
    match app.poll() {
        Some(Input::Secret(secret)) => assert_eq!(*secret, "s3cret"),
        other => panic!("{other:?}"),
    }
    types(&mut app, "\x19x\r");
    app.ask(Ask::Command { room: None });
    types(&mut app, "\x19\x1f\x1b[A\x1b[B");
    assert_eq!(app.draft().text(), "");
    assert!(drawn(&app).iter().all(|row| !row.contains("s3cret") && !row.contains("early")));
}

/// A question that comes while somebody types takes nothing of the line, and sends it nowhere.
#[test]
fn a_question_waits_until_the_line_that_is_typed_is_done_with() {
    for ask in [Ask::Name, Ask::Password { name: "alice".into() }] {
        let mut app = app("#lobby");
        types(&mut app, "@bob:sec");
        app.ask(ask);
        assert!(prompt(&app).starts_with("Enter, and then"), "{}", prompt(&app));
        types(&mut app, "ret\r");
        assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "@bob:secret"));
        types(&mut app, "other\r");
        match app.poll() {
            Some(Input::Line(text)) => assert_eq!(text, "other"),
            Some(Input::Secret(text)) => assert_eq!(*text, "other"),
            other => panic!("{other:?}"),
        }
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        assert_eq!(prompt(&app), "only bob reads it> @bob:secret");
    }
}

#[test]
fn no_question_opens_a_room_under_a_line_that_was_begun() {
    let mut app = App::new();
    app.ask(Ask::Command { room: None });
    types(&mut app, "@bob:sec");
    app.ask(Ask::Command { room: Some("#lobby".into()) });
    types(&mut app, "ret\r");
    assert_eq!(sent(&mut app), ["bob secret"]);
    let mut app = App::new();
    app.ask(Ask::Command { room: Some("#lobby".into()) });
    assert_eq!(prompt(&app), "#lobby>", "a room that was left by the last run is open");
}
