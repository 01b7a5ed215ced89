//! An outbox against the plainest one there is: a list of frames.

use std::vec;
use std::vec::Vec;

use proptest::collection::vec as list;
use proptest::prelude::*;

use super::pool::{BYTES_MAX, BYTES_MIN};
use super::{Cursor, Outbox, Pool, Tally};
use crate::wire::{self, ClientMessage, Message, Ping, Send};

/// What happens to an outbox.
#[derive(Clone, Debug)]
enum Step {
    /// This many numbered frames with this many bytes of body each are put in, its own or shared.
    Put { body_bytes: usize, frames: u32, is_shared: bool },
    /// An unnumbered one.
    Remark,
    /// The transport takes this many per cent of what there is.
    Write(usize),
    /// The peer acknowledges this many frames less than it has.
    Acknowledge(u64),
    /// All is moved together.
    Compact,
    /// The connection breaks, and the peer comes back with this many frames less than it has.
    Resume(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (prop_oneof![0..200_usize, 0..3000_usize], 1..4_u32, any::<bool>())
            .prop_map(|(body_bytes, frames, is_shared)| Step::Put { body_bytes, frames, is_shared }),
        2 => Just(Step::Remark),
        5 => (0..=100_usize).prop_map(Step::Write),
        3 => (0..4_u64).prop_map(Step::Acknowledge),
        1 => Just(Step::Compact),
        1 => (0..4_u64).prop_map(Step::Resume),
    ]
}

/// All frames that were ever put in, and where they are.
#[derive(Default)]
struct Model {
    frames: Vec<Vec<u8>>,
    /// Bytes of them that were written, on the present connection.
    written: usize,
    /// Frames before this one do not belong to the present connection.
    begin: usize,
    acknowledged: u64,
}

impl Model {
    fn is_numbered(frame: &[u8]) -> bool {
        wire::measure(frame).0.is_numbered()
    }

    fn owed(&self) -> Vec<u8> {
        self.frames[self.begin..].concat()[self.written..].to_vec()
    }

    /// How many numbered frames the peer has, from the beginning.
    fn received(&self) -> u64 {
        let mut left = self.written;
        let whole = self.frames[self.begin..].iter().take_while(|frame| {
            let is_whole = frame.len() <= left;
            left = left.saturating_sub(frame.len());
            is_whole
        });
        let before = self.frames[..self.begin].iter().filter(|frame| Self::is_numbered(frame)).count();
        (before + whole.filter(|frame| Self::is_numbered(frame)).count()) as u64
    }

    /// What follows comes again, from the first numbered frame after a count on.
    fn resume(&mut self, count: u64) {
        let mut number = 0;
        let is_next = |frame: &Vec<u8>| {
            number += u64::from(Self::is_numbered(frame));
            number > count
        };
        self.begin = self.frames.iter().position(is_next).unwrap_or(self.frames.len());
        (self.written, self.acknowledged) = (0, count);
    }
}

proptest! {
    #[test]
    fn an_outbox_is_a_list_of_frames(steps in list(step(), 1..80)) {
        let mut outbox = Outbox::default();
        let mut pool = Pool::default();
        let mut model = Model::default();
        for step in steps {
            match step {
                Step::Put { body_bytes, frames, is_shared } => {
                    let mut frame = Vec::new();
                    ClientMessage::Send(Send { to: "bob", body: &vec![b'x'; body_bytes] }).encode(&mut frame);
                    let all = frame.repeat(frames as usize);
                    if is_shared {
                        let shared = pool.share(&all);
                        outbox.push_shared(&shared, frames, &mut pool);
                        pool.release(shared);
                    } else {
                        outbox.push_frames(&all, frames, &mut pool);
                    }
                    model.frames.extend((0..frames).map(|_| frame.clone()));
                }
                Step::Remark => {
                    let ping = ClientMessage::Ping(Ping { nonce: model.frames.len() as u64 });
                    outbox.push(&ping, &mut pool);
                    let mut frame = Vec::new();
                    ping.encode(&mut frame);
                    model.frames.push(frame);
                }
                Step::Write(per_cent) => {
                    let count = outbox.transmit().concat().len() * per_cent / 100;
                    outbox.transmitted(count, &mut pool);
                    model.written += count;
                }
                Step::Acknowledge(less) => {
                    let count = model.received().saturating_sub(less);
                    let is_news = outbox.acknowledge(count, &mut pool).map(|passed| passed.is_some());
                    prop_assert_eq!(is_news, Ok(count > model.acknowledged));
                    model.acknowledged = model.acknowledged.max(count);
                    prop_assert!(outbox.acknowledge(model.received() + 1, &mut pool).is_err(), "that was never written");
                }
                Step::Compact => {
                    outbox.compact(&mut pool);
                    prop_assert!(outbox.held_bytes() <= 2 * outbox.kept_bytes().max(BYTES_MIN));
                }
                Step::Resume(less) => {
                    let count = model.received().saturating_sub(less);
                    prop_assert!(outbox.resume_at(model.received() + 1, &mut pool).is_err(), "that was never written");
                    if count < model.acknowledged {
                        prop_assert!(outbox.resume_at(count, &mut pool).is_err(), "that is gone");
                        continue;
                    }
                    prop_assert_eq!(outbox.resume_at(count, &mut pool), Ok(()));
                    outbox.restart(Outbox::default(), &mut pool);
                    model.resume(count);
                }
            }
            prop_assert_eq!(outbox.transmit().concat(), model.owed());
            prop_assert!(outbox.transmit().all(|chunk| !chunk.is_empty()));
            prop_assert_eq!(outbox.first_unwritten(), model.received() + 1);
            let numbered = model.frames.iter().filter(|frame| Model::is_numbered(frame));
            prop_assert_eq!(outbox.next_number(), numbered.clone().count() as u64 + 1);
            let mut cursor = Cursor::default();
            let kept = std::iter::from_fn(|| outbox.next_kept(&mut cursor));
            let kept: Vec<_> = kept.filter(|(content, _)| content.kind.is_numbered()).map(|(content, _)| content.fields.to_vec()).collect();
            let unacknowledged: Vec<_> =
                numbered.skip(usize::try_from(model.acknowledged).unwrap()).map(|frame| wire::content(frame).fields.to_vec()).collect();
            prop_assert_eq!(kept, unacknowledged);
            let rest = outbox.clone().take_broken_frame(&mut Pool::default()).transmit().concat();
            prop_assert!(model.owed().starts_with(&rest), "the frame that is half written comes to its end");
            let all: usize = model.frames[model.begin..].iter().map(Vec::len).sum();
            prop_assert!(outbox.kept_bytes() <= all, "nothing is counted twice");
            if model.acknowledged == model.received() && model.owed().is_empty() {
                prop_assert_eq!(outbox.kept_bytes(), 0, "what is acknowledged is not kept");
            }
            prop_assert_eq!(pool.handed_out(), outbox.held_bytes() as u64, "what is handed out is what is held");
        }
        outbox.give_all(&mut pool);
        prop_assert_eq!(pool.handed_out(), 0);
    }
}

