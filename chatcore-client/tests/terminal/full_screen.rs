//! The full screen in a pseudo-terminal, as a person sees it.

use std::sync::Arc;

use chatcore_client::Connection;
use nix::sys::termios::{LocalFlags, tcgetattr};

use super::message;
use super::programs::proxy::Proxy;
use super::programs::{NOWHERE, PATIENCE, Server};
use super::pty::{COLUMNS, ROWS, Terminal};

/// The next message, with the room or an empty text.
fn heard(user: &mut Connection) -> (String, String) {
    let (room, text) = message(user);
    (room.unwrap_or_default(), text)
}

/// What a terminal may send beside what is typed: reports of the mouse outside the list of conversations, replies,
/// focus, controls of eight bits, bytes that are no text.
const NOISE: [&[u8]; 13] = [
    b"\x1b[<0;50;10M",
    b"\x1b[<0;50;10m",
    b"\x1b[M !!",
    b"\x1b[32;50;10M",
    b"\x1b[?1;2c",
    b"\x1b[24;80R",
    b"\x1b[?2026;2$y",
    b"\x1b]11;rgb:0000/0000/0000\x07",
    b"\x1b]52;c;QGJvYjpzZWNyZXQ=\x1b\\",
    b"\x1bP>|xterm(390)\x1b\\",
    b"\x1b_Gi=31;OK\x1b\\",
    b"\x9b?1;2c",
    b"\x1b[I",
];

fn noise() -> Vec<u8> {
    NOISE.concat()
}

/// P1, P2 at the name prompt: what is no text is no part of a name.
#[test]
fn a_name_is_what_was_typed_and_nothing_else() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &[]);
    terminal.prompts("your name:");
    terminal.types([b"al".as_slice(), &noise(), b"ice\x1b[200~!\x1b[201~\x7f\r"].concat());
    terminal.has("you are alice");
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}

/// Whom Alt-a opens, nobody knows before there is a picture of it: what is typed with it, in one write, goes to nobody
/// yet.
#[test]
fn a_line_that_is_entered_before_the_screen_says_who_reads_it_is_not_sent() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    let mut bob = server.user("bob");
    bob.send("alice", b"hi", PATIENCE).unwrap();
    terminal.has("bob");
    terminal.types("\x1basecret\r");
    terminal.has("not sent: you have not seen yet who would read it");
    terminal.prompts("only bob reads it> secret");
    // Whom the line itself names, they know: it waits for the picture, and is sent.
    terminal.types("\x15@bob:first\r");
    assert_eq!(heard(&mut bob), (String::new(), "first".into()));
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}

/// P1, P5 in a room and in a conversation with one user: who begins with `@bob:` is read by bob alone, whatever comes
/// between.
#[test]
fn a_private_line_stays_private_in_a_room_and_with_another_user() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    let (mut bob, mut carol) = (server.user("bob"), server.user("carol"));
    carol.join("#lobby", PATIENCE).unwrap();
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    terminal.types(noise());
    terminal.types("@bob:");
    terminal.prompts("opens bob> @bob:");
    terminal.types([noise(), b"secret".to_vec(), noise(), b"\r".to_vec()].concat());
    assert_eq!(heard(&mut bob), (String::new(), "secret".into()));
    terminal.prompts("only bob reads it>");
    terminal.types("@carol:");
    terminal.prompts("opens carol> @carol:");
    terminal.types([noise(), b"psst\r".to_vec()].concat());
    assert_eq!(heard(&mut carol), (String::new(), "psst".into()), "nothing came in the room before");
    // A beginning that was damaged by hand is sent to nobody.
    terminal.types("@carol:mine\x01\x1b[3~");
    terminal.prompts("begun for carol alone, not sent> carol:mine");
    terminal.types("\r");
    terminal.has("not sent");
    terminal.types("\x15#lobby:to all\r");
    assert_eq!(heard(&mut bob), ("#lobby".into(), "to all".into()));
    assert_eq!(heard(&mut carol), ("#lobby".into(), "to all".into()));
}

