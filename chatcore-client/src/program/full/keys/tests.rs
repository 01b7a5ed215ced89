use super::sequences::{ACTING, IDLE, REPORTS, UNFINISHED};
use super::*;
use proptest::prelude::*;

fn read(bytes: &[u8]) -> Vec<Key> {
    let mut keys = Keys::default();
    let now = Instant::now();
    let mut read = keys.read(now, bytes);
    read.extend(keys.handle_timeout(now + SEQUENCE_TIME_MAX));
    read
}

fn typed(text: &str) -> Vec<Key> {
    text.chars().map(Key::Char).collect()
}

fn is_text(key: &Key) -> bool {
    matches!(key, Key::Char(_) | Key::Paste(_) | Key::Enter | Key::NewLine)
}

fn sequences() -> impl Iterator<Item = &'static [u8]> {
    [REPORTS, IDLE, ACTING, UNFINISHED].into_iter().flatten().copied()
}

/// Those that are whole, and type nothing.
pub(crate) fn noise() -> Vec<&'static [u8]> {
    let is_noise = |sequence: &&'static [u8]| {
        let mut keys = Keys::default();
        let read = keys.read(Instant::now(), sequence);
        keys.timeout().is_none() && !read.iter().any(is_text)
    };
    sequences().filter(is_noise).collect()
}

#[test]
fn no_part_of_a_sequence_is_text() {
    for sequence in sequences() {
        let shown = sequence.escape_ascii().to_string();
        let is_emoji = sequence == b"\x1b[128512u";
        let text = |keys: Vec<Key>| keys.into_iter().filter(is_text).collect::<Vec<_>>();
        let own = if is_emoji { typed("😀") } else { Vec::new() };
        assert_eq!(text(read(sequence)), own, "{shown}");
        // What is typed after it is all there, after it has ended, or after its time.
        let (mut keys, now) = (Keys::default(), Instant::now());
        let mut all = keys.read(now, sequence);
        all.extend(keys.read(now + SEQUENCE_TIME_MAX, b"@bob:secret"));
        assert_eq!(text(all), [own, typed("@bob:secret")].concat(), "{shown}");
    }
}

#[test]
fn a_sequence_is_whole_however_slowly_it_comes() {
    // One byte at a time, each almost too late for the time that it has.
    for sequence in sequences() {
        let (mut keys, mut now) = (Keys::default(), Instant::now());
        let mut all = Vec::new();
        for byte in sequence {
            all.extend(keys.read(now, &[*byte]));
            let due = keys.timeout().unwrap_or(now + SEQUENCE_TIME_MAX);
            now = due.checked_sub(Duration::from_millis(1)).unwrap();
        }
        assert_eq!(all, Keys::default().read(now, sequence), "{}", sequence.escape_ascii());
    }
    let (mut keys, now) = (Keys::default(), Instant::now());
    assert_eq!(keys.read(now, b"\x1b[<0;1"), []);
    // A network loses a packet, and sends it again.
    let late = now + Duration::from_millis(900);
    assert_eq!(keys.read(late, b";1M@"), [Key::Click { column: 0, row: 0 }, Key::Char('@')]);
}

/// A network stops for longer than anybody waits for a key.
#[test]
fn the_rest_of_a_sequence_is_no_text_however_late_it_comes() {
    let text = |keys: Vec<Key>| keys.into_iter().filter(is_text).collect::<Vec<_>>();
    let mut tried = 0;
    for sequence in sequences() {
        let own = if sequence == b"\x1b[128512u" { typed("😀") } else { Vec::new() };
        for cut in 2..sequence.len() {
            let (head, tail) = sequence.split_at(cut);
            // What may be typed is typed. Nobody has these terminals any more.
            let is_old =
                sequence.starts_with(b"\x1b[t") || sequence.starts_with(b"\x1b[T") || sequence.starts_with(b"\x1b/");
            if matches!(tail[0], b'@' | b'#' | b'/' | 0x80..) && !tail.contains(&0x9c) || is_old {
                continue;
            }
            let (mut keys, now) = (Keys::default(), Instant::now());
            let mut all = keys.read(now, head);
            let late = keys.timeout().unwrap_or(now) + Duration::from_secs(2);
            all.extend(keys.handle_timeout(late));
            all.extend(keys.read(late, tail));
            all.extend(keys.read(late + Duration::from_secs(2), b"@bob:secret"));
            let shown = (head.escape_ascii().to_string(), tail.escape_ascii().to_string());
            assert_eq!(text(all), [own.clone(), typed("@bob:secret")].concat(), "{shown:?}");
            tried += 1;
        }
    }
    assert!(tried > 500, "{tried}");
    for (head, tail) in [("\x1b", "[<0;1;1M"), ("\x1b", "[A"), ("\x1b", "OB"), ("\x1b", "]11;rgb:0/0/0\x07")] {
        let (mut keys, now) = (Keys::default(), Instant::now());
        let mut all = keys.read(now, head.as_bytes());
        all.extend(keys.read(now + Duration::from_millis(300), tail.as_bytes()));
        assert_eq!(text(all), [], "{tail}");
    }
}

