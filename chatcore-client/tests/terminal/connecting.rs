//! P9 to P12 and P15: what a person sees of a connection that is made, is lost, and is made again.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::{env, fs, thread};

use chatcore_client::chatcore::GoodbyeCode;
use chatcore_client::chatcore::wire::{
    ClientMessage, Goodbye, HubMessage, Message, Online, ReconnectHint, Resumed, UserInfo, take,
};
use chatcore_client::{Connection, RegisterError};
use tempfile::TempDir;

use super::black_hole::black_hole;
use super::programs::proxy::Proxy;
use super::programs::{PATIENCE, Server};
use super::pty::{COLUMNS, ROWS, Screen, Terminal};
use super::scripted::{LIMITS, accept, hear, listen, say, welcome};
use super::{WELCOME, message, skipped};

/// Two addresses of this machine.
const ADDRESSES: [&str; 2] = ["127.0.0.1", "127.0.0.2"];

/// Names that lead where a test wants, for one program.
pub(crate) struct Hosts(TempDir);

impl Hosts {
    /// None where the system lets nobody but root have names of their own.
    fn leading_to(addresses: &[&str]) -> Option<Self> {
        let hosts = Self(tempfile::tempdir().unwrap());
        hosts.lead_to(addresses);
        let path = hosts.path().display().to_string();
        can_unshare("names", &["-rm", "mount", "--bind", &path, "/etc/hosts"]).then_some(hosts)
    }

    pub(crate) fn path(&self) -> std::path::PathBuf {
        self.0.path().join("hosts")
    }

    /// From now on `chat.test` is there.
    fn lead_to(&self, addresses: &[&str]) {
        let lines: Vec<String> = addresses.iter().map(|address| format!("{address} chat.test\n")).collect();
        // The program looks at this file, and at none that takes its place.
        fs::write(self.path(), lines.concat()).unwrap();
    }
}

/// Whether a program can have this for itself here, as one with these arguments of unshare(1) tries. Where the tests
/// are to show something, which is in CI and for root, it must.
fn can_unshare(what: &str, args: &[&str]) -> bool {
    let outcome = Command::new("unshare").args(args).output();
    let can = outcome.as_ref().is_ok_and(|output| output.status.success());
    if !can {
        let is_to = env::var_os("CI").is_some() || fs::metadata("/proc/self").unwrap().uid() == 0;
        assert!(!is_to, "no program can have {what} of its own here, and this shows nothing: {outcome:?}");
        skipped(&format!("no program can have {what} of its own here: {outcome:?}"));
    }
    can
}

fn port(server: &Server) -> u16 {
    server.address.parse::<SocketAddr>().unwrap().port()
}

/// A server at one address of this machine, and something else at the same port of another one.
fn beside<T>(address: &str, other: &str, start: impl Fn(SocketAddr) -> Option<T>) -> (Server, T) {
    for _ in 0..20 {
        let server = Server::listening(&["--listen", &format!("{address}:0")]);
        // Somebody else may have that port there.
        if let Some(started) = start(format!("{other}:{}", port(&server)).parse().unwrap()) {
            return (server, started);
        }
    }
    panic!("no port is free at both addresses");
}

/// P9: who types while the link is half open is told after 10 s, and so is the end of that.
#[test]
fn a_server_that_is_silent_is_told_of_and_so_is_its_answer() {
    let server = Server::start();
    let proxy = Proxy::start(&server.address, 0, 0);
    let plain = Terminal::start_at(&server, &proxy.address, &["--name", "alice"]);
    let full = Terminal::full_screen_at(&server, &proxy.address, (ROWS, COLUMNS), &["--name", "carol"]);
    plain.says(WELCOME);
    full.has("you are carol");
    proxy.freeze();
    plain.types("@carol:hello\r");
    full.types("@alice:hello\r");
    // A busy machine may tell it some seconds later.
    plain.says("-- no answer from the server for 1");
    full.has(" no answer from the server for 1");
    proxy.thaw();
    plain.says("-- the server answers again");
    full.until("the end of the silence", |screen| !screen.contents().contains("no answer from the server"));
    plain.says("<carol> hello");
    full.has("✓ hello");
}

