//! However input is cut, the same comes of it.

use chatcore::websocket::{Content, FrameError, WebSocket};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use super::peer::*;

/// Makes a frame of its first byte and its payload.
type Framing = fn(u8, &[u8]) -> Vec<u8>;

/// Frames: mostly valid ones, some broken, some of the other end, and other bytes.
fn frame(ours: Framing, others: Framing) -> impl Strategy<Value = Vec<u8>> {
    let data = prop_oneof![
        Just(TEXT | FIN),
        Just(BINARY | FIN),
        Just(TEXT),
        Just(BINARY),
        Just(CONTINUATION),
        Just(CONTINUATION | FIN)
    ];
    let words = prop_oneof![Just("héllo, wörld 🦀"), Just("a"), Just("")].prop_map(|word| word.as_bytes().to_vec());
    let payload = prop_oneof![4 => words, 2 => vec(any::<u8>(), 0..20), 1 => vec(any::<u8>(), 120..300)];
    let code = prop_oneof![Just(1000_u16), Just(1001), Just(4000), 0_u16..5100];
    prop_oneof![
        12 => (data, payload.clone()).prop_map(move |(first, payload)| ours(first, &payload)),
        4 => (prop_oneof![Just(PING), Just(PONG)], vec(any::<u8>(), 0..126))
            .prop_map(move |(first, payload)| ours(first, &payload)),
        1 => (code, "[a-zé]{0,10}")
            .prop_map(move |(code, reason)| ours(CLOSE, &[&code.to_be_bytes(), reason.as_bytes()].concat())),
        1 => (any::<u8>(), payload.clone()).prop_map(move |(first, payload)| ours(first, &payload)),
        1 => (any::<u8>(), payload).prop_map(move |(first, payload)| others(first, &payload)),
        1 => vec(any::<u8>(), 0..20),
    ]
}

/// Such frames, and messages in fragments with pings in between.
pub(crate) fn frames(ours: Framing, others: Framing) -> impl Strategy<Value = Vec<u8>> {
    let message =
        (any::<bool>(), vec("[a-zé🦀]{0,5}", 1..4), vec(any::<u8>(), 0..5)).prop_map(move |(is_text, pieces, ping)| {
            let last = pieces.len() - 1;
            let mut bytes = Vec::new();
            for (number, piece) in pieces.iter().enumerate() {
                let opcode = if number > 0 {
                    CONTINUATION
                } else if is_text {
                    TEXT
                } else {
                    BINARY
                };
                bytes.extend(ours(opcode | if number == last { FIN } else { 0 }, piece.as_bytes()));
                if number < last && !ping.is_empty() {
                    bytes.extend(ours(PING, &ping));
                }
            }
            bytes
        });
    vec(prop_oneof![2 => frame(ours, others), 3 => message], 0..12).prop_map(|frames| frames.concat())
}

fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    ends.push(bytes.len());
    ends.sort_unstable();
    let mut start = 0;
    ends.into_iter().map(|end| &bytes[std::mem::replace(&mut start, end)..end]).collect()
}

proptest! {
    #[test]
    fn the_same_comes_of_frames_however_they_are_cut(bytes in frames(masked, plain), cuts in vec(any::<Index>(), 0..20)) {
        for content in [Content::Stream, Content::Messages] {
            let outcome = |pieces: &[&[u8]]| {
                let mut outcome = Outcome::of(WebSocket::server(content), pieces);
                // How much of a message comes before the byte that makes it invalid depends on the cut.
                if outcome.error() == Some(FrameError::TextNotUtf8) {
                    outcome.messages.retain(|message| message.is_whole);
                }
                outcome
            };
            let whole = outcome(&[&bytes]);
            prop_assert_eq!(&outcome(&bytes.chunks(1).collect::<Vec<_>>()), &whole);
            prop_assert_eq!(&outcome(&pieces(&bytes, &cuts)), &whole);
        }
    }

    #[test]
    fn a_stream_is_the_payload_of_its_frames(bytes in frames(masked, plain), cuts in vec(any::<Index>(), 0..20)) {
        let whole = stream(&bytes);
        let mut socket = WebSocket::server(Content::Stream);
        let (mut unframed, mut end) = (Vec::new(), None);
        for piece in pieces(&bytes, &cuts) {
            let mut piece = piece.to_vec();
            let arrived = socket.unframe(&mut piece);
            unframed.extend_from_slice(&piece[..arrived.payload_bytes]);
            end = end.or(arrived.end);
        }
        let expected: Vec<u8> = whole.messages.iter().flat_map(|message| message.bytes.clone()).collect();
        prop_assert_eq!((unframed, &end), (expected, &whole.end));
        prop_assert_eq!(written(&mut socket), whole.written);
    }
}

#[test]
fn the_frames_of_these_tests_end_in_every_way() {
    use proptest::strategy::ValueTree;
    use proptest::test_runner::TestRunner;

    let mut runner = TestRunner::deterministic();
    let (mut errors, mut closed, mut open) = (Vec::new(), 0, 0);
    for _ in 0..2000 {
        let bytes = frames(masked, plain).new_tree(&mut runner).unwrap().current();
        match messages(&bytes) {
            outcome if outcome.error().is_some() => errors.push(outcome.error().unwrap().to_string()),
            outcome if outcome.end.is_some() => closed += 1,
            _ => open += 1,
        }
    }
    errors.sort();
    errors.dedup();
    let text = FrameError::TextNotUtf8.to_string();
    assert!(errors.len() > 8 && errors.contains(&text) && closed > 20 && open > 100, "{errors:?} {closed} {open}");
}