/// What somebody types after a sequence without an end, or after an Esc, is all there.
#[test]
fn what_is_typed_after_a_sequence_was_given_up_is_text() {
    for (start, line) in [
        ("\x1b[<0;1", "@bob:secret"),
        ("\x1b[<0;1", "#lobby:hello"),
        ("\x1b[<0;1", "/who"),
        ("\x1b[<0;1", "ä"),
        ("\x1b[7$", "hello"),
        ("\x1b[", "hello"),
        ("\x1b[", "@bob:secret"),
        ("\x1bO", "/who"),
        ("\x1b", "hello"),
        ("\x1b", "[x"),
        ("\x1b", "Ok"),
        ("\x1b]11;rgb", "hello"),
    ] {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.read(now, start.as_bytes());
        keys.handle_timeout(now + SEQUENCE_TIME_MAX);
        let line_keys = keys.read(now + SEQUENCE_TIME_MAX, line.as_bytes());
        assert_eq!(line_keys, typed(line), "{start:?}");
        // Long after it, all is text.
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.read(now, start.as_bytes());
        keys.handle_timeout(now + SEQUENCE_TIME_MAX);
        assert_eq!(keys.read(now + Duration::from_secs(20), b";1;1M"), typed(";1;1M"), "{start:?}");
    }
}

#[test]
fn keys_without_text_have_their_sequences() {
    let keys: &[(&[u8], Key)] = &[
        (b"\x1b[A", Key::Up),
        (b"\x1bOA", Key::Up),
        (b"\x9bA", Key::Up),
        (b"\x8fA", Key::Up),
        (b"\x1b[1;5C", Key::WordRight),
        (b"\x1b[1;3D", Key::WordLeft),
        (b"\x1bO5D", Key::WordLeft),
        (b"\x1b[1;2A", Key::Up),
        (b"\x1b[1;1:2A", Key::Up),
        (b"\x1b[H", Key::Home),
        (b"\x1b[4~", Key::End),
        (b"\x1b[3~", Key::Delete),
        (b"\x1b[5~", Key::PageUp),
        (b"\x1b[6;5~", Key::Next),
        (b"\x1bOP", Key::Function(1)),
        (b"\x1bO2P", Key::Function(1)),
        (b"\x1b[[B", Key::Function(2)),
        (b"\x1b[15~", Key::Function(5)),
        (b"\x1b[24~", Key::Function(12)),
        (b"\x1b[Z", Key::BackTab),
        (b"\x1b\r", Key::NewLine),
        (b"\x1b[13;2u", Key::NewLine),
        (b"\x1b[27;5;13~", Key::NewLine),
        (b"\x1b[13;129u", Key::Enter),
        (b"\x1bOM", Key::Enter),
        (b"\x1b[57414u", Key::Enter),
        (b"\x1b[57400u", Key::Char('1')),
        (b"\x1bOq", Key::Char('1')),
        (b"\x1bOk", Key::Char('+')),
        (b"\n", Key::NewLine),
        (b"\r", Key::Enter),
        (b"\x7f", Key::Backspace),
        (b"\x1b\x7f", Key::BackspaceWord),
        (b"\x1ba", Key::Alt('a')),
        ("\x1bé".as_bytes(), Key::Alt('é')),
        (b"\x1b/", Key::Alt('/')),
        (b"\x1b[", Key::Alt('[')),
        (b"\x1b]", Key::Alt(']')),
        (b"\x1bO", Key::Alt('O')),
        (b"\x1bP", Key::Alt('P')),
        (b"\x17", Key::Ctrl('w')),
        (b"\x1b\x03", Key::Ctrl('c')),
        (b"\0", Key::Ctrl('@')),
        (b"\x1b", Key::Esc),
        (b"\x1b[97;5u", Key::Ctrl('a')),
        (b"\x1b[97;3u", Key::Alt('a')),
        (b"\x1b[97:65;2u", Key::Char('A')),
        (b"\x1b[97;;229u", Key::Char('å')),
        (b"\x1b[27;5;97~", Key::Ctrl('a')),
        (b"\x1b[<0;5;9M", Key::Click { column: 4, row: 8 }),
        (b"\x1b[32;5;9M", Key::Click { column: 4, row: 8 }),
        (b"\x1b[<64;1;1M", Key::ScrollUp { column: 0, row: 0 }),
        (b"\x1b[97;1;1M", Key::ScrollDown { column: 0, row: 0 }),
    ];
    for (bytes, key) in keys {
        assert_eq!(read(bytes), std::slice::from_ref(key), "{:?}", bytes.escape_ascii().to_string());
    }
}