/// P10: of several addresses the first one, or the second, is a black hole.
#[test]
fn an_address_where_nobody_answers_keeps_nobody_from_the_server() {
    for [place, hole] in [ADDRESSES, [ADDRESSES[1], ADDRESSES[0]]] {
        let Some(hosts) = Hosts::leading_to(&[hole, place]) else { return };
        let (server, _sockets) = beside(place, hole, |at| black_hole(at).ok());
        let address = format!("chat.test:{}", port(&server));
        let terminal = Terminal::with_hosts(&hosts.path(), &server, &address, &["--name", "alice"]);
        terminal.says(WELCOME);
    }
}

/// P10: if it is the only one, a person is told where nobody answers, and for how long that was tried.
#[test]
fn a_server_that_never_answers_is_given_up_in_time() {
    let server = Server::start();
    let (hole, _sockets) = black_hole(([127, 0, 0, 1], 0).into()).unwrap();
    let terminal =
        Terminal::start_at(&server, &hole.to_string(), &["--name", "alice", "--connect-timeout", "1", "--no-state"]);
    terminal.says(&format!("-- connecting to {hole}"));
    terminal
        .says(&format!("chatcore-client: cannot connect to {hole}: no answer within 1s; is a server running there?"));
    assert_eq!(terminal.end().0, Some(1));
}

/// P15: a system may take the port at which nobody listens for our own end, and then we hear ourselves. Here it has no
/// other.
#[test]
fn a_connection_that_leads_to_the_program_itself_is_none() {
    if !can_unshare("a network", &["-rn", "ip", "link", "set", "lo", "up"]) {
        return;
    }
    let state = Server::start();
    let terminal = Terminal::with_port(40_000, &state, &["--name", "alice", "--connect-timeout", "3"]);
    terminal.says("cannot connect to 127.0.0.1:40000: nobody listens there: the connection led to itself");
    assert_eq!(terminal.end().0, Some(1));
}

/// P11: the name of the server moves to another address, and is looked up anew.
#[test]
fn a_server_whose_name_moves_is_found_at_its_new_address() {
    let [old, new] = ADDRESSES;
    let Some(hosts) = Hosts::leading_to(&[old]) else { return };
    let (server, second) = beside(old, new, |at| {
        // The server says by itself if it cannot have it.
        TcpListener::bind(at).ok().map(drop)?;
        Some(Server::listening(&["--listen", &at.to_string()]))
    });
    let address = format!("chat.test:{}", port(&server));
    let terminal = Terminal::with_hosts(&hosts.path(), &server, &address, &["--name", "alice"]);
    terminal.says(WELCOME);
    hosts.lead_to(&[new]);
    server.program.signal("KILL");
    terminal.says("-- the server does not know the session any more; registering anew");
    terminal.until("the name", |screen| screen.said().matches(WELCOME).count() == 2);
    let mut bob = second.user("bob");
    terminal.types("@bob:here I am\r");
    assert_eq!(message(&mut bob), (None, "here I am".into()));
}

/// Whether somebody has alice's name there.
fn has_alice(server: &Server) -> bool {
    let mut somebody = Connection::connect(&server.address, PATIENCE).unwrap();
    match somebody.register("alice", PATIENCE) {
        Ok(_) => false,
        Err(RegisterError::Refused { .. }) => true,
        Err(error) => panic!("{error}"),
    }
}

/// P11: a server that stops advises another place. A person goes there if it is the same server, or one that they have
/// named.
#[test]
fn advice_leads_to_the_same_host_or_to_one_that_is_named() {
    for (host, args, is_followed) in [
        ("127.0.0.1", &[][..], true),
        ("localhost", &[], false),
        ("localhost", &["--follow", "localhost"], true),
        ("localhost", &["--follow", "localhost:1"], false),
    ] {
        let (home, there) = (Server::start(), Server::start());
        let advice = format!("{host}:{}", port(&there));
        let server = Server::start_with(&["--reconnect-after", "0s", "--reconnect-to", &advice]);
        let proxy = Proxy::start(&server.address, 0, 0);
        let terminal = Terminal::start_at(&server, &proxy.address, &[&["--name", "alice"], args].concat());
        terminal.says(WELCOME);
        proxy.lead_to(&home.address);
        server.program.signal("TERM");
        terminal.until("the name", |screen| screen.said().matches(WELCOME).count() == 2);
        assert_eq!((has_alice(&there), has_alice(&home)), (is_followed, !is_followed), "{advice} {args:?}");
    }
}

/// The times after which the program said that it would try again, in seconds.
fn waits(screen: &Screen) -> Vec<f64> {
    let said = screen.said();
    let told = said.split("reconnecting in ").skip(1);
    // The last may not be complete.
    told.filter_map(|rest| rest.split_once(" s")?.0.parse().ok()).collect()
}

