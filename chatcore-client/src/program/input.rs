//! What whoever commands the program is asked for, and says: a script, or a person at a terminal.

use zeroize::Zeroizing;

use crate::program::command::Command;

/// What comes from whoever commands us.
#[derive(Debug)]
pub(crate) enum Input {
    /// A line: a name if one was asked for, or else a command.
    Line(String),
    Command(Command),
    /// A line that was not shown.
    Secret(Zeroizing<String>),
    /// A line that is none, and why.
    Unusable {
        reason: &'static str,
        detail: String,
    },
    /// No more: the end of the input, or Ctrl-D, or Ctrl-C.
    End,
}

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ask {
    Name,
    /// What proves the right to a name.
    Password {
        name: String,
    },
    /// What to do. What names no recipient goes to the room.
    Command {
        room: Option<String>,
    },
}