#[test]
fn the_colour_of_the_background_is_told_in_several_forms() {
    let told: &[(&[u8], [u8; 3])] = &[
        (b"\x1b]11;rgb:0000/2b2b/3636\x07", [0, 0x2b, 0x36]),
        (b"\x1b]11;rgb:ffff/ffff/ffff\x1b\\", [255; 3]),
        (b"\x1b]11;rgb:f/8/0\x07", [255, 136, 0]),
        (b"\x1b]11;rgb:fff/000/800\x07", [255, 0, 127]),
        (b"\x1b]11;rgba:ff/80/00/ff\x07", [255, 128, 0]),
        (b"\x1b]11;#fdf6e3\x07", [0xfd, 0xf6, 0xe3]),
        (b"\x9d11;rgb:00/00/00\x9c", [0; 3]),
    ];
    for (bytes, colour) in told {
        assert_eq!(read(bytes), [Key::Background(*colour)], "{}", bytes.escape_ascii());
    }
    for other in
        ["10;rgb:00/00/00", "11;rgb:00/00", "11;rgb:0/0/00000", "11;rgb:+0/0/0", "11;#", "11;red", "11;?", "11"]
    {
        assert_eq!(read(format!("\x1b]{other}\x07").as_bytes()), [], "{other}");
    }
    assert_eq!(read(b"\x1b[200~\x1b]11;rgb:0/0/0\x07\x1b[201~"), [Key::Paste("]11;rgb:0/0/0".into())]);
}

#[test]
fn an_escape_is_a_key_when_nothing_follows_in_time() {
    let (mut keys, now) = (Keys::default(), Instant::now());
    assert_eq!(keys.read(now, b"\x1b"), []);
    assert_eq!(keys.timeout(), Some(now + BEGINNING_TIME_MAX));
    assert_eq!(keys.handle_timeout(now + BEGINNING_TIME_MAX), [Key::Esc]);
    assert_eq!(keys.timeout(), None);
    assert_eq!(keys.read(now, b"\x1b\x1b[A"), [Key::Esc, Key::Up]);
    // Alt with what could begin a sequence holds up nothing for long: what most sequences begin with longer than the
    // others.
    let rare = [b"\x1b]".as_slice(), b"\x1bP", b"\x1b_", b"\x1b^", b"\x1bX"].map(|start| (start, BEGINNING_TIME_MAX));
    let frequent = [b"\x1b[".as_slice(), b"\x1bO"].map(|start| (start, SEQUENCE_TIME_MAX));
    for (start, time) in rare.into_iter().chain(frequent) {
        let mut keys = Keys::default();
        assert_eq!(keys.read(now, start), []);
        assert_eq!(keys.timeout(), Some(now + time));
        let alone = Key::Alt(char::from(start[1]));
        assert_eq!(keys.read(now + time, b"x"), [alone.clone(), Key::Char('x')]);
        assert_eq!(
            keys.read(now, &[start, b"\x1b"].concat()),
            if time == SEQUENCE_TIME_MAX { vec![alone] } else { vec![] }
        );
    }
    // After the end of a string, an ESC is a new one.
    assert_eq!(keys.read(now, b"\x1bPx\x1b\\\x1b"), []);
    assert_eq!(keys.handle_timeout(now + BEGINNING_TIME_MAX), [Key::Esc]);
    assert_eq!(keys.read(now, b"\x1b]x\x07a"), [Key::Char('a')]);
}

#[test]
fn what_is_no_text_ends_nothing() {
    let shown: String = read(b"a\xff\xed\xa0\x80b")
        .into_iter()
        .map(|key| if let Key::Char(c) = key { c } else { unreachable!("{key:?}") })
        .collect();
    assert!(shown.starts_with("a\u{fffd}") && shown.ends_with("\u{fffd}b"), "{shown}");
    assert_eq!(read("é🚀".as_bytes()), typed("é🚀"));
    // A character that is cut off hides nothing of what follows.
    assert_eq!(read(b"\xe2\x1b[A"), [Key::Char('\u{fffd}'), Key::Up]);
    assert_eq!(read(b"\x1b\xc3@"), [Key::Alt('\u{fffd}'), Key::Char('@')]);
}

