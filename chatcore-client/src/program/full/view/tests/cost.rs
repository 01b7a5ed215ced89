//! What pictures cost. The figures are printed by
//! `cargo test --release -p chatcore-client --lib -- --nocapture cost`.

use std::time::{Duration, Instant};

use super::*;

/// How long something takes, of many times the shortest, so that other programs count as little as possible.
fn shortest(mut work: impl FnMut()) -> Duration {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed()
    };
    (0..50).map(time).min().unwrap_or_default()
}

#[test]
fn cost_of_pictures_and_messages() {
    let sentence = "The quick brown fox jumps over the lazy dog, and back; then it looks at https://example.org/fox. ";
    let hebrew = "שלום לכולם, מה שלומכם היום? ";
    let emoji = "👩\u{200d}🚀 🇩🇪 ❤\u{fe0f} ";
    for (what, body) in [("ASCII", sentence.to_owned()), ("Hebrew", hebrew.repeat(4)), ("emoji", emoji.repeat(12))] {
        let mut app = alice();
        for _ in 0..2_000 {
            app.report(&message("bob", "#lobby", body.as_bytes()));
        }
        let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
        let picture = shortest(|| {
            terminal.draw(|frame| app.draw(frame)).unwrap();
        });
        let one = message("bob", "#lobby", body.as_bytes());
        let report = shortest(|| (0..100).for_each(|_| app.report(&one))) / 100;
        println!("{what}: a picture of 200 × 50 with 2 000 messages {picture:?}, a message {report:?}");
    }
    let mut app = alice();
    app.report(&message("bob", "#lobby", sentence.repeat(650).as_bytes()));
    let mut terminal = Terminal::new(TestBackend::new(200, 50)).unwrap();
    // What is seen can be unfolded.
    terminal.draw(|frame| app.draw(frame)).unwrap();
    app.unfold();
    let picture = shortest(|| {
        terminal.draw(|frame| app.draw(frame)).unwrap();
    });
    println!("a picture with an unfolded message of 64 kB {picture:?}");
    for (what, body, needle) in [
        ("an unfolded line of 16 MB", "x".repeat(16 << 20), None),
        ("an unfolded message of 64 kB, all of which is looked for", "e".repeat(64 << 10), Some("e")),
        ("a folded message of 16 MB, all of which is looked for", "e".repeat(16 << 20), Some("e")),
    ] {
        let mut app = alice();
        app.report(&message("bob", "#lobby", body.as_bytes()));
        terminal.draw(|frame| app.draw(frame)).unwrap();
        if what.contains("unfolded") {
            app.unfold();
        }
        if let Some(needle) = needle {
            app.search(needle);
        }
        let picture = shortest(|| {
            terminal.draw(|frame| app.draw(frame)).unwrap();
        });
        println!("a picture with {what} {picture:?}");
    }
    let mut app = alice();
    for number in 0..10_000 {
        app.report(&message("bob", "#lobby", format!("{sentence}{number}").as_bytes()));
    }
    println!("a search in 10 000 messages {:?}", shortest(|| app.search("9999")));
}
