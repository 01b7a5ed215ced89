//! Messages as fast as the line takes them, of a server that heeds no acknowledgement: the program never has all of
//! them.

use std::io::Write;
use std::sync::mpsc::channel;
use std::thread;

use chatcore_client::chatcore::MessageId;
use chatcore_client::chatcore::wire::{ClientMessage, Done, HubMessage, Message, RoomDeliver};

use super::super::programs::Server;
use super::super::pty::Terminal;
use super::super::scripted::{accept, hear, listen, say, welcome};
use super::{DIGITS, SIGN, SIZE, newest, quickest_echo, resident};

/// Messages, which take the program some seconds, as it is built.
const COUNT: usize = if cfg!(debug_assertions) { 150_000 } else { 500_000 };

/// Bytes of a body behind its number.
const FILLER_BYTES: usize = 90;

/// A number of messages, and not a time, says how late a key is shown: on a machine that others use, too, a time says
/// nothing.
#[test]
fn a_key_is_shown_long_before_all_that_comes_and_what_waits_is_bounded() {
    // The quickest of many keys. A program that takes all that has come before it looks at keys shows no message before
    // the last one.
    const BETWEEN_MAX: usize = COUNT / 10;
    // Of the room the last 10 000 messages are kept, and 1 MiB and a quarter waits, with what is beside each. All of
    // the messages are more.
    const GROWTH_BYTES_MAX: usize = 24 << 20;
    let (listener, address) = listen();
    let (begin, begins) = channel();
    let serving = thread::spawn(move || {
        let mut server = accept(&listener);
        hear(&mut server, |asked| matches!(asked, ClientMessage::Register(_)));
        welcome(&mut server);
        hear(&mut server, |asked| matches!(asked, ClientMessage::Join(_)));
        say(&mut server, &HubMessage::Done(Done { number: 1 }));
        let (filler, mut bytes) = ("x".repeat(FILLER_BYTES), Vec::new());
        for number in 0..COUNT {
            let body = format!("{SIGN}{number:0DIGITS$} {filler}");
            let (id, body) = (MessageId(number as u64 + 1), body.as_bytes());
            HubMessage::RoomDeliver(RoomDeliver { id, room: "#lobby", from: "bob", body }).encode(&mut bytes);
        }
        begins.recv().unwrap();
        // Who ends before it has read all, has failed.
        let _ = server.write_all(&bytes);
        server
    });
    let keeping = Server::start();
    let terminal = Terminal::full_screen_at(&keeping, &address.to_string(), SIZE, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    let before = resident(&terminal);
    begin.send(()).unwrap();
    let mut growth = 0;
    let quickest = quickest_echo(&terminal, COUNT, || growth = growth.max(resident(&terminal).saturating_sub(before)));
    assert!(quickest <= BETWEEN_MAX, "{quickest} messages before the quickest echo");
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    terminal.until("all messages", |screen| newest(screen) == Some(COUNT - 1));
    drop((terminal, serving.join().unwrap()));
}
