//! The game of the examples, without a clock.

use std::time::Duration;

use super::game_loop::{PLAYERS, Report, play};

#[test]
fn in_the_game_of_the_examples_everybody_hears_its_zone() {
    let turns = 660;
    let measure = |turn: &mut dyn FnMut()| {
        turn();
        Duration::ZERO
    };
    let Report { turns: played, said, due, heard } = play(turns, measure, || {});
    assert_eq!(played.len(), turns);
    // Each of them, every second.
    assert_eq!(said, PLAYERS as u64 * turns as u64 / 60);
    assert!(due > 10 * said, "{due} of {said} messages are to be heard");
    assert_eq!(heard, due);
}