#[test]
fn a_paste_is_one_block_whatever_is_in_it() {
    assert_eq!(read(b"\x1b[200~a\r\nb\rc\td\x1b[31m\x07\x1b[201~"), [Key::Paste("a\nb\nc\td".into())]);
    assert_eq!(read(b"\x1b[200~/quit\r"), [], "it has not ended");
    // Neither strings nor keys nor reports of the mouse are looked for in it.
    assert_eq!(
        read(b"\x1b[200~a\x1b]b\x9bc\x1b[<0;1;1Md\x1b[I\x1bOP\x1b[201~"),
        [Key::Paste("a]b\u{fffd}cdOP".into())]
    );
    let long = [b"\x1b[200~".as_slice(), &vec![b'x'; PASTE_BYTES_MAX + 1], b"\x1b[201~y"].concat();
    assert_eq!(read(&long), [Key::PasteTooLong, Key::Char('y')]);
}

/// P3: not even Ctrl-C was heard until the terminal ended it.
#[test]
fn a_paste_without_its_end_is_over_when_nothing_comes() {
    let (mut keys, now) = (Keys::default(), Instant::now());
    assert_eq!(keys.read(now, b"\x1b[200~one\rtwo\x1b[20"), []);
    assert_eq!(keys.pasted_bytes(), Some(7));
    let mut all = keys.handle_timeout(now + SEQUENCE_TIME_MAX);
    let last = now + PASTE_SILENCE_MAX.saturating_sub(Duration::from_millis(1));
    all.extend(keys.read(last, b"\x03"));
    assert_eq!((all, keys.timeout()), (vec![], Some(last + PASTE_SILENCE_MAX)), "it may be a part of it");
    let over = last + PASTE_SILENCE_MAX;
    assert_eq!(keys.handle_timeout(over), [Key::Paste("one\ntwo".into())]);
    assert_eq!((keys.pasted_bytes(), keys.timeout()), (None, None));
    assert_eq!(keys.read(over, b"\x03"), [Key::Ctrl('c')]);
    assert_eq!(keys.read(over, b"x\r"), [Key::Char('x'), Key::Enter], "who has typed something types on");
}

#[test]
fn the_rest_of_a_paste_that_comes_late_sends_no_line() {
    for rest in [b"secret\r".as_slice(), b"and a line that is longer than anybody types", b"x\x1b[201~"] {
        let (mut keys, now) = (Keys::default(), Instant::now());
        keys.read(now, b"\x1b[200~one\r");
        let late = now + Duration::from_secs(30);
        assert_eq!(keys.handle_timeout(late), [Key::Paste("one\n".into())]);
        let mut rest = keys.read(late, rest);
        rest.extend(keys.handle_timeout(late + PASTE_SILENCE_MAX));
        assert!(matches!(&rest[..], [Key::Paste(_)]), "{rest:?}");
    }
    // The end of a paste may be cut as any other sequence.
    let (mut keys, now) = (Keys::default(), Instant::now());
    keys.read(now, b"\x1b[200~one\x1b[20");
    assert_eq!(keys.handle_timeout(now + SEQUENCE_TIME_MAX), []);
    assert_eq!(keys.read(now + SEQUENCE_TIME_MAX, b"1~x"), [Key::Paste("one".into()), Key::Char('x')]);
}

#[test]
fn backspace_is_what_the_terminal_says() {
    let read = |is_ctrl_h| Keys::new(is_ctrl_h).read(Instant::now(), b"\x08\x7f\x1b\x08");
    assert_eq!(read(false), [Key::BackspaceWord, Key::Backspace, Key::BackspaceWord]);
    assert_eq!(read(true), [Key::Backspace, Key::Backspace, Key::BackspaceWord]);
}

proptest! {
    #[test]
    fn keys_are_the_same_in_whatever_pieces(
        bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(ESC), b'0'..=b'~'], 0..200),
        cut in 0usize..200,
    ) {
        let (mut keys, now) = (Keys::default(), Instant::now());
        let (head, tail) = bytes.split_at(cut.min(bytes.len()));
        let pieces = [keys.read(now, head), keys.read(now, tail)].concat();
        prop_assert_eq!(pieces, Keys::default().read(now, &bytes));
    }

    #[test]
    fn any_sequence_between_two_texts_leaves_both_whole(
        parameters in "[0-9;:<=>?]{0,40}",
        between in "[ -/]{0,2}",
        end in "[@-Z^-`a-z{-}]",
        is_eight_bit in any::<bool>(),
    ) {
        // Some go on with bytes of any value, and `CSI u` may tell a character.
        prop_assume!(!matches!(end.as_str(), "M" | "t" | "T" | "u"));
        let start = if is_eight_bit { b"\x9b".as_slice() } else { b"\x1b[" };
        let bytes =
            [b"a".as_slice(), start, parameters.as_bytes(), between.as_bytes(), end.as_bytes(), b"@bob:b"].concat();
        let text: Vec<Key> = Keys::default().read(Instant::now(), &bytes).into_iter().filter(is_text).collect();
        prop_assert_eq!(text, typed("a@bob:b"));
    }
}