/// P3: messages are shown while an Esc or a Ctrl-V waits, and the next key is not swallowed.
#[test]
fn messages_are_shown_whatever_is_half_typed() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    let mut bob = server.user("bob");
    for (number, held) in ["\x1b", "\x1b[", "\x16", "\x18", "@bob:half a liné"].iter().enumerate() {
        terminal.types(held);
        bob.send("alice", format!("message {number}").as_bytes(), PATIENCE).unwrap();
        // Nobody has opened the conversation: it is counted.
        let count = format!("!{}", number + 1);
        terminal.until("the message", |screen| {
            screen.contents().lines().any(|line| line.starts_with(" bob ") && line.contains(&count))
        });
    }
    terminal.prompts("only bob reads it> @bob:half a liné");
    terminal.types(", whole\r");
    assert_eq!(heard(&mut bob).1, "half a liné, whole");
    terminal.has("message 4");
}

/// P6: several lines are one message, a megabyte is refused at once and loses nothing, the window may change at any
/// time.
#[test]
fn blocks_and_several_lines_and_windows_of_any_size() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    let mut bob = server.user("bob");
    terminal.types("@bob:one\x1b\r\x1b[200~two\rthree\x1b[201~");
    terminal.prompts("                   three");
    terminal.types([b"\x1b[200~".as_slice(), &vec![b'x'; 1 << 20], b"\x1b[201~"].concat());
    terminal.has("bytes are too long: 65536 at most");
    for (rows, columns) in [(10, 40), (3, 8), (24, 100)] {
        terminal.resize(rows, columns);
        if rows > 3 {
            terminal.prompts("                   three");
        } else {
            terminal.has("too");
        }
    }
    terminal.types("\x0c\r");
    assert_eq!(heard(&mut bob).1, "one\ntwo\nthree");
}

/// P6: a window that is small for a moment, and then as large as before, has lost what stood there.
#[test]
fn a_window_that_had_another_size_is_drawn_anew_though_it_is_the_same_again() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("half a line");
    terminal.prompts("to nobody> half a line");
    // As the program sees it, who looks only when both are over.
    terminal.screen().parser.process(b"\x1b[2J");
    terminal.signal("WINCH");
    terminal.prompts("to nobody> half a line");
    terminal.has("you are alice");
}

/// P1 while the connection is looked for again, and after it.
#[test]
fn a_line_that_is_typed_while_reconnecting_goes_where_the_prompt_says() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    // Each attempt that fails doubles the next wait: without a bound, as long as this takes is waited once more.
    let args = ["--name", "alice", "--reconnect-wait-max", "0.5"];
    let terminal = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &args);
    terminal.has("you are alice");
    let mut bob = server.user("bob");
    bob.join("#lobby", PATIENCE).unwrap();
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    proxy.lead_to(NOWHERE);
    proxy.cut();
    terminal.has("reconnecting in");
    terminal.types([b"@bob:".to_vec(), noise(), b"secret".to_vec()].concat());
    terminal.prompts("only bob reads it> @bob:secret");
    proxy.lead_to(&server.address);
    terminal.until("the connection", |screen| !screen.contents().contains("reconnecting in"));
    terminal.prompts("only bob reads it> @bob:secret");
    terminal.types([noise(), b"\r".to_vec()].concat());
    assert_eq!(heard(&mut bob), (String::new(), "secret".into()));
}

#[test]
fn whoever_leaves_finds_the_terminal_as_it_was() {
    let server = Server::start();
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    terminal.has("you are alice");
    let pty = Arc::clone(&terminal.pty);
    terminal.until("the modes", |screen| {
        screen.parser.screen().bracketed_paste() && screen.parser.screen().alternate_screen()
    });
    terminal.types("\x1bOQ");
    terminal.has("the mouse is the terminal's");
    terminal.until("no mouse", |screen| screen.parser.screen().mouse_protocol_mode() == vt100::MouseProtocolMode::None);
    terminal.types("\x03");
    terminal.until("the end", |screen| screen.ended);
    let screen = terminal.screen();
    assert!(!screen.parser.screen().bracketed_paste() && !screen.parser.screen().alternate_screen());
    drop(screen);
    let settings = tcgetattr(&*pty);
    assert!(settings.is_err() || settings.unwrap().local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO));
    assert_eq!(terminal.end().0, Some(0));
}

