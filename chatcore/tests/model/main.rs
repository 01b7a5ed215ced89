//! The hub against a small model of it: users with several sessions, mailboxes, rooms whose members do not always keep
//! up, clients that go on with another's session, and a program that decides about requests.

mod chat;
mod run;
mod step;
#[path = "../world/mod.rs"]
mod world;

use std::time::Duration;

use chatcore::Limits;
use proptest::collection::vec;
use proptest::prelude::*;
use run::Run;
use step::{step, step_or_answer};

/// Who loses its connection is gone, as in a chat without sessions; and there is room for everything.
fn roomy() -> Limits {
    Limits::default().with_resume_time_max(Duration::ZERO)
}

/// Outboxes hold a few messages.
fn tight() -> Limits {
    Limits::default().with_body_bytes_max(1_000).with_outbox_bytes_max(6_000)
}

proptest! {
    #[test]
    fn a_hub_is_users_and_mailboxes(steps in vec(step(), 1..120)) {
        Run::new(roomy()).play(&steps);
    }

    #[test]
    fn a_member_gets_what_is_said_in_its_rooms_or_is_told_what_it_missed(steps in vec(step(), 1..240)) {
        let mut run = Run::new(tight());
        run.gather();
        run.play(&steps);
    }

    #[test]
    fn a_hub_does_what_its_program_allows_whenever_it_answers(steps in vec(step_or_answer(), 1..160)) {
        let mut run = Run::deciding(roomy(), false);
        run.gather();
        run.play(&steps);
    }

    #[test]
    fn what_the_program_decides_late_comes_to_those_who_are_away_and_full(steps in vec(step_or_answer(), 1..240)) {
        let mut run = Run::deciding(tight(), true);
        run.gather();
        run.play(&steps);
    }

    #[test]
    fn the_same_inputs_give_the_same_outputs(steps in vec(step_or_answer(), 1..60)) {
        let trace = || {
            let mut run = Run::deciding(tight(), true);
            run.gather();
            let mut bytes = Vec::new();
            for step in &steps {
                run.step(*step);
                bytes.extend(run.users.values().flat_map(|user| run.world.hub.transmit(user.conn).concat()));
            }
            (run.world.hub_events, bytes)
        };
        prop_assert_eq!(trace(), trace());
    }
}
