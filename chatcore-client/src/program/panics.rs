//! What a fault of the program itself leaves behind: a terminal as it was, and words that a person understands.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::stderr;
use std::panic::{self, PanicHookInfo};
use std::process;
use std::sync::{Mutex, PoisonError};

use crate::program::descriptors::write_within;
use crate::program::escape::escape;
use crate::program::stop::LAST_WORDS_TIME_MAX;
use crate::program::terminal::Settings;

/// What the shell is told. Programs in Rust say so.
const EXIT_CODE: i32 = 101;

/// From now on a panic of any thread restores the terminal, says what happened, and ends the program: the other threads
/// wait for that thread.
pub(crate) fn tell(terminal: Option<Settings>) {
    let terminal = Mutex::new(terminal);
    panic::set_hook(Box::new(move |panic| {
        if let Some(settings) = &*terminal.lock().unwrap_or_else(PoisonError::into_inner) {
            settings.restore_all();
        }
        write_within(LAST_WORDS_TIME_MAX, stderr(), words(panic).into_bytes());
        process::exit(EXIT_CODE);
    }));
}

fn words(panic: &PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied().or(payload.downcast_ref::<String>().map(String::as_str));
    let what = escape(text.unwrap_or("no words").as_bytes());
    let place = panic.location().map(|at| format!(" at {}:{}", at.file(), at.line())).unwrap_or_default();
    let mut words = format!(
        "chatcore-client: this is a fault of the program, and not yours: {what}{place}. Please report it. Started again \
         soon with the same name, the client goes on with its session\n"
    );
    // Only if the environment asks for it.
    let trace = Backtrace::capture();
    if trace.status() == BacktraceStatus::Captured {
        words += &trace.to_string();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use nix::sys::termios::{LocalFlags, tcgetattr};
    use pty_process::blocking::{Command, open};
    use std::env;
    use std::io::{Read, Write, stdout};

    /// What tells the test that it is the program in the terminal, which it has started itself.
    const CHILD: &str = "CHATCORE_TEST_OF_PANICS";

    /// A program with a fault, on the full screen.
    fn fail() -> ! {
        let settings = Settings::save().unwrap();
        tell(Some(settings.clone()));
        settings.make_raw().unwrap();
        stdout().write_all(b"\x1b[?1049h\x1b[?2004h\x1b[?1002hin the full screen\r\n").unwrap();
        // No thread of the program goes on without the others.
        let _ = std::thread::spawn(|| panic!("two and two\x1b[2J are five")).join();
        unreachable!("the hook ends the program");
    }

    #[test]
    fn a_fault_of_the_program_leaves_the_terminal_as_it_was_and_a_readable_word() {
        const OWN_NAME: &str =
            "program::panics::tests::a_fault_of_the_program_leaves_the_terminal_as_it_was_and_a_readable_word";
        if env::var_os(CHILD).is_some() {
            fail();
        }
        let (mut pty, pts) = open().unwrap();
        pty.resize(pty_process::Size::new(24, 80)).unwrap();
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", "--nocapture", OWN_NAME])
            .env(CHILD, "1")
            .env_remove("RUST_BACKTRACE")
            .spawn(pts)
            .unwrap();
        let mut parser = vt100::Parser::new(24.try_into().unwrap(), 80.try_into().unwrap(), 0);
        let mut buffer = [0; 4096];
        // On Linux reading fails when the last program at the other end is gone.
        while let Ok(count @ 1..) = pty.read(&mut buffer) {
            parser.process(&buffer[..count]);
        }
        let code = child.wait().unwrap().code();
        let screen = parser.screen();
        let contents = screen.contents().replace('\n', "");
        assert_eq!(code, Some(EXIT_CODE), "{contents}");
        assert!(!screen.alternate_screen() && !screen.bracketed_paste() && !screen.hide_cursor());
        assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
        assert!(
            contents.contains("a fault of the program, and not yours: two and two\\u{1b}[2J are five at "),
            "{contents}"
        );
        let settings = tcgetattr(&pty).unwrap();
        assert!(settings.local_flags.contains(LocalFlags::ICANON | LocalFlags::ECHO), "{settings:?}");
    }
}
