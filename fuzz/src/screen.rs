//! Any bytes at the keyboard of the client's full screen, any bytes of its server, and any window.

use std::time::Duration;

use chatcore_client::program::Trial;

/// Steps of one run, at the most: each draws a picture.
const STEPS_MAX: usize = 100;

/// Users and rooms of the steps that are no frames.
const NAMES: [&str; 4] =
    ["bob", "alice", "#lobby", "dave-who-has-a-name-that-is-longer-than-the-others-and-leaves-no-room"];

/// A body is repeated so often, at the most.
const TIMES_MAX: usize = 64;

/// Steps follow each other: a byte for the kind, one for the number of bytes that belong to the step, and these.
///
/// The trial checks after each step that nothing is sent that the last written picture did not show with its recipient,
/// that nothing of others stands where the program writes, that a terminal obeys none of it, and that what is kept is
/// bounded.
pub fn screen(data: &[u8]) {
    let mut trial = Trial::new();
    let mut rest = data;
    for _ in 0..STEPS_MAX {
        let [kind, bytes, after @ ..] = rest else { return };
        let (step, after) = after.split_at(usize::from(*bytes).min(after.len()));
        take(&mut trial, *kind, step);
        rest = after;
    }
}

fn take(trial: &mut Trial, kind: u8, step: &[u8]) {
    let byte = |at: usize| step.get(at).copied().unwrap_or_default();
    let name = |at: usize| NAMES[usize::from(byte(at)) % NAMES.len()];
    match kind % 9 {
        0 | 1 => trial.types(step),
        2 => trial.hears(step),
        3 => {
            let times = usize::from(byte(2)) % TIMES_MAX + 1;
            trial.gets(name(0), name(1), &step.get(3..).unwrap_or_default().repeat(times));
        }
        4 => trial.is_asked(step.first().map(|_| name(0))),
        5 => trial.takes_lines(step.first().map(|_| "#lobby")),
        6 => trial.resizes(byte(0).into(), byte(1).into()),
        7 => trial.waits(Duration::from_millis(u64::from(byte(0)) * 10)),
        _ => trial.stalls(byte(0) % 2 == 1),
    }
}
