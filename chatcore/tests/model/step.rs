//! What devices, the program and the time do to a hub: drawn at random.

use std::time::Duration;

use proptest::prelude::*;

use super::chat::{Body, DEVICES, NAMES, ROOMS, Request};

/// How long a session waits when its connection breaks; none for as long as the hub's limits say.
pub(crate) type ResumeTime = Option<Duration>;

/// A step of a run. A device is given by its number, and so is a user.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// A device takes the name of its user, in upper case: names compare without it.
    Register(usize, ResumeTime),
    /// A device asks for something; the hub has the request when this is over, and others have not heard of it.
    Ask(usize, Request),
    /// Carries everything that waits between a device and the hub.
    Carry(usize),
    /// Likewise, and the device acknowledges it.
    Acknowledge(usize),
    /// A device says goodbye.
    Close(usize),
    /// It loses the connection.
    Break(usize),
    /// It comes back with another one.
    Resume(usize, ResumeTime),
    /// The program gives a session of a user to another client.
    TakeOver(usize, ResumeTime),
    /// The program answers one of the questions that are open, if there is one: yes or no.
    Answer(usize, bool),
    /// Lets so many milliseconds pass.
    Pass(u64),
}

fn body() -> impl Strategy<Value = Body> {
    let bytes = prop_oneof![1 => 1..300_usize, 2 => 300..1_000_usize];
    (any::<u8>(), bytes).prop_map(|(byte, bytes)| Body { byte, bytes })
}

fn ask() -> impl Strategy<Value = Step> {
    let room = || 0..ROOMS.len();
    let request = prop_oneof![
        6 => (0..NAMES.len(), body()).prop_map(|(to, body)| Request::Send(to, body)),
        8 => room().prop_map(Request::Join),
        4 => room().prop_map(Request::Leave),
        24 => (room(), body()).prop_map(|(room, body)| Request::Say(room, body)),
        2 => room().prop_map(Request::Roster),
        2 => Just(Request::Subscriptions),
    ];
    (0..DEVICES.len(), request).prop_map(|(device, request)| Step::Ask(device, request))
}

/// In half of all cases that of the hub, and else none at all, a shorter one, or a longer one.
fn resume_time() -> impl Strategy<Value = ResumeTime> {
    let seconds = |seconds| Just(Some(Duration::from_secs(seconds)));
    prop_oneof![3 => Just(None), 1 => seconds(0), 1 => seconds(30), 1 => seconds(600)]
}

/// Any step but an answer.
pub(crate) fn step() -> impl Strategy<Value = Step> {
    let device = || 0..DEVICES.len();
    prop_oneof![
        4 => (device(), resume_time()).prop_map(|(device, time)| Step::Register(device, time)),
        44 => ask(),
        4 => device().prop_map(Step::Carry),
        2 => device().prop_map(Step::Acknowledge),
        1 => device().prop_map(Step::Close),
        2 => device().prop_map(Step::Break),
        3 => (device(), resume_time()).prop_map(|(device, time)| Step::Resume(device, time)),
        2 => (0..NAMES.len(), resume_time()).prop_map(|(user, time)| Step::TakeOver(user, time)),
        1 => (0_u64..70_000).prop_map(Step::Pass),
    ]
}

/// Any step. There are about as many answers as requests that are asked about.
pub(crate) fn step_or_answer() -> impl Strategy<Value = Step> {
    let answer = (0..64_usize, prop::bool::weighted(0.8)).prop_map(|(which, is_yes)| Step::Answer(which, is_yes));
    prop_oneof![3 => step(), 2 => answer]
}
