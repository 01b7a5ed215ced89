//! What whoever commands the program is asked for, and says: a script, or a person at a terminal.

use std::fmt;

use zeroize::Zeroizing;

use crate::program::command::Command;

/// What comes from whoever commands us.
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

/// Whatever prints it, no password is in it.
impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.debug_tuple("Line").field(line).finish(),
            Self::Command(command) => f.debug_tuple("Command").field(command).finish(),
            Self::Secret(_) => f.write_str("Secret"),
            Self::Unusable { reason, detail } => {
                f.debug_struct("Unusable").field("reason", reason).field("detail", detail).finish()
            }
            Self::End => f.write_str("End"),
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_printed() {
        let printed = format!("{:?} {:#?}", Input::Secret(String::from("s3cret").into()), Some(Input::End));
        assert!(!printed.contains("s3cret"), "{printed}");
    }
}
