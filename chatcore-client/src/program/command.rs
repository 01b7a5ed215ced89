//! What a line of input asks for.

pub(crate) mod help;
mod irc;

pub(crate) use self::irc::own_word;
use crate::program::nearest::nearest;

/// A line that asks for something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// To a user, or to a room.
    Send {
        to: String,
        body: String,
    },
    /// The same with a body that need not be text.
    SendBytes {
        to: String,
        body: Vec<u8>,
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
    /// The connection is not waited for any longer.
    Reconnect,
    /// This is shown, about all commands or one.
    Help(String),
    Quit,
}

impl Command {
    /// Whether it is done at once, whatever waits: to connect, or to leave.
    pub(crate) const fn is_urgent(&self) -> bool {
        matches!(self, Self::Reconnect | Self::Quit)
    }
}

/// Why a line is no command.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ParseError {
    #[error(
        "there is no command {word}{}: /help lists them; //text says what begins with a /",
        suggested(nearest.as_ref())
    )]
    Unknown { word: String, nearest: Option<String> },
    #[error("a command has one line, and {0} has more: //text says what begins with a /")]
    SeveralLines(String),
    #[error("to whom? @name:text sends text to a user, #room:text to a room")]
    NoRecipient,
    #[error("{0} is nobody: #room:text sends text to a room, and @name:text to a user")]
    TwoSigns(String),
    /// The recipient has a sign.
    #[error("what? {0}:text sends text to {name}", name = user_name(.0))]
    NoText(String),
    #[error("which one? {0}")]
    NoArgument(&'static str),
    #[error("{0} is one too many: {1}")]
    TooMany(String, &'static str),
    #[error("there is no {word} here: {instead}")]
    OfIrc { word: String, instead: &'static str },
}

impl ParseError {
    /// For programs.
    pub(crate) const fn reason(&self) -> &'static str {
        match self {
            Self::Unknown { .. } | Self::OfIrc { .. } => "unknown_command",
            Self::SeveralLines(_) => "several_lines",
            Self::NoRecipient | Self::TwoSigns(_) => "no_recipient",
            Self::NoText(_) => "no_text",
            Self::NoArgument(_) | Self::TooMany(..) => "wrong_arguments",
        }
    }
}

fn suggested(nearest: Option<&String>) -> String {
    nearest.map(|word| format!("; {word} is the nearest")).unwrap_or_default()
}

/// Input methods for Chinese, Japanese and Korean type the signs of a command in full width.
pub(crate) const fn ascii_sign(c: char) -> char {
    match c {
        '\u{ff20}' => '@',
        '\u{ff03}' => '#',
        '\u{ff0f}' => '/',
        '\u{ff1a}' => ':',
        other => other,
    }
}

/// What follows a sign, in either width. None if the text begins with something else.
pub(crate) fn strip_sign(text: &str, sign: char) -> Option<&str> {
    text.strip_prefix(|c| ascii_sign(c) == sign)
}

/// Whether what comes after a sign begins with one. No name does: what is meant for a user could go to a room.
pub(crate) fn is_signed(name: &str) -> bool {
    name.starts_with(|c| matches!(ascii_sign(c), '@' | '#'))
}

/// Where only a user can be meant, an `@` is for nothing.
fn user_name(typed: &str) -> &str {
    strip_sign(typed, '@').unwrap_or(typed)
}

/// A name without a room's sign, if it has one.
pub(crate) fn without_room_sign(typed: &str) -> &str {
    strip_sign(typed, '#').unwrap_or(typed)
}

/// Where only a room can be meant, its sign may be left out.
fn room_name(typed: &str) -> String {
    format!("#{}", without_room_sign(typed))
}

/// Reads a line, without its end. None if it is empty. A text may have several lines, and a command has one.
pub(crate) fn parse(line: &str) -> Result<Option<Command>, ParseError> {
    // The text keeps the blanks at its end: only the line's start is ours.
    let start = line.trim_start();
    let mut rest = start.chars();
    match rest.next().map(ascii_sign) {
        None => Ok(None),
        Some(sign @ ('/' | '@' | '#')) if strip_sign(rest.as_str(), sign).is_some() => {
            let blanks = &line[..line.len() - start.len()];
            Ok(Some(Command::Say([blanks, rest.as_str()].concat())))
        }
        Some('/') => slash(rest.as_str()).map(Some),
        Some(sign @ ('@' | '#')) => send(sign, rest.as_str()).map(Some),
        Some(_) if start.trim_end().eq_ignore_ascii_case("exit") => Ok(Some(Command::Quit)),
        Some(_) => Ok(Some(Command::Say(line.to_owned()))),
    }
}

fn send(sign: char, rest: &str) -> Result<Command, ParseError> {
    let border = |c: char| ascii_sign(c) == ':' || c.is_whitespace();
    let (name, body) = rest.split_once(border).map_or((rest, None), |(name, body)| (name, Some(body)));
    if name.is_empty() {
        return Err(ParseError::NoRecipient);
    }
    if is_signed(name) {
        return Err(ParseError::TwoSigns(format!("{sign}{name}")));
    }
    // Nobody wants to send nothing.
    let Some(body) = body.filter(|body| !body.trim().is_empty()) else {
        return Err(ParseError::NoText(format!("{sign}{name}")));
    };
    // The sign of a room is a part of its name; that of a user is not.
    let to = if sign == '#' { format!("#{name}") } else { name.to_owned() };
    Ok(Command::Send { to, body: body.to_owned() })
}

/// Reads what comes after a slash. A command's name is the same in any case.
fn slash(line: &str) -> Result<Command, ParseError> {
    let (typed, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    let word = typed.to_ascii_lowercase();
    let word = irc::own_word(&word);
    match word {
        "say" if rest.trim().is_empty() => return Err(ParseError::NoArgument("/say text says the text")),
        "say" => return Ok(Command::Say(rest.to_owned())),
        "msg" => return irc::send(rest),
        _ => {}
    }
    if line.trim_end().contains(['\n', '\r']) {
        return Err(ParseError::SeveralLines(format!("/{typed}")));
    }
    let rest: Vec<&str> = rest.split_whitespace().collect();
    let room = |usage| Ok(at_most_one(&rest, usage)?.map(room_name));
    let names = |usage| {
        let name = |word: &&str| user_name(word).to_owned();
        if rest.is_empty() { Err(ParseError::NoArgument(usage)) } else { Ok(rest.iter().map(name).collect()) }
    };
    let alone = |command, usage| match rest.first() {
        None => Ok(command),
        Some(more) => Err(ParseError::TooMany((*more).to_owned(), usage)),
    };
    match word {
        "join" => {
            const USAGE: &str = "/join #room goes into a room";
            Ok(Command::Join(room(USAGE)?.ok_or(ParseError::NoArgument(USAGE))?))
        }
        "leave" => Ok(Command::Leave(room("/leave #room leaves a room")?)),
        "roster" => Ok(Command::Roster(room("/roster #room lists who is in a room")?)),
        "watch" => Ok(Command::Watch(names("/watch name tells when a user comes and goes")?)),
        "unwatch" => Ok(Command::Unwatch(names("/unwatch name tells it no more")?)),
        "who" => alone(Command::Who, "/who lists who is online, and /roster #room who is in a room"),
        "reconnect" => alone(Command::Reconnect, "/reconnect connects at once"),
        "help" => match at_most_one(&rest, "/help join shows what /join does")? {
            None => Ok(Command::Help(help::all())),
            Some(typed) => help_for(strip_sign(typed, '/').unwrap_or(typed)),
        },
        "quit" => alone(Command::Quit, "/quit leaves, and tells nobody why"),
        word => Err(unknown(typed, word)),
    }
}

/// What follows a command that takes one word, or none.
fn at_most_one<'a>(rest: &[&'a str], usage: &'static str) -> Result<Option<&'a str>, ParseError> {
    match rest {
        [] => Ok(None),
        [word] => Ok(Some(word)),
        [_, more, ..] => Err(ParseError::TooMany((*more).to_owned(), usage)),
    }
}

fn help_for(typed: &str) -> Result<Command, ParseError> {
    let word = typed.to_ascii_lowercase();
    help::of(irc::own_word(&word)).map(Command::Help).ok_or_else(|| unknown(typed, &word))
}

/// A word that is no command, as it was typed and in small letters.
fn unknown(typed: &str, word: &str) -> ParseError {
    let known = || help::words().chain(irc::words());
    irc::instead_of(word).unwrap_or_else(|| {
        let begun = known().find(|known| !word.is_empty() && known.starts_with(word));
        let nearest = begun.or_else(|| nearest(word, known())).map(|word| format!("/{word}"));
        ParseError::Unknown { word: format!("/{typed}"), nearest }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A word that is like no command.
    fn unknown(word: &str) -> ParseError {
        ParseError::Unknown { word: word.to_owned(), nearest: None }
    }

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
        assert_eq!(parse("/reconnect"), Ok(Some(Command::Reconnect)));
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
    fn what_follows_say_is_said_whatever_it_begins_with() {
        for text in ["exit", "/who", "@bob look", "#1", "  two", "one\n/who"] {
            assert_eq!(parse(&format!("/say {text}")), Ok(Some(Command::Say(text.into()))));
        }
        for nothing in ["/say", "/say ", "/say \u{3000}\n "] {
            assert_eq!(parse(nothing).unwrap_err().reason(), "wrong_arguments", "{nothing:?}");
        }
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be_one() {
        assert_eq!(parse("@:hello"), Err(ParseError::NoRecipient));
        assert_eq!(parse("@"), Err(ParseError::NoRecipient));
        assert_eq!(parse("# hello"), Err(ParseError::NoRecipient));
        for two in ["@#lobby", "#@bob", "＠＃lobby", "@＃lobby"] {
            let error = parse(&format!("{two}:secret")).unwrap_err();
            assert_eq!(error.reason(), "no_recipient", "{two}");
            assert!(
                error.to_string().ends_with("is nobody: #room:text sends text to a room, and @name:text to a user")
            );
            assert!(parse(two).is_err(), "{two}");
        }
        assert_eq!(parse("@bob"), Err(ParseError::NoText("@bob".into())));
        assert_eq!(parse("#lobby"), Err(ParseError::NoText("#lobby".into())));
        assert_eq!(parse("/fly #lobby"), Err(unknown("/fly")));
        assert_eq!(parse("/join").unwrap_err().reason(), "wrong_arguments");
        assert_eq!(parse("/watch").unwrap_err().reason(), "wrong_arguments");
        let error = parse("/join #a #b").unwrap_err();
        assert_eq!(error.to_string(), "#b is one too many: /join #room goes into a room");
    }

    /// Y20: a filter sent an empty message.
    #[test]
    fn a_text_of_nothing_but_blanks_is_none() {
        for blank in ["", " ", "  ", "\t", "\u{3000}", "\n", "\r\n \n"] {
            for (line, to) in [("@bob:", "@bob"), ("#lobby:", "#lobby"), ("＠bob：", "@bob"), ("/msg bob ", "@bob")] {
                let line = format!("{line}{blank}");
                assert_eq!(parse(&line), Err(ParseError::NoText(to.into())), "{line:?}");
            }
        }
        // What is seen is a text, and so is what looks like nothing to some.
        sends("@bob:\u{200b}", "bob", "\u{200b}");
        sends("@bob:\n.", "bob", "\n.");
        assert_eq!(ParseError::NoText("@bob".into()).to_string(), "what? @bob:text sends text to bob");
        assert_eq!(ParseError::NoText("#lobby".into()).to_string(), "what? #lobby:text sends text to #lobby");
    }

    #[test]
    fn the_name_of_a_command_is_the_same_in_any_case() {
        for (line, same) in [
            ("/JOIN #Lobby", "/join #Lobby"),
            ("/Msg bob HELLO", "/msg bob HELLO"),
            ("／QUIT", "/quit"),
            ("/Say Hello", "/say Hello"),
            ("/WATCH bob", "/watch bob"),
            ("/Part", "/leave"),
            (" Exit ", "exit"),
        ] {
            assert_eq!(parse(line), parse(same), "{line}");
            assert!(parse(line).is_ok(), "{line}");
        }
        assert_eq!(parse("/Who\n/help"), Err(ParseError::SeveralLines("/Who".into())));
    }

    /// Y16: `/quit bye` dropped what came after the command.
    #[test]
    fn what_follows_a_command_that_takes_nothing_is_told() {
        for (line, told) in [
            ("/quit bye", "bye is one too many: /quit leaves, and tells nobody why"),
            ("/exit see you", "see is one too many: /quit leaves, and tells nobody why"),
            ("/who bob", "bob is one too many: /who lists who is online, and /roster #room who is in a room"),
            ("/reconnect now", "now is one too many: /reconnect connects at once"),
            ("/part #lobby bye", "bye is one too many: /leave #room leaves a room"),
        ] {
            let error = parse(line).unwrap_err();
            assert_eq!((error.to_string().as_str(), error.reason()), (told, "wrong_arguments"), "{line}");
        }
        assert_eq!(parse("/quit  "), Ok(Some(Command::Quit)));
    }

    #[test]
    fn a_word_that_is_like_a_command_is_told_which() {
        for (word, nearest) in [("/jion", "/join"), ("/JIONN", "/join"), ("/le", "/leave"), ("/rost", "/roster")] {
            let told = parse(&format!("{word} #lobby")).unwrap_err().to_string();
            let begin = format!("there is no command {word}; {nearest} is the nearest: /help lists them; ");
            assert!(told.starts_with(&begin), "{told}");
        }
        // The work for a word that nobody can have meant is bounded.
        assert_eq!(
            parse(&format!("/{}", "join".repeat(100_000))),
            Err(unknown(&format!("/{}", "join".repeat(100_000))))
        );
    }

    #[test]
    fn a_doubled_sign_stands_for_itself() {
        let says = |line, text: &str| assert_eq!(parse(line), Ok(Some(Command::Say(text.into()))), "{line}");
        says("//shrug", "/shrug");
        says("@@bob look at this", "@bob look at this");
        says("##1 on the list", "#1 on the list");
        says("//", "/");
        says("///", "//");
        says("  //indented", "  /indented");
        says("／／who", "／who");
        says("＠＠bob：x", "＠bob：x");
        says("＃#x", "#x");
        says("@@bob\n/who", "@bob\n/who");
        // Where the recipient is said, the text is as it is.
        sends("@bob://shrug", "bob", "//shrug");
        sends("#lobby @@bob", "#lobby", "@@bob");
        // Two signs are no doubled one.
        assert_eq!(parse("/@bob"), Err(unknown("/@bob")));
    }

    #[test]
    fn a_text_may_have_several_lines_and_a_command_has_one() {
        sends("@bob:one\ntwo\n", "bob", "one\ntwo\n");
        sends("@bob\none\n/who", "bob", "one\n/who");
        assert_eq!(parse("one\n@bob:two"), Ok(Some(Command::Say("one\n@bob:two".into()))));
        assert_eq!(parse("/join #a\nhello"), Err(ParseError::SeveralLines("/join".into())));
        assert_eq!(parse("/who\n/help").unwrap_err().reason(), "several_lines");
        assert_eq!(parse("/who\n"), Ok(Some(Command::Who)));
        assert_eq!(parse("exit\nnow"), Ok(Some(Command::Say("exit\nnow".into()))));
    }

    #[test]
    fn signs_in_full_width_are_their_ascii_ones() {
        sends("＠bob：hello", "bob", "hello");
        sends("\u{3000}＠山田：こんにちは", "山田", "こんにちは");
        sends("＠bob:hello", "bob", "hello");
        sends("＠bob hello", "bob", "hello");
        sends("@bob：hello", "bob", "hello");
        sends("＃lobby：hello", "#lobby", "hello");
        sends("＃lobby\u{3000}hello", "#lobby", "hello");
        sends("#lobby：hello", "#lobby", "hello");
        assert_eq!(parse("／join ＃lobby"), Ok(Some(Command::Join("#lobby".into()))));
        assert_eq!(parse("／join\u{3000}#lobby"), Ok(Some(Command::Join("#lobby".into()))));
        assert_eq!(parse("/join ＃lobby"), Ok(Some(Command::Join("#lobby".into()))));
        assert_eq!(parse("／leave ＃部屋"), Ok(Some(Command::Leave(Some("#部屋".into())))));
        assert_eq!(parse("／roster lobby"), Ok(Some(Command::Roster(Some("#lobby".into())))));
        let names = || vec!["bob".to_owned(), "carol".to_owned()];
        assert_eq!(parse("／watch ＠bob @carol"), Ok(Some(Command::Watch(names()))));
        assert_eq!(parse("/unwatch bob ＠carol"), Ok(Some(Command::Unwatch(names()))));
        assert_eq!(parse("／who"), Ok(Some(Command::Who)));
        assert_eq!(without_room_sign("＃alice"), "alice");
        assert_eq!(without_room_sign("#alice"), "alice");
        assert_eq!(without_room_sign("alice"), "alice");
    }

    #[test]
    fn signs_in_full_width_stay_in_a_text() {
        const TEXT: &str = "＠carol ＃x ／who：@ # / : ";
        for start in ["@bob:", "@bob ", "＠bob：", "＠bob\u{3000}"] {
            sends(&format!("{start}{TEXT}"), "bob", TEXT);
        }
        sends("＃lobby：：hello", "#lobby", "：hello");
        for text in ["hello ＠bob：you", "：hello", "１／２", "  山田：＃x"] {
            assert_eq!(parse(text), Ok(Some(Command::Say(text.into()))));
        }
    }

    #[test]
    fn what_is_no_command_in_full_width_is_said_to_nobody() {
        assert_eq!(parse("＠：hello"), Err(ParseError::NoRecipient));
        assert_eq!(parse("＃"), Err(ParseError::NoRecipient));
        assert_eq!(parse("＠bob"), Err(ParseError::NoText("@bob".into())));
        assert_eq!(parse("＃lobby"), Err(ParseError::NoText("#lobby".into())));
        assert_eq!(parse("／fly"), Err(unknown("/fly")));
        assert_eq!(parse("／ join"), Err(unknown("/")));
        assert_eq!(parse("/ join"), Err(unknown("/")));
        assert_eq!(parse("／join").unwrap_err().reason(), "wrong_arguments");
    }
}