#[test]
fn what_never_becomes_empty_does_not_grow() {
    let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
    for body_bytes in [100, 3060, 3301] {
        for _ in 0..1_000 {
            let mut count = 0;
            for _ in 0..4 {
                count = outbox.push(&ClientMessage::Send(Send { to: "bob", body: &vec![7; body_bytes] }), &mut pool);
            }
            let bytes = outbox.transmit().bytes();
            outbox.transmitted(bytes, &mut pool);
            outbox.acknowledge(count - 1, &mut pool).expect("it is written");
        }
    }
    assert!(outbox.held_bytes() <= 256 << 10, "{} bytes for {}", outbox.held_bytes(), outbox.kept_bytes());
}

#[test]
fn what_is_shared_leaves_no_large_buffers_empty() {
    let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
    let frame = |body: &[u8]| {
        let mut frame = Vec::new();
        ClientMessage::Send(Send { to: "bob", body }).encode(&mut frame);
        frame
    };
    let (short, long) = (frame(&[1; 20]), frame(&[1; 1024]));
    // Now its buffers are large.
    outbox.push_frames(&short.repeat(8_000), 8_000, &mut pool);
    let long = pool.share(&long);
    while outbox.kept_bytes() < 4 << 20 {
        outbox.push_frames(&short, 1, &mut pool);
        outbox.push_shared(&long, 1, &mut pool);
    }
    assert!(
        outbox.held_bytes() <= 2 * outbox.kept_bytes(),
        "{} bytes for {}",
        outbox.held_bytes(),
        outbox.kept_bytes()
    );
}

#[test]
fn a_very_long_frame_leaves_nothing_behind() {
    let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
    let count = outbox.push(&ClientMessage::Send(Send { to: "bob", body: &vec![7; 1 << 20] }), &mut pool);
    let bytes = outbox.transmit().bytes();
    outbox.transmitted(bytes, &mut pool);
    outbox.acknowledge(count, &mut pool).expect("it is written");
    assert_eq!((outbox.held_bytes(), pool.scratch.capacity()), (0, 0));
}

#[test]
fn who_comes_back_has_one_segment_copied_and_the_rest_moved() {
    const FRAMES: u64 = 4_000;
    const BODY_BYTES: usize = 1_000;
    let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
    for _ in 0..FRAMES {
        outbox.push(&ClientMessage::Send(Send { to: "bob", body: &[7; BODY_BYTES] }), &mut pool);
    }
    let bytes = outbox.unwritten_bytes();
    outbox.transmitted(bytes, &mut pool);
    let mut most = 0;
    for received in [1, FRAMES / 3, FRAMES / 2, FRAMES - 2] {
        let before = Tally::now();
        outbox.resume_at(received, &mut pool).expect("it is written");
        outbox.restart(Outbox::default(), &mut pool);
        let copied = Tally::now().since(before).copied;
        assert!(copied <= BYTES_MAX as u64, "{copied} bytes of {} are copied", outbox.kept_bytes());
        most = most.max(copied);
        let bytes = outbox.unwritten_bytes();
        assert!(bytes > BODY_BYTES, "there is something to write again");
        outbox.transmitted(bytes, &mut pool);
    }
    assert!(most > BODY_BYTES as u64, "some began in the middle of a segment");
}

/// Nobody acknowledges them, so nothing else would let go of them.
#[test]
fn any_number_of_pongs_is_gone_when_they_are_written() {
    let (mut outbox, mut pool) = (Outbox::default(), Pool::default());
    for nonce in 0..20_000 {
        outbox.push(&ClientMessage::Ping(Ping { nonce }), &mut pool);
    }
    let bytes = outbox.unwritten_bytes();
    outbox.transmitted(bytes, &mut pool);
    assert_eq!((outbox.kept_bytes(), outbox.held_bytes()), (0, 0));
}