fn is_resume(message: &ClientMessage<'_>) -> bool {
    matches!(message, ClientMessage::Resume(_))
}

/// Ends the connection so that all that was said arrives.
fn hang_up(mut server: TcpStream) {
    let _ = server.shutdown(Shutdown::Write);
    let _ = server.read_to_end(&mut Vec::new());
}

/// P12: it is called less and less often. Only a session that has held makes that begin anew.
#[test]
fn a_server_that_drops_each_resumed_session_is_called_less_and_less_often() {
    /// Without a longer wait each time, it would be called much more often than this.
    const CALLS_MAX: usize = 30;
    /// The fifth wait is as long, whatever is drawn.
    const LONG_S: f64 = 1.6;
    let state = Server::start();
    let (listener, address) = listen();
    let terminal = Terminal::start_at(&state, &address.to_string(), &["--name", "alice"]);
    let serving = thread::spawn(move || {
        let mut server = accept(&listener);
        welcome(&mut server);
        hang_up(server);
        for _ in 0..CALLS_MAX {
            let mut server = accept(&listener);
            hear(&mut server, is_resume);
            say(&mut server, &HubMessage::Resumed(Resumed { received: 0, sent: 0, limits: LIMITS }));
            hang_up(server);
        }
    });
    terminal.until("a long wait, or all calls", |screen| {
        let waits = waits(screen);
        waits.len() >= CALLS_MAX || waits.iter().any(|wait| *wait >= LONG_S)
    });
    let (waits, resumed) = {
        let screen = terminal.screen();
        (waits(&screen), screen.said().matches("-- resumed: you are still alice").count())
    };
    // The machine may be busy, and those that follow take their time.
    assert!((1..=8).contains(&resumed) && waits.len() <= 9, "{resumed} times: {waits:?}");
    // Nobody calls any more, and the thread that serves waits for ever.
    drop((terminal, serving));
}

