//! What a line of input asks for.

pub(crate) const HELP: &str = "\
Commands:
  @bob:hello    sends hello to bob; so does `@bob hello`
  /who          lists who is online
  /help         shows this
  /quit, exit   leaves";

/// A line that asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    Send { to: String, body: String },
    Who,
    Help,
    Quit,
}

/// A line that asks for nothing we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCommand {
    #[error("there is no command {0}: /help lists them")]
    Unknown(String),
    #[error("to whom? @name:text sends text to name")]
    NoRecipient,
    #[error("what? @{0}:text sends text to {0}")]
    NoText(String),
}

impl NoCommand {
    /// For programs.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_command",
            Self::NoRecipient => "no_recipient",
            Self::NoText(_) => "no_text",
        }
    }
}

/// Reads a line, without its end. None if it is empty.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, NoCommand> {
    let command = line.trim();
    match command {
        "" => return Ok(None),
        "exit" | "/quit" => return Ok(Some(Command::Quit)),
        "/who" => return Ok(Some(Command::Who)),
        "/help" => return Ok(Some(Command::Help)),
        _ => {}
    }
    if command.starts_with('/') {
        let word = command.split_whitespace().next().unwrap_or(command);
        return Err(NoCommand::Unknown(word.to_owned()));
    }
    // The text keeps the blanks at its end: only the line's start is ours.
    let Some(rest) = line.trim_start().strip_prefix('@') else { return Err(NoCommand::NoRecipient) };
    let border = rest.find(|c: char| c == ':' || c.is_whitespace());
    let (to, text) = match border {
        Some(at) => (&rest[..at], rest[at..].chars().next().map(|c| &rest[at + c.len_utf8()..])),
        None => (rest, None),
    };
    if to.is_empty() {
        return Err(NoCommand::NoRecipient);
    }
    match text {
        Some(body) => Ok(Some(Command::Send { to: to.to_owned(), body: body.to_owned() })),
        None => Err(NoCommand::NoText(to.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sends(line: &str, to: &str, body: &str) {
        assert_eq!(parse(line), Ok(Some(Command::Send { to: to.into(), body: body.into() })));
    }

    #[test]
    fn a_recipient_ends_at_a_colon_or_a_blank() {
        sends("@bob:hello", "bob", "hello");
        sends("@bob hello", "bob", "hello");
        sends("  @bob:hello: world ", "bob", "hello: world ");
        sends("@bob  two", "bob", " two");
        sends("@bob:", "bob", "");
        sends("@山田\u{3000}x", "山田", "x");
    }

    #[test]
    fn words_of_their_own() {
        assert_eq!(parse(" exit "), Ok(Some(Command::Quit)));
        assert_eq!(parse("/quit"), Ok(Some(Command::Quit)));
        assert_eq!(parse("/who"), Ok(Some(Command::Who)));
        assert_eq!(parse("/help"), Ok(Some(Command::Help)));
        assert_eq!(parse(" \t"), Ok(None));
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be_one() {
        assert_eq!(parse("hello"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("@:hello"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("@"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("@bob"), Err(NoCommand::NoText("bob".into())));
        assert_eq!(parse("/join #room"), Err(NoCommand::Unknown("/join".into())));
    }
}
