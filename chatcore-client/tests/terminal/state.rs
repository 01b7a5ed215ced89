//! P13 and P14: what a person sees when what is kept is not as it should be, and that nobody else's files pay for it.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::programs::Server;
use super::pty::{ROWS, Screen, Terminal};
use super::scripted::{accept, listen, welcome};

/// So wide that no line of the program is wrapped in the whole screen.
const COLUMNS_WIDE: u16 = 300;

fn start(is_full: bool, server: &Server, address: &str) -> Terminal {
    let args = ["--name", "alice"];
    if is_full {
        Terminal::full_screen_at(server, address, (ROWS, COLUMNS_WIDE), &args)
    } else {
        Terminal::start_at(server, address, &args)
    }
}

/// A server that keeps no session without its connection, and the file in which a client that was killed has left one.
fn after_a_kill() -> (Server, PathBuf) {
    let server = Server::start_with(&["--resume-time-max", "0"]);
    let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
    // It is told when the session is kept.
    terminal.has("you are alice");
    terminal.signal("KILL");
    assert_eq!(terminal.end().0, None);
    let session = paths(&server).into_iter().find(|path| ![".kept", ".lock"].iter().any(|end| ends_with(path, end)));
    (server, session.expect("it is left"))
}

fn paths(server: &Server) -> Vec<PathBuf> {
    fs::read_dir(server.state.path()).unwrap().map(|entry| entry.unwrap().path()).collect()
}

fn ends_with(path: &Path, end: &str) -> bool {
    path.to_str().is_some_and(|path| path.ends_with(end))
}

/// Waits until these words were said, wherever a line of them was wrapped.
#[track_caller]
fn says_wrapped(terminal: &Terminal, words: &str) {
    let squeezed =
        |screen: &Screen| String::from_utf8_lossy(&screen.raw).split_whitespace().collect::<Vec<_>>().join(" ");
    terminal.until(words, |screen| screen.contents().contains(words) || squeezed(screen).contains(words));
}

/// P13: a session that is damaged is told of once, and the client goes on with a new one.
#[test]
fn a_damaged_session_is_told_at_the_terminal() {
    for is_full in [true, false] {
        let (server, session) = after_a_kill();
        fs::write(&session, "half a fi").unwrap();
        let terminal = start(is_full, &server, &server.address);
        says_wrapped(&terminal, "A new session begins");
        terminal.says("you are alice");
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
        let again = start(is_full, &server, &server.address);
        again.says("you are alice");
        assert!(!again.screen().said().contains("A new session begins"), "it was told");
    }
}

/// P13: why there is no connection is told while it is looked for again.
#[test]
fn an_error_on_reconnecting_is_told_at_the_terminal() {
    for is_full in [true, false] {
        let state = Server::start();
        let (listener, address) = listen();
        let terminal = start(is_full, &state, &address.to_string());
        let mut server = accept(&listener);
        welcome(&mut server);
        terminal.says("you are alice");
        drop((listener, server));
        says_wrapped(&terminal, &format!("cannot connect to {address}: Connection refused"));
    }
}

/// Puts something at a path, where somebody else has a file at another one.
type Plant<'a> = &'a dyn Fn(&Path, &Path);

/// P14: whatever is planted in the place of a session or of its lock: nothing waits for it or follows it, nobody
/// becomes somebody else, and the person is told.
#[test]
fn what_is_planted_where_the_session_or_its_lock_is_does_no_harm() {
    const VICTIM: &str = "a file of somebody";
    let pipe = |path: &Path, _: &Path| mkfifo(path, Mode::from_bits_truncate(0o600)).unwrap();
    let link = |path: &Path, victim: &Path| symlink(victim, path).unwrap();
    let mallory =
        |path: &Path, victim: &Path| fs::write(path, fs::read(victim.with_extension("mallory")).unwrap()).unwrap();
    let plants: [(Plant<'_>, bool, &str); 5] = [
        (&pipe, false, "is no regular file"),
        (&link, false, "is a link"),
        (&mallory, false, "it is the session of mallory"),
        (&pipe, true, "is no regular file"),
        (&link, true, "is a link"),
    ];
    for is_full in [true, false] {
        for (plant, is_lock, words) in plants {
            let (server, session) = after_a_kill();
            let victim = server.state.path().join("victim");
            fs::write(&victim, VICTIM).unwrap();
            let stolen = fs::read_to_string(&session).unwrap().replace("alice", "mallory");
            fs::write(victim.with_extension("mallory"), stolen).unwrap();
            let path = if is_lock { PathBuf::from(format!("{}.lock", session.display())) } else { session };
            let _ = fs::remove_file(&path);
            plant(&path, &victim);
            let terminal = start(is_full, &server, &server.address);
            says_wrapped(&terminal, words);
            terminal.says("you are alice");
            terminal.types("/quit\r");
            assert_eq!(terminal.end().0, Some(0), "{words}");
            assert_eq!(fs::read_to_string(&victim).unwrap(), VICTIM, "{words}");
            let locks: Vec<PathBuf> = paths(&server).into_iter().filter(|path| ends_with(path, ".lock")).collect();
            assert_eq!(locks, if is_lock { vec![path] } else { vec![] }, "no lock stays");
        }
    }
}