/// P12: a server asks for 49 days. It is heeded for 10 minutes, and whoever does not want to wait need not, also if
/// something that they asked for waits.
#[test]
fn a_wait_that_a_server_asks_for_is_capped_and_can_be_cut_short() {
    let f5 = "\x1b[15~";
    let lists = "/who\r/who\r";
    for (is_full, keys) in
        [(false, "/reconnect\r"), (false, &format!("{lists}/reconnect\r")), (true, f5), (true, &format!("{lists}{f5}"))]
    {
        let state = Server::start();
        let (listener, address) = listen();
        let terminal = Terminal::start_either(is_full, &state, &address.to_string(), &["--name", "alice"]);
        let mut server = accept(&listener);
        welcome(&mut server);
        terminal.says("you are alice");
        let reconnect = Some(ReconnectHint { after_ms: u32::MAX, address: None });
        say(&mut server, &HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
        terminal.until("the wait", |screen| !waits(screen).is_empty());
        let wait = waits(&terminal.screen())[0];
        assert!((600.0..=601.0).contains(&wait), "{keys:?}: {wait}");
        terminal.types(keys);
        hear(&mut accept(&listener), is_resume);
    }
}

/// P12: the same where a session that was kept is asked for, and nothing that is typed is for anybody yet.
#[test]
fn who_waits_for_a_session_that_was_kept_can_cut_that_short_and_leave() {
    for (is_full, keys, is_end) in [
        (false, "/reconnect\r", false),
        (false, "/quit\r", true),
        (false, "\x04", true),
        (true, "\x1b[15~", false),
        (true, "\x03", true),
    ] {
        let state = Server::start();
        let (listener, address) = listen();
        let start = || Terminal::start_either(is_full, &state, &address.to_string(), &["--name", "alice"]);
        let killed = start();
        welcome(&mut accept(&listener));
        killed.says("you are alice");
        killed.signal("KILL");
        assert_eq!(killed.end().0, None);
        let terminal = start();
        let mut server = accept(&listener);
        hear(&mut server, is_resume);
        let reconnect = Some(ReconnectHint { after_ms: u32::MAX, address: None });
        say(&mut server, &HubMessage::Goodbye(Goodbye { code: GoodbyeCode::ShuttingDown, detail: "", reconnect }));
        terminal.has("reconnecting in 60");
        terminal.types(keys);
        if is_end {
            assert_eq!(terminal.end().0, Some(0), "{is_full} {keys:?}");
        } else {
            hear(&mut accept(&listener), is_resume);
        }
    }
}

/// Answers each page of a listing with one that has as many users as fit, and a further one.
fn list_without_end(mut server: TcpStream) {
    /// As many as a page may have.
    const PAGE_USERS: usize = 500;
    let (mut heard, mut buffer, mut number, mut users) = (Vec::new(), [0; 4096], 0, 0);
    while let Some(count) = server.read(&mut buffer).ok().filter(|count| *count > 0) {
        heard.extend_from_slice(&buffer[..count]);
        let mut rest = &heard[..];
        let mut answers = Vec::new();
        while let Some(content) = take(&mut rest, LIMITS.frame_bytes_max).unwrap() {
            let Ok(Some(ClientMessage::Who(who))) = ClientMessage::decode(content) else { continue };
            number += 1;
            let names: Vec<String> = (users..users + PAGE_USERS).map(|user| format!("user{user:06}")).collect();
            users += PAGE_USERS;
            let page = names.iter().map(|name| UserInfo { name, display_name: None }).collect();
            let online = Online { number, users: page, next: Some(who.cursor + 1) };
            HubMessage::Online(online).encode(&mut answers);
        }
        let used = heard.len() - rest.len();
        heard.drain(..used);
        if server.write_all(&answers).is_err() {
            return;
        }
    }
}

/// P12: a list without end is cut, which is told, and the program goes on.
#[test]
fn a_list_without_end_is_cut() {
    let state = Server::start();
    let (listener, address) = listen();
    let terminal = Terminal::start_at(&state, &address.to_string(), &["--name", "alice"]);
    let mut server = accept(&listener);
    welcome(&mut server);
    terminal.says(WELCOME);
    let serving = thread::spawn(move || list_without_end(server));
    terminal.types("/who\r");
    let squeezed =
        |screen: &Screen| String::from_utf8_lossy(&screen.raw).split_whitespace().collect::<Vec<_>>().join(" ");
    terminal.until("the end of the list", |screen| squeezed(screen).contains("user004999, and 95 000+ more"));
    terminal.types("/help\r");
    terminal.says("--   /quit");
    drop(terminal);
    serving.join().unwrap();
}

/// P15: what belongs into a text stays in it, what nobody sees has a sign, and what a file may begin with is left out.
#[test]
fn what_is_harmless_in_a_text_is_no_number_at_a_terminal() {
    let server = Server::start();
    let mut bob = server.user("bob");
    for (start, opens) in [(Terminal::start as fn(&Server, &[&str]) -> Terminal, ""), (Terminal::full_screen, "@bob\r")]
    {
        let terminal = start(&server, &["--name", "alice"]);
        terminal.says("you are alice");
        terminal.types(opens);
        bob.send("alice", "🇩🇪 so\u{ad}ft ไทย\u{200b}ไทย a\u{200e}b".as_bytes(), PATIENCE).unwrap();
        terminal.has("so-ft ไทย·ไทย a·b");
        let contents = terminal.screen().contents();
        assert!(contents.contains("🇩🇪") && !contents.contains("\\u{"), "{contents}");
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
    }
    let terminal = Terminal::start(&server, &["--name", "alice"]);
    terminal.says("you are alice");
    terminal.types("\u{feff}@bob:hello\r");
    assert_eq!(message(&mut bob), (None, "hello".into()));
}

/// P15: a wait that no clock knows, and an address with the name of an interface.
#[test]
fn a_wait_without_end_and_an_interface_by_its_name_are_told_or_taken() {
    let server = Server::start();
    for flag in ["--linger", "--reconnect-for", "--connect-timeout", "--reconnect-wait-max"] {
        let terminal = Terminal::start(&server, &["--name", "alice", flag, "1e19"]);
        terminal.says("give a number of seconds up to 1000000000");
        assert_eq!(terminal.end().0, Some(2), "{flag}");
        let terminal = Terminal::start(&server, &["--name", "alice", flag, "1e9"]);
        terminal.says(WELCOME);
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0), "{flag}");
    }
    if TcpListener::bind("[::1]:0").is_err() {
        skipped("this machine has no IPv6: no interface to try");
        return;
    }
    let server = Server::listening(&["--listen", "[::1]:0"]);
    let terminal = Terminal::start_at(&server, &format!("[::1%lo]:{}", port(&server)), &["--name", "alice"]);
    terminal.says(WELCOME);
}
