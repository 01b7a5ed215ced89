//! What the commands do, in words: of all, or of one.

/// Columns of a command in the list of all.
const FORM_COLUMNS: usize = 15;

/// A form of a line, and what it does.
struct Row {
    /// The command's own name; none if it is no command.
    word: Option<&'static str>,
    form: &'static str,
    /// Line by line, as the list of all is broken.
    what: &'static [&'static str],
}

const fn row(word: &'static str, form: &'static str, what: &'static [&'static str]) -> Row {
    Row { word: Some(word), form, what }
}

const ROWS: [Row; 13] = [
    row("msg", "@bob:hello", &["sends hello to bob; so does `@bob hello`"]),
    Row { word: None, form: "#lobby:hello", what: &["sends hello to a room that you are in"] },
    Row { word: None, form: "//shrug", what: &["says /shrug: a doubled sign stands for itself; so do @@ and ##"] },
    row(
        "join",
        "/join #lobby",
        &[
            "goes into a room; text without a recipient goes to the room of the last /join, and on",
            "the full screen where the prompt says",
        ],
    ),
    row("leave", "/leave", &["leaves that room; with a room, that one"]),
    row("roster", "/roster", &["lists who is in that room; with a room, who is in that one"]),
    row("watch", "/watch bob", &["tells when bob comes and goes; several names at once are fine"]),
    row("unwatch", "/unwatch bob", &["tells it no more"]),
    row("who", "/who", &["lists who is online"]),
    row("say", "/say exit", &["says what follows, whatever it begins with"]),
    row("reconnect", "/reconnect", &["connects at once, if the connection is waited for"]),
    row("help", "/help", &["shows this; /help join shows what /join does"]),
    row("quit", "/quit, exit", &["leaves"]),
];

const OF_IRC: &str = "\
As on IRC: /msg bob hello and /query bob hello are @bob:hello, /part is /leave, /names is /roster, /exit and /bye are
/quit; and /j, /m, /n and /w are /join, /msg, /names and /who";

/// What all commands do.
pub(crate) fn all() -> String {
    let line_end = format!("\n{}", " ".repeat(2 + FORM_COLUMNS));
    let row = |row: &Row| format!("  {:<FORM_COLUMNS$}{}", row.form, row.what.join(&line_end));
    let rows = ROWS.iter().map(row);
    ["Commands:".to_owned()].into_iter().chain(rows).chain([OF_IRC.to_owned()]).collect::<Vec<_>>().join("\n")
}

/// What one does, by its own name. None if there is no such command.
pub(super) fn of(word: &str) -> Option<String> {
    let row = ROWS.iter().find(|row| row.word == Some(word))?;
    Some(format!("{}: {}", row.form, row.what.join(" ")))
}

/// The own names of all commands.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    ROWS.iter().filter_map(|row| row.word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::{Command, ParseError, parse};

    #[track_caller]
    fn shows(line: &str, text: &str) {
        assert_eq!(parse(line), Ok(Some(Command::Help(text.to_owned()))), "{line}");
    }

    #[test]
    fn all_commands_are_listed_in_columns() {
        let all = all();
        shows("/help", &all);
        shows("/HELP ", &all);
        assert!(all.starts_with("Commands:\n  @bob:hello     sends hello to bob; so does `@bob hello`\n"), "{all}");
        assert!(
            all.contains("\n                 the full screen where the prompt says\n  /leave         leaves"),
            "{all}"
        );
        assert!(all.lines().all(|line| line.len() <= 120), "{all}");
    }

    #[test]
    fn the_help_for_one_command_is_that_of_no_other() {
        let join = "/join #lobby: goes into a room; text without a recipient goes to the room of the last /join, \
                    and on the full screen where the prompt says";
        for line in ["/help join", "/help /join", "/help JOIN", "/help j", "／help ／join", "/Help  /J "] {
            shows(line, join);
        }
        shows("/help part", "/leave: leaves that room; with a room, that one");
        shows("/help exit", "/quit, exit: leaves");
        shows("/help query", "@bob:hello: sends hello to bob; so does `@bob hello`");
        for word in words() {
            assert!(
                matches!(parse(&format!("/help {word}")), Ok(Some(Command::Help(text))) if text == of(word).unwrap())
            );
            assert!(!matches!(parse(&format!("/{word}")), Err(ParseError::Unknown { .. })), "/{word} is a command");
        }
    }

    #[test]
    fn help_for_what_is_no_command_says_so() {
        let told = |line: &str| parse(line).unwrap_err().to_string();
        let unknown = "there is no command /nothing: /help lists them; //text says what begins with a /";
        assert_eq!([told("/help nothing"), told("/help /nothing")], [unknown, unknown]);
        assert_eq!(told("/help nick"), told("/nick"));
        assert!(told("/help jion").starts_with("there is no command /jion; /join is the nearest: "));
        assert_eq!(told("/help join who"), "who is one too many: /help join shows what /join does");
    }
}
