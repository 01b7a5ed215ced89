//! Any keys, questions, messages and windows, in any order.

use proptest::prelude::*;

use super::*;
use crate::program::report::{Body, Report};

/// What may come from the terminal, and from the server.
#[derive(Clone, Debug)]
enum Step {
    Typed(Vec<u8>),
    Asked(Ask),
    Told(Report),
    Drawn(u16, u16),
    Stalled(bool),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let typed = prop_oneof![
        6 => prop::sample::select(vec![
            "@bob:", "@bob ", "/msg bob ", "/query", "/say ", "@carol:x", "#lobby:", "#lobby", "/join #lobby", "/who", "hello", " ", "?", "@@", "//",
            "＠bob：", "\t", "\x1b[Z", "\x1b[A", "\x1b[B", "\x1b[D", "\x01", "\x05", "\x04", "\x7f", "\x15", "\x19", "\x17",
            "\x1f", "\x1bn", "\x1bp", "\x1ba", "\x1bOP", "\x1b[200~a\nb\x1b[201~", "\x1b[<0;3;3M", "\x1b[32;9;9M", "\x1b",
            "é", "山田",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        3 => Just(b"\r".to_vec()),
        1 => prop::collection::vec(any::<u8>(), 0..12),
    ];
    let asked = prop_oneof![
        3 => Just(Ask::Command { room: Some("#lobby".into()) }),
        1 => Just(Ask::Name),
        1 => Just(Ask::Password { name: "alice".into() }),
    ];
    // The trial looks for this letter outside of the places of bodies.
    let body = prop_oneof![3 => any::<Vec<u8>>(), 1 => Just("ᛟ alice ᛟ ".repeat(9).into_bytes())];
    let told = (prop::sample::select(vec!["bob", "dave"]), prop::sample::select(vec!["alice", "#lobby"]), body)
        .prop_map(|(from, to, body)| Report::Message {
            id: chatcore::MessageId(7).into(),
            time: 0,
            from: from.into(),
            to: to.into(),
            body: Body::new(body),
        });
    let step = prop_oneof![
        12 => typed.prop_map(Step::Typed),
        1 => asked.prop_map(Step::Asked),
        2 => told.prop_map(Step::Told),
        1 => (0u16..90, 0u16..30).prop_map(|(width, height)| Step::Drawn(width, height)),
        1 => any::<bool>().prop_map(Step::Stalled),
    ];
    prop::collection::vec(step, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(120))]

    /// Any bytes as the keyboard, any messages and questions between them, in a window of any size: the trial checks
    /// that what is sent was in the input, with its recipient in the prompt, in the last picture that was written
    /// before the Enter that sent it. There is no picture between what comes from the terminal at once.
    #[test]
    fn what_is_sent_was_visible_with_its_recipient(steps in steps()) {
        let mut trial = Trial::new();
        for step in steps {
            match step {
                Step::Typed(bytes) => trial.types(&bytes),
                Step::Asked(ask) => trial.ask(ask),
                Step::Told(report) => trial.report(&report),
                Step::Drawn(columns, rows) => trial.resizes(columns, rows),
                Step::Stalled(is_stalled) => trial.stalls(is_stalled),
            }
        }
    }

    /// Whatever a terminal sends beside what is typed: who begins with `@bob:` is read by bob alone.
    #[test]
    fn no_sequence_makes_a_private_line_public(
        at in 0usize..12,
        noise in prop::collection::vec(prop::sample::select(crate::program::full::keys::tests::noise()), 1..4),
    ) {
        let mut app = app("#lobby");
        let (head, tail) = "@bob:secret".split_at(at.min(11));
        types(&mut app, [head.as_bytes(), &noise.concat(), tail.as_bytes(), b"\r"].concat());
        let sent = sent(&mut app);
        prop_assert!(sent.iter().all(|sent| sent.starts_with("bob ")), "{:?}", sent);
    }
}
