//! Messages as fast as the line takes them, of a server that heeds no acknowledgement: the program never has all of them.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;
use std::thread;

use chatcore_client::chatcore::MessageId;
use chatcore_client::chatcore::wire::{
    ClientMessage, Done, HubMessage, Message, PREFACE_BYTES, Preface, RoomDeliver, Token, Welcome, take,
};

use super::super::programs::Server;
use super::super::pty::Terminal;
use super::super::scripted::LIMITS;
use super::{DIGITS, SIGN, SIZE, echo, newest, resident};

/// Messages, which take the program some seconds, as it is built.
const COUNT: usize = if cfg!(debug_assertions) { 150_000 } else { 500_000 };

/// Bytes of a body behind its number.
const FILLER_BYTES: usize = 90;

/// Reads until alice asks for this, and says the answer.
fn answer(server: &mut TcpStream, answer_to: impl Fn(&ClientMessage<'_>) -> Option<HubMessage<'static>>) {
    let (mut heard, mut buffer) = (Vec::new(), [0; 1_000]);
    loop {
        let count = server.read(&mut buffer).unwrap();
        assert!(count > 0, "it asks");
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        while let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            if let Some(answer) = ClientMessage::decode(content).unwrap().as_ref().and_then(&answer_to) {
                let mut bytes = Vec::new();
                answer.encode(&mut bytes);
                return server.write_all(&bytes).unwrap();
            }
        }
    }
}

/// A number of messages, and not a time, says how late a key is shown: on a machine that others use, too, a time says nothing.
#[test]
fn a_key_is_shown_long_before_all_that_comes_and_what_waits_is_bounded() {
    // The quickest of many keys. A program that takes all that has come before it looks at keys shows no message before the
    // last one.
    const BETWEEN_MAX: usize = COUNT / 10;
    // Of the room the last 10 000 messages are kept, and 1 MiB and a quarter waits, with what is beside each. All of the
    // messages are more.
    const GROWTH_BYTES_MAX: usize = 24 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let (begin, begins) = channel();
    let serving = thread::spawn(move || {
        let mut server = listener.accept().unwrap().0;
        server.read_exact(&mut [0; PREFACE_BYTES]).unwrap();
        server.write_all(&Preface::OURS.encode()).unwrap();
        let token = Token::from_bytes([7; 16]);
        let welcome = || HubMessage::Welcome(Welcome { name: "alice", display_name: None, token, limits: LIMITS });
        answer(&mut server, |asked| matches!(asked, ClientMessage::Register(_)).then(welcome));
        answer(&mut server, |asked| {
            matches!(asked, ClientMessage::Join(_)).then_some(HubMessage::Done(Done { number: 1 }))
        });
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
    let terminal = Terminal::full_screen_at(&keeping, &address, SIZE, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    let before = resident(&terminal);
    begin.send(()).unwrap();
    terminal.until("the flood", |screen| newest(screen).is_some());
    let (mut typed, mut quickest, mut growth) = (String::new(), usize::MAX, 0);
    let mut last = newest(&terminal.screen()).unwrap();
    while last < COUNT * 3 / 4 {
        if typed.len() == 20 {
            typed.clear();
            terminal.types("\x15");
            terminal.prompts("#lobby>");
            last = last.max(newest(&terminal.screen()).unwrap_or(last));
        }
        let at = echo(&terminal, &mut typed, 'x');
        quickest = quickest.min(at.saturating_sub(last));
        last = last.max(at);
        growth = growth.max(resident(&terminal).saturating_sub(before));
    }
    assert!(quickest <= BETWEEN_MAX, "{quickest} messages before the quickest echo");
    assert!(growth < GROWTH_BYTES_MAX, "{growth} bytes more");
    terminal.until("all messages", |screen| newest(screen) == Some(COUNT - 1));
    drop((terminal, serving.join().unwrap()));
}
