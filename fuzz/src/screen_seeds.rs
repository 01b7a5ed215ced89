//! Seeds for the target of the client's screen: what is typed, each frame of a hub, and windows.

use crate::seed::{Seed, vectors};

/// The kinds of steps, as the target reads them.
const TYPED: u8 = 0;
const HEARD: u8 = 2;
const GOT: u8 = 3;
const ASKED: u8 = 4;
const TAKES_LINES: u8 = 5;
const WINDOW: u8 = 6;
const WAITS: u8 = 7;
const STALLS: u8 = 8;

/// All of them. The text has the protocol's test vectors.
pub(crate) fn screen_seeds(text: &str) -> Vec<Seed> {
    let by_hand = scripts().into_iter().map(|(name, bytes)| Seed { target: "screen", name: name.into(), bytes });
    by_hand.chain(frames(text)).collect()
}

fn step(kind: u8, bytes: &[u8]) -> Vec<u8> {
    let count = u8::try_from(bytes.len()).expect("a step of a seed is short");
    [&[kind, count], bytes].concat()
}

/// The Enter at the end comes after the picture that shows what it does.
fn typed(bytes: &[u8]) -> Vec<u8> {
    match bytes.strip_suffix(b"\r") {
        Some(line) if !line.is_empty() && !line.ends_with(b"\x1b") => [step(TYPED, line), step(TYPED, b"\r")].concat(),
        _ => step(TYPED, bytes),
    }
}

/// Each frame of a hub, after requests that it may answer.
fn frames(text: &str) -> Vec<Seed> {
    let asks = [typed(b"/join #lobby\r"), typed(b"@bob:hello\r"), typed(b"/who\r"), typed(b"/watch bob\r")].concat();
    let of_hub = vectors(text).filter(|(section, ..)| *section == "hub");
    let seeds = of_hub.map(|(_, name, frame)| {
        let bytes = [&asks[..], &step(HEARD, &frame), &typed(b"\x1bn")].concat();
        Seed { target: "screen", name: format!("hub-{name}"), bytes }
    });
    seeds.collect()
}

fn scripts() -> Vec<(&'static str, Vec<u8>)> {
    let lobby = step(TAKES_LINES, b"x");
    let in_lobby = |steps: &[Vec<u8>]| [lobby.clone(), steps.concat()].concat();
    let letter = "ᛟ".as_bytes();
    let body = |head: &[u8], body: &[u8]| step(GOT, &[head, body].concat());
    vec![
        ("a-private-line", in_lobby(&[typed(b"@bob:secret\r"), typed(b"and more\r")])),
        ("a-private-line-that-is-damaged", in_lobby(&[typed(b"@bob:secret\x01\x1b[3~\r"), typed(b"\x01@\r")])),
        (
            "a-name-that-does-not-fit",
            in_lobby(&[
                step(WINDOW, &[20, 6]),
                typed(b"@dave-who-has-a-name-that-is-longer-than-the-others-and-leaves-no-room:hello\r"),
                step(WINDOW, &[90, 20]),
                typed(b"\r"),
            ]),
        ),
        (
            "a-terminal-that-stalls",
            in_lobby(&[step(STALLS, &[1]), typed(b"one\r@bob:two\r"), step(STALLS, &[0]), typed(b"\r")]),
        ),
        ("a-mouse-in-a-line", in_lobby(&[typed(b"\x1b[<0;1;1M@bob:\x1b[<0;3;3M"), typed(b"\x1b[M !!x\r")])),
        ("a-sequence-in-two-pieces", in_lobby(&[typed(b"@bob:x\x1b"), step(WAITS, &[9]), typed(b"[3~\r")])),
        ("several-lines", in_lobby(&[typed(b"one\x1b\r\x1b[200~two\rthree\x1b[201~\r"), typed(b"\x1b[A\x1f\x19\r")])),
        (
            "a-question-within-a-line",
            in_lobby(&[typed(b"@bob:sec"), step(ASKED, b"\x01"), typed(b"ret\r"), typed(b"x\r")]),
        ),
        ("others-letters", in_lobby(&[body(&[0, 2, 9], letter), body(&[0, 1, 0], letter), typed(b"\x1bn\x1bn")])),
        (
            "a-long-body",
            in_lobby(&[
                body(&[0, 2, 63], b"alice: a line\n\xff\x1b[2J"),
                typed(b"\x0f\x1b[5~\x1b[5~"),
                step(WINDOW, &[40, 10]),
            ]),
        ),
        (
            "a-body-of-other-scripts",
            in_lobby(&[
                body(&[0, 2, 3], "שלום 👩\u{200d}🚀 e\u{301} 日本\u{202e}語 ".as_bytes()),
                step(WINDOW, &[21, 5]),
            ]),
        ),
        ("a-search", in_lobby(&[body(&[0, 2, 1], b"needle"), typed(b"needle\x12"), typed(b"\x12\x1b")])),
        ("the-list-of-keys", in_lobby(&[typed(b"?"), step(WINDOW, &[62, 5]), typed(b"\x1b[6~\x1bOP")])),
        ("completion", in_lobby(&[body(&[0, 2, 0], b"hi"), typed(b"bo\t\t\x1b[Z @b\t\r")])),
        ("every-window", in_lobby(&[1u8, 5, 19, 20, 44, 62, 130].map(|size| step(WINDOW, &[size, size / 2 + 1])))),
    ]
}
