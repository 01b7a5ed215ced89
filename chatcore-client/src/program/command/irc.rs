//! What people type who know IRC: commands that are the same here by another name, and what to do in place of the
//! others.

use super::{Command, ParseError, send as send_to, strip_sign, user_name};

/// Commands of IRC that are ours by another name. Those of a letter are such in more than one client of IRC.
const SAME: [(&str, &str); 10] = [
    ("query", "msg"),
    ("part", "leave"),
    ("names", "roster"),
    ("exit", "quit"),
    ("bye", "quit"),
    ("signoff", "quit"),
    ("j", "join"),
    ("m", "msg"),
    ("n", "roster"),
    ("w", "who"),
];

/// Commands of IRC, and of other chats, that are none here, and what there is in place of each.
const INSTEAD: [(&str, &str); 34] = [
    ("nick", "a name is for the whole session: /quit, and start again with another --name"),
    ("whois", "/watch bob tells whether bob is online, and when that changes"),
    ("away", "others see whether somebody is online, and nothing else"),
    ("me", "say it as a text, such as *waves*"),
    ("notice", "@bob:text sends text to bob"),
    ("list", "nobody can list the rooms; /join #room goes into one, whether there is one already or not"),
    ("topic", "a room has nothing but its name and its members"),
    ("kick", "nobody rules over a room: whoever runs the server decides who may connect"),
    ("ignore", "nobody can be left out of what is shown; /leave leaves a room"),
    ("window", "on the full screen Alt-3 opens the third conversation of the list, and @bob or #room one by its name"),
    ("win", "on the full screen Alt-3 opens the third conversation of the list, and @bob or #room one by its name"),
    ("close", "on the full screen Alt-x closes a conversation; /leave leaves a room"),
    ("wc", "on the full screen Alt-x closes a conversation; /leave leaves a room"),
    ("lastlog", "on the full screen Ctrl-R looks for what is typed"),
    ("server", "--connect ADDRESS names the server when the program starts"),
    ("connect", "--connect ADDRESS names the server when the program starts"),
    ("disconnect", "/quit leaves"),
    // To one it is /query, and to another /quit.
    ("q", "/query bob text sends text to bob, and /quit leaves"),
    ("dm", "@bob:text sends text to bob"),
    ("tell", "@bob:text sends text to bob"),
    ("whisper", "@bob:text sends text to bob"),
    ("wi", "/watch bob tells whether bob is online, and when that changes"),
    ("whowas", "/watch bob tells whether bob is online, and when that changes"),
    ("back", "others see whether somebody is online, and nothing else"),
    ("users", "/who lists who is online, and /roster #room who is in a room"),
    ("invite", "whoever knows a room's name goes into it by /join #room"),
    ("t", "a room has nothing but its name and its members"),
    ("k", "nobody rules over a room: whoever runs the server decides who may connect"),
    ("ban", "nobody rules over a room: whoever runs the server decides who may connect"),
    ("mode", "nobody rules over a room: whoever runs the server decides who may connect"),
    ("op", "nobody rules over a room: whoever runs the server decides who may connect"),
    ("set", "the file client.toml has the settings, and the program reads it when it starts"),
    ("clear", "nothing that was said is taken away; on the full screen Alt-> shows the newest"),
    ("last", "on the full screen Ctrl-R looks for what is typed"),
];

/// Our name for a command, or the same word if that is none of IRC.
pub(crate) fn own_word(word: &str) -> &str {
    SAME.iter().find(|(of_irc, _)| *of_irc == word).map_or(word, |(_, own)| own)
}

/// The commands of IRC that are ours by another name.
pub(super) fn words() -> impl Iterator<Item = &'static str> {
    SAME.iter().map(|(word, _)| *word)
}

/// What there is in place of a command of IRC.
pub(super) fn instead_of(word: &str) -> Option<ParseError> {
    let (_, instead) = INSTEAD.iter().find(|(known, _)| *known == word)?;
    Some(ParseError::OfIrc { word: format!("/{word}"), instead })
}

/// What follows `/msg` or `/query` is what follows an `@`. A room is one by its sign.
pub(super) fn send(rest: &str) -> Result<Command, ParseError> {
    let rest = rest.trim_start();
    if rest.is_empty() {
        return Err(ParseError::NoArgument("/msg bob text sends text to bob; so does @bob:text"));
    }
    match strip_sign(rest, '#') {
        Some(room) => send_to('#', room),
        None => send_to('@', user_name(rest)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::{help, parse};

    /// A line of IRC is the same as one of ours.
    #[track_caller]
    fn is(of_irc: &str, ours: &str) {
        assert_eq!(parse(of_irc), parse(ours), "{of_irc} is {ours}");
        assert!(!matches!(parse(of_irc), Err(ParseError::Unknown { .. })));
    }

    #[test]
    fn commands_of_irc_are_the_same_as_ours_where_there_are_such() {
        for word in ["msg", "query"] {
            is(&format!("/{word} bob hello: you"), "@bob hello: you");
            is(&format!("/{word} @bob hello"), "@bob hello");
            is(&format!("／{word} ＠bob：hello"), "@bob:hello");
            is(&format!("/{word} bob: hello"), "@bob: hello");
            is(&format!("/{word} #lobby hello"), "#lobby hello");
            is(&format!("/{word}  bob one\ntwo"), "@bob one\ntwo");
            is(&format!("/{word} bob"), "@bob");
            is(&format!("/{word} @#lobby secret"), "@#lobby:secret");
            is(&format!("/{word} #@bob secret"), "#@bob:secret");
            assert_eq!(parse(&format!("/{word} ＠＃lobby secret")).unwrap_err().reason(), "no_recipient");
            assert_eq!(parse(&format!("/{word} ")).unwrap_err().reason(), "wrong_arguments");
        }
        is("/part", "/leave");
        is("/part #lobby", "/leave #lobby");
        is("/names", "/roster");
        is("/names lobby", "/roster lobby");
        for word in ["exit", "bye", "signoff"] {
            is(&format!("/{word}"), "/quit");
        }
        is("/j #lobby", "/join #lobby");
        is("/m bob hello", "@bob hello");
        is("/n #lobby", "/roster #lobby");
        is("/w", "/who");
    }

    #[test]
    fn what_is_another_way_here_is_told() {
        for (word, instead) in INSTEAD {
            let error = parse(&format!("/{word} bob")).unwrap_err();
            assert_eq!(error.to_string(), format!("there is no /{word} here: {instead}"));
            assert_eq!(error.reason(), "unknown_command");
            assert_eq!(parse(&format!("/{}", word.to_uppercase())).unwrap_err().reason(), "unknown_command");
        }
    }

    #[test]
    fn each_word_means_one_thing() {
        let instead = INSTEAD.iter().map(|(word, _)| *word);
        let mut words: Vec<&str> = words().chain(instead).chain(help::words()).collect();
        let count = words.len();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), count, "{words:?}");
    }
}
