//! What a line of input asks for.

pub(crate) const HELP: &str = "\
Commands:
  @bob:hello     sends hello to bob; so does `@bob hello`
  #lobby:hello   sends hello to a room that you are in
  /join #lobby   goes into a room; text without a recipient goes to the room of the last /join
  /leave         leaves that room; with a room, that one
  /roster        lists who is in that room; with a room, who is in that one
  /watch bob     tells when bob comes and goes; several names at once are fine
  /unwatch bob   tells it no more
  /who           lists who is online
  /help          shows this
  /quit, exit    leaves";

/// A line that asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// To a user, or to a room.
    Send {
        to: String,
        body: String,
    },
    /// To the current room.
    Say(String),
    Join(String),
    /// Into a room again, without making it the current one.
    Rejoin(String),
    /// None is the current room.
    Leave(Option<String>),
    /// None is the current room.
    Roster(Option<String>),
    Watch(Vec<String>),
    Unwatch(Vec<String>),
    Who,
    Help,
    Quit,
}

/// A line that asks for nothing we know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoCommand {
    #[error("there is no command {0}: /help lists them")]
    Unknown(String),
    #[error("to whom? @name:text sends text to a user, #room:text to a room")]
    NoRecipient,
    #[error("what? {0}:text sends text to {0}")]
    NoText(String),
    #[error("which one? {0}")]
    NoArgument(&'static str),
    #[error("{0} is one too many: {1}")]
    TooMany(String, &'static str),
}

impl NoCommand {
    /// For programs.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown(_) => "unknown_command",
            Self::NoRecipient => "no_recipient",
            Self::NoText(_) => "no_text",
            Self::NoArgument(_) | Self::TooMany(..) => "wrong_arguments",
        }
    }
}

/// Reads a line, without its end. None if it is empty.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, NoCommand> {
    // The text keeps the blanks at its end: only the line's start is ours.
    let start = line.trim_start();
    match start.chars().next() {
        None => Ok(None),
        Some('/') => slash(start).map(Some),
        Some('@' | '#') => send(start).map(Some),
        Some(_) if start.trim_end() == "exit" => Ok(Some(Command::Quit)),
        Some(_) => Ok(Some(Command::Say(line.to_owned()))),
    }
}

fn send(start: &str) -> Result<Command, NoCommand> {
    let border = start.find(|c: char| c == ':' || c.is_whitespace());
    let (address, text) = match border {
        Some(at) => (&start[..at], start[at..].chars().next().map(|c| &start[at + c.len_utf8()..])),
        None => (start, None),
    };
    if address.len() == 1 {
        return Err(NoCommand::NoRecipient);
    }
    // The sign of a room is a part of its name; that of a user is not.
    let to = address.strip_prefix('@').unwrap_or(address);
    match text {
        Some(body) => Ok(Command::Send { to: to.to_owned(), body: body.to_owned() }),
        None => Err(NoCommand::NoText(address.to_owned())),
    }
}

fn slash(start: &str) -> Result<Command, NoCommand> {
    let mut words = start.split_whitespace();
    let word = words.next().unwrap_or(start);
    let rest: Vec<&str> = words.collect();
    let room = |usage| match rest[..] {
        [] => Ok(None),
        [name] => Ok(Some(room_name(name))),
        [_, more, ..] => Err(NoCommand::TooMany(more.to_owned(), usage)),
    };
    let names = |usage| {
        let name = |word: &&str| word.strip_prefix('@').unwrap_or(word).to_owned();
        if rest.is_empty() { Err(NoCommand::NoArgument(usage)) } else { Ok(rest.iter().map(name).collect()) }
    };
    match word {
        "/join" => {
            const USAGE: &str = "/join #room goes into a room";
            Ok(Command::Join(room(USAGE)?.ok_or(NoCommand::NoArgument(USAGE))?))
        }
        "/leave" => Ok(Command::Leave(room("/leave #room leaves a room")?)),
        "/roster" => Ok(Command::Roster(room("/roster #room lists who is in a room")?)),
        "/watch" => Ok(Command::Watch(names("/watch name tells when a user comes and goes")?)),
        "/unwatch" => Ok(Command::Unwatch(names("/unwatch name tells it no more")?)),
        "/who" => Ok(Command::Who),
        "/help" => Ok(Command::Help),
        "/quit" => Ok(Command::Quit),
        _ => Err(NoCommand::Unknown(word.to_owned())),
    }
}

/// Where only a room can be meant, its sign may be left out.
fn room_name(name: &str) -> String {
    if name.starts_with('#') { name.to_owned() } else { format!("#{name}") }
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
        sends("#lobby:hello", "#lobby", "hello");
        sends("#lobby hello #x", "#lobby", "hello #x");
    }

    #[test]
    fn what_has_no_recipient_is_for_the_current_room() {
        assert_eq!(parse("hello: world "), Ok(Some(Command::Say("hello: world ".into()))));
        assert_eq!(parse("  hello"), Ok(Some(Command::Say("  hello".into()))));
        assert_eq!(parse("exit now"), Ok(Some(Command::Say("exit now".into()))));
    }

    #[test]
    fn words_of_their_own() {
        assert_eq!(parse(" exit "), Ok(Some(Command::Quit)));
        assert_eq!(parse("/quit"), Ok(Some(Command::Quit)));
        assert_eq!(parse("/who"), Ok(Some(Command::Who)));
        assert_eq!(parse("/help"), Ok(Some(Command::Help)));
        assert_eq!(parse("/join #lobby"), Ok(Some(Command::Join("#lobby".into()))));
        assert_eq!(parse("/join lobby"), Ok(Some(Command::Join("#lobby".into()))));
        assert_eq!(parse("/leave"), Ok(Some(Command::Leave(None))));
        assert_eq!(parse("/leave #lobby"), Ok(Some(Command::Leave(Some("#lobby".into())))));
        assert_eq!(parse("/roster"), Ok(Some(Command::Roster(None))));
        assert_eq!(parse("/watch bob @carol"), Ok(Some(Command::Watch(vec!["bob".into(), "carol".into()]))));
        assert_eq!(parse("/unwatch bob"), Ok(Some(Command::Unwatch(vec!["bob".into()]))));
        assert_eq!(parse(" \t"), Ok(None));
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be_one() {
        assert_eq!(parse("@:hello"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("@"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("# hello"), Err(NoCommand::NoRecipient));
        assert_eq!(parse("@bob"), Err(NoCommand::NoText("@bob".into())));
        assert_eq!(parse("#lobby"), Err(NoCommand::NoText("#lobby".into())));
        assert_eq!(parse("/fly #lobby"), Err(NoCommand::Unknown("/fly".into())));
        assert_eq!(parse("/join").unwrap_err().reason(), "wrong_arguments");
        assert_eq!(parse("/watch").unwrap_err().reason(), "wrong_arguments");
        let error = parse("/join #a #b").unwrap_err();
        assert_eq!(error.to_string(), "#b is one too many: /join #room goes into a room");
    }
}
