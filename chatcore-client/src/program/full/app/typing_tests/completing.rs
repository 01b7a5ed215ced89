//! What Tab does to a line.

use super::*;
use crate::program::report::{Body, Report};

#[test]
fn tab_completes_and_never_changes_who_reads_it() {
    let mut app = app("#lobby");
    let body = || Body::new(b"hi".to_vec());
    let heard = |from: &str| Report::Message {
        id: chatcore::MessageId(1).into(),
        time: 0,
        from: from.into(),
        to: "#lobby".into(),
        body: body(),
    };
    for name in ["bobby", "bob"] {
        app.report(&heard(name));
    }
    types(&mut app, "bo\t");
    assert_eq!(app.draft().text(), "bob: ");
    assert_eq!(prompt(&app), "#lobby> bob:");
    shows(&app, "[bob]  bobby");
    types(&mut app, "\t");
    assert_eq!(app.draft().text(), "bobby: ");
    types(&mut app, "\x1b[Z");
    assert_eq!(app.draft().text(), "bob: ");
    types(&mut app, "look\r");
    assert_eq!(sent(&mut app), ["#lobby bob: look"]);
    types(&mut app, "@bo\t");
    assert_eq!(prompt(&app), "opens bob> @bob:");
    types(&mut app, "\x15/jo\t#lo\t\r");
    assert_eq!(sent(&mut app), ["Command(Join(\"#lobby\"))"]);
}

#[test]
fn what_is_offered_and_not_shown_is_counted() {
    let mut app = app("#lobby");
    let join = |app: &mut App, count| {
        for number in 0..count {
            let name = format!("user{number:04}");
            app.report(&Report::Joined { room: "#garden".into(), name, display_name: None });
        }
    };
    join(&mut app, 15);
    types(&mut app, "us\t");
    let hint = app.hint.clone().unwrap();
    assert!(hint.starts_with("[user0014]  user0013  ") && hint.ends_with("  user0003  and 3 more"), "{hint}");
    join(&mut app, 300);
    types(&mut app, "\x15us\t");
    assert!(app.hint.as_ref().unwrap().ends_with("  and 188+ more"), "{:?}", app.hint);
    types(&mut app, "\x15user0007\t");
    assert_eq!(app.hint, None, "there is one alone");
}

/// Who spoke here last is meant first, then who is here, and then whoever was heard of elsewhere.
#[test]
fn tab_knows_who_is_in_the_room() {
    let mut app = app("#lobby");
    app.own_name = Some("bea".to_owned());
    let says = |app: &mut App, from: &str, to: &str| {
        let id = chatcore::MessageId(1).into();
        let body = Body::new(b"hi".to_vec());
        app.report(&Report::Message { id, time: 0, from: from.into(), to: to.into(), body });
    };
    let offered = |app: &mut App, begun: &str| {
        types(app, format!("\x15{begun}"));
        let mut all = Vec::new();
        loop {
            types(app, "\t");
            if app.draft().text() == begun {
                return all;
            }
            all.push(app.draft().text().to_owned());
        }
    };
    for (from, to) in [("bill", "#lobby"), ("bob", "#lobby"), ("bill", "#lobby"), ("bix", "#lobby"), ("bo", "#garden")]
    {
        says(&mut app, from, to);
    }
    // As long as nobody knows who is here, whoever spoke may be.
    assert_eq!(offered(&mut app, "b"), ["bix: ", "bill: ", "bob: ", "bo: "]);
    let names = ["bart", "bea", "bella", "bill", "bob"].map(|name| crate::User::new(name.parse().unwrap()));
    let users = crate::program::report::Users::of(names.into(), false);
    app.report(&Report::Roster { room: "#lobby".into(), users });
    // Bix is gone, and bea is whoever types.
    assert_eq!(offered(&mut app, "b"), ["bill: ", "bob: ", "bart: ", "bella: ", "bo: ", "bix: "]);
    assert_eq!(offered(&mut app, "hi B"), ["hi bill", "hi bob", "hi bart", "hi bella", "hi bo", "hi bix"]);
    assert_eq!(offered(&mut app, "@be"), ["@bella:"]);
    says(&mut app, "bella", "#lobby");
    assert_eq!(offered(&mut app, "/msg b")[..2], ["/msg bella", "/msg bill"]);
    app.open("bob");
    assert_eq!(offered(&mut app, "b")[..2], ["bob: ", "bella: "], "whom one talks to comes first");
}
