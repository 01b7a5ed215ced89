//! The terminal is asked what it draws on, and the colours of the full screen follow.

use std::fs;
use std::process::Command;

use vt100::Color;

use super::programs::Server;
use super::pty::{COLUMNS, ROWS, Terminal};

const QUESTION: &[u8] = b"\x1b]11;?\x1b\\";
const WHITE: &str = "\x1b]11;rgb:ffff/ffff/ffff\x1b\\";
const BLACK: &str = "\x1b]11;rgb:0000/0000/0000\x07";

/// The colours of the prompt in a room, on light, on dark, and on what nobody knows.
const ON_LIGHT: Color = Color::Idx(22);
const ON_DARK: Color = Color::Idx(120);
const ON_EITHER: Color = Color::Idx(29);

/// Waits until the prompt has this colour.
#[track_caller]
fn is_coloured(terminal: &Terminal, colour: Color) {
    terminal.until(&format!("a prompt in {colour:?}"), |screen| {
        let cell = screen.parser.screen().cell(ROWS - 1, 0).expect("there is a last row");
        cell.contents() == "#" && cell.fgcolor() == colour
    });
}

#[track_caller]
fn is_asked(terminal: &Terminal) {
    terminal.until("the question", |screen| screen.raw.windows(QUESTION.len()).any(|bytes| bytes == QUESTION));
}

fn in_a_room(server: &Server) -> Terminal {
    let terminal = Terminal::full_screen(server, &["--name", "alice"]);
    is_asked(&terminal);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    terminal.prompts("#lobby>");
    terminal
}

#[test]
fn colours_are_those_for_the_background_that_the_terminal_tells() {
    let server = Server::start();
    for (answer, colour) in [(WHITE, ON_LIGHT), (BLACK, ON_DARK)] {
        let terminal = Terminal::full_screen(&server, &["--name", "alice"]);
        is_asked(&terminal);
        terminal.types(answer);
        terminal.has("you are alice");
        terminal.types("/join #lobby\r");
        is_coloured(&terminal, colour);
        terminal.prompts("#lobby>");
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
    }
}

#[test]
fn a_terminal_that_answers_late_or_never_holds_up_nothing() {
    let server = Server::start();
    let terminal = in_a_room(&server);
    is_coloured(&terminal, ON_EITHER);
    terminal.types("half a li");
    terminal.prompts("#lobby> half a li");
    // The answer comes in pieces, and is no part of the line.
    let (head, tail) = WHITE.split_at(9);
    terminal.types(head);
    terminal.types(tail);
    is_coloured(&terminal, ON_LIGHT);
    terminal.types("ne");
    terminal.prompts("#lobby> half a line");
    terminal.types("\x03");
    assert_eq!(terminal.end().0, Some(0));
    // Whoever leaves before the answer leaves all the same.
    let terminal = Terminal::full_screen(&server, &[]);
    is_asked(&terminal);
    terminal.types("\x03");
    assert_eq!(terminal.end().0, Some(0));
}

#[test]
fn nobody_is_asked_who_has_no_colours_or_writes_line_by_line() {
    let server = Server::start();
    let variables: [Option<(&str, &str)>; 4] =
        [None, Some(("NO_COLOR", "1")), Some(("TERM", "linux")), Some(("TERM", "dumb"))];
    for variable in variables {
        let args = ["--name", "alice"];
        let terminal = match variable {
            Some(variable) => Terminal::full_screen_with(&server, &[variable], &args),
            None => Terminal::start(&server, &args),
        };
        terminal.has("you are alice");
        terminal.types("/quit\r");
        let (code, raw) = terminal.end();
        assert_eq!(code, Some(0));
        assert!(!raw.windows(4).any(|bytes| bytes == b"]11;"), "{variable:?}: {}", raw.escape_ascii());
    }
    // What the environment says holds as long as the terminal says nothing else.
    let terminal = Terminal::full_screen_with(&server, &[("COLORFGBG", "15;0")], &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    is_coloured(&terminal, ON_DARK);
    terminal.types(WHITE);
    is_coloured(&terminal, ON_LIGHT);
}

#[test]
fn who_wants_no_colours_gets_none_unless_the_file_wants_some() {
    let server = Server::start();
    let file = server.state.path().join("client.toml");
    fs::write(&file, "[screen.theme]\ncolours = \"256\"\n").expect("the folder is ours");
    let file = file.display().to_string();
    for (args, colour) in [(vec![], Color::Default), (vec!["--config", &file], ON_EITHER)] {
        let args = [&["--name", "alice"], &args[..]].concat();
        let terminal = Terminal::full_screen_with(&server, &[("NO_COLOR", "1")], &args);
        terminal.has("you are alice");
        terminal.types("/join #lobby\r");
        terminal.prompts("#lobby>");
        is_coloured(&terminal, colour);
        terminal.has("1 here");
        let screen = terminal.screen();
        let cells = (0..ROWS).flat_map(|y| (0..COLUMNS).map(move |x| (y, x)));
        let has_colour =
            |(y, x)| screen.parser.screen().cell(y, x).is_some_and(|cell| cell.fgcolor() != Color::Default);
        assert_eq!(cells.into_iter().any(has_colour), colour != Color::Default, "{args:?}");
        drop(screen);
        terminal.types("/quit\r");
        assert_eq!(terminal.end().0, Some(0));
    }
}

/// Ends tmux, whatever becomes of the test.
struct Tmux(String);

impl Drop for Tmux {
    fn drop(&mut self) {
        let _ = Command::new("tmux").args(["-S", &self.0, "kill-server"]).output();
    }
}

#[test]
fn in_tmux_the_answer_is_that_of_tmux() {
    if Command::new("tmux").arg("-V").output().is_err() {
        super::skipped("there is no tmux here");
        return;
    }
    let server = Server::start();
    let folder = server.state.path();
    let (socket, settings) = (folder.join("tmux").display().to_string(), folder.join("tmux.conf"));
    fs::write(&settings, "set -g default-terminal tmux-256color\nset -g status off\nset -g window-style bg=#ffffff\n")
        .expect("the folder is ours");
    let tmux = Tmux(socket.clone());
    let settings = settings.display().to_string();
    let terminal = Terminal::in_tmux(&server, &["-S", &socket, "-f", &settings], &["--name", "alice"]);
    terminal.has("you are alice");
    terminal.types("/join #lobby\r");
    is_coloured(&terminal, ON_LIGHT);
    terminal.types("hello");
    terminal.prompts("#lobby> hello");
    terminal.types("\x03");
    terminal.until("the end", |screen| screen.ended);
    drop(tmux);
}