/// A server that cannot be reached, or says nothing, keeps nobody from the screen, and from leaving.
#[test]
fn the_screen_is_there_while_the_connection_is_made() {
    let server = Server::start();
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = silent.local_addr().unwrap().port();
    let plain = format!("127.0.0.1:{port}");
    for address in [&format!("tls://{plain}"), &plain] {
        for args in [&["--name", "alice"][..], &[]] {
            let terminal = Terminal::full_screen_at(&server, address, (ROWS, COLUMNS), args);
            terminal.has("not registered");
            if args.is_empty() {
                terminal.prompts("your name:");
            }
            if address.starts_with("tls") {
                // Nobody answers what TLS says first.
                terminal.has(&format!("connecting to {address}"));
            }
            terminal.types("ali\x03");
            let (code, raw) = terminal.end();
            assert_eq!(code, Some(0), "{address} {args:?}: {}", String::from_utf8_lossy(&raw));
        }
    }
}

/// P7: Ctrl-Z leaves the screen to the shell, and `fg` comes back to it, with what has come meanwhile and what was
/// typed.
#[test]
fn a_client_that_was_stopped_has_its_screen_again() {
    let server = Server::start();
    let (terminal, command) = Terminal::shell(&server, &["--name", "alice"]);
    terminal.types(format!("TERM=xterm-256color {command}\r"));
    terminal.has("you are alice");
    let mut bob = server.user("bob");
    terminal.types("@bob:half");
    terminal.prompts("only bob reads it> @bob:half");
    for (stops, text) in [(1, "meanwhile"), (2, "and again")] {
        terminal.types("\x1a");
        terminal.until("the shell", |screen| {
            let is_left = !screen.parser.screen().alternate_screen() && !screen.parser.screen().bracketed_paste();
            let has_mouse = screen.parser.screen().mouse_protocol_mode() != vt100::MouseProtocolMode::None;
            is_left && !has_mouse && screen.said().matches("Stopped").count() == stops
        });
        bob.send("alice", text.as_bytes(), PATIENCE).unwrap();
        let drawn = terminal.screen().raw.len();
        terminal.types("fg\r");
        terminal.until("the screen", |screen| {
            let is_entered = screen.parser.screen().alternate_screen() && screen.parser.screen().bracketed_paste();
            // All of it is drawn anew, and not what has changed alone.
            let is_whole = String::from_utf8_lossy(&screen.raw[drawn..]).contains("only bob reads it> ");
            is_entered && is_whole && screen.contents().contains(&format!("!{stops}"))
        });
        terminal.prompts("only bob reads it> @bob:half");
    }
    terminal.types(" a line\r");
    assert_eq!(heard(&mut bob).1, "half a line");
    terminal.has("and again");
    terminal.types("/quit\r");
    terminal.until("the end", |screen| !screen.parser.screen().alternate_screen());
}

/// P13: whoever wants a name that is in use is told for how long, and may give another one at once.
#[test]
fn a_name_in_use_is_waited_for_unless_another_one_is_given() {
    let server = Server::start();
    let _alice = server.user("alice");
    let args = ["--name", "alice", "--no-state"];
    for terminal in [Terminal::full_screen(&server, &args), Terminal::start(&server, &args)] {
        terminal.until("the time to wait", |screen| screen.contents().contains("asking again in"));
        terminal.until("the question", |screen| screen.contents().contains("your name:"));
        terminal.types("carol\r");
        terminal.until("the name", |screen| screen.contents().contains("you are carol"));
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
    }
}

#[test]
fn who_comes_back_after_a_crash_sees_all_rooms_again() {
    let server = Server::start();
    let start = || Terminal::full_screen(&server, &["--name", "alice"]);
    let terminal = start();
    terminal.has("you are alice");
    for room in ["#lobby", "#kitchen"] {
        terminal.types(format!("/join {room}\r"));
        terminal.prompts(&format!("{room}>"));
        terminal.has("1 here");
    }
    terminal.signal("KILL");
    // Its lock is gone with the process, and not with its terminal.
    assert_eq!(terminal.end().0, None);
    let terminal = start();
    // One is open, which depends on when that was saved last, and the other stands in the list.
    for room in ["#kitchen", "#lobby"] {
        terminal.has(room);
        terminal.types(format!("{room}\r"));
        terminal.prompts(&format!("{room}>"));
        terminal.has("you are still in this room");
    }
    terminal.types("/quit\r");
    assert_eq!(terminal.end().0, Some(0));
}
