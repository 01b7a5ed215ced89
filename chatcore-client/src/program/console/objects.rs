//! Commands as JSON objects: what a script says that lines cannot hold, or that it need not put together by itself.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};

use crate::program::command::{Command, is_signed, strip_sign, without_room_sign};

/// What the objects are, for whoever wrote another one.
const OBJECTS: &str = r##"{"to":"bob","body":"text"}, {"to":"bob","body_base64":"dGV4dA=="}, {"join":"#room"}, {"leave":"#room"}, {"roster":"#room"}, {"watch":["bob"]}, {"unwatch":["bob"]}, {"who":true} and {"quit":true} are commands"##;

/// Whether a line is one. No other line of JSON means anything else.
pub(super) fn is_object(line: &str) -> bool {
    line.trim_start().starts_with('{')
}

/// Reads an object.
///
/// # Errors
///
/// What is wrong with it, and what would be right.
pub(super) fn parse(line: &str) -> Result<Command, String> {
    let fields: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| format!("the line is no JSON object: {error}. {OBJECTS}"))?;
    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
    match names[..] {
        ["body", "to"] | ["to", "body"] => {
            let body = text(&fields, "body")?.to_owned();
            says_something("body", body.as_bytes())?;
            Ok(Command::Send { to: recipient(text(&fields, "to")?)?, body })
        }
        // As it is written of bodies that are no text, so that a script can pass on what it gets.
        ["body_base64", "to"] | ["to", "body_base64"] => {
            let body = BASE64_STANDARD.decode(text(&fields, "body_base64")?);
            let body =
                body.map_err(|error| format!("\"body_base64\" is no base64 with padding: {error}. {OBJECTS}"))?;
            says_something("body_base64", &body)?;
            Ok(Command::SendBytes { to: recipient(text(&fields, "to")?)?, body })
        }
        ["to"] => Err(format!("\"body\" is missing, which is the text. {OBJECTS}")),
        ["body" | "body_base64"] => Err(format!("\"to\" is missing, which is a user or a room. {OBJECTS}")),
        ["join"] => Ok(Command::Join(room(&fields, "join")?)),
        ["leave"] => Ok(Command::Leave(Some(room(&fields, "leave")?))),
        ["roster"] => Ok(Command::Roster(Some(room(&fields, "roster")?))),
        ["watch"] => Ok(Command::Watch(users(&fields, "watch")?)),
        ["unwatch"] => Ok(Command::Unwatch(users(&fields, "unwatch")?)),
        ["who"] => yes(&fields, "who", Command::Who),
        ["quit"] => yes(&fields, "quit", Command::Quit),
        _ => Err(format!("no command has these fields together: {}. {OBJECTS}", names.join(", "))),
    }
}

/// Nobody wants to send nothing.
fn says_something(name: &str, body: &[u8]) -> Result<(), String> {
    if str::from_utf8(body).is_ok_and(|text| text.trim().is_empty()) {
        return Err(format!("\"{name}\" says nothing: it is to be more than blanks and line ends. {OBJECTS}"));
    }
    Ok(())
}

fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, String> {
    fields[name].as_str().ok_or_else(|| format!("\"{name}\" is to be a text in quotes. {OBJECTS}"))
}

/// A user, with or without its sign, or a room with its own.
fn recipient(to: &str) -> Result<String, String> {
    let after_sign = strip_sign(to, '@').or_else(|| strip_sign(to, '#'));
    if after_sign.is_some_and(is_signed) {
        return Err(format!(
            "\"to\" is {to:?}, which is nobody: a room begins with #, and a user with no sign or an @. {OBJECTS}"
        ));
    }
    match strip_sign(to, '@').unwrap_or(to) {
        "" | "#" => Err(format!("\"to\" is empty: it is to be a user or a room. {OBJECTS}")),
        name => Ok(name.to_owned()),
    }
}

fn room(fields: &Map<String, Value>, name: &str) -> Result<String, String> {
    match without_room_sign(text(fields, name)?) {
        "" => Err(format!("\"{name}\" is empty: it is to be a room. {OBJECTS}")),
        room => Ok(format!("#{room}")),
    }
}

fn users(fields: &Map<String, Value>, name: &str) -> Result<Vec<String>, String> {
    let wrong = || format!("\"{name}\" is to be a list of users, with one at least. {OBJECTS}");
    let list = fields[name].as_array().filter(|list| !list.is_empty()).ok_or_else(wrong)?;
    let user = |value: &Value| value.as_str().map(|user| strip_sign(user, '@').unwrap_or(user).to_owned());
    list.iter().map(user).collect::<Option<_>>().ok_or_else(wrong)
}

/// What asks for nothing in particular.
fn yes(fields: &Map<String, Value>, name: &str, command: Command) -> Result<Command, String> {
    if fields[name] == Value::Bool(true) { Ok(command) } else { Err(format!("\"{name}\" is to be true. {OBJECTS}")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_object_is_a_command() {
        let sends = |line, to: &str, body: &str| {
            assert_eq!(parse(line), Ok(Command::Send { to: to.into(), body: body.into() }), "{line}");
        };
        sends(r#"{"to":"bob","body":"one\ntwo"}"#, "bob", "one\ntwo");
        sends(r##" { "body" : "/who", "to" : "#lobby" } "##, "#lobby", "/who");
        sends(r#"{"to":"@bob","body":" . "}"#, "bob", " . ");
        let bytes = parse(r#"{"to":"@bob","body_base64":"/wA="}"#);
        assert_eq!(bytes, Ok(Command::SendBytes { to: "bob".into(), body: b"\xff\x00".into() }));
        let is = |line, command| assert_eq!(parse(line), Ok(command), "{line}");
        is(r##"{"join":"#lobby"}"##, Command::Join("#lobby".into()));
        is(r#"{"join":"lobby"}"#, Command::Join("#lobby".into()));
        is(r##"{"leave":"#lobby"}"##, Command::Leave(Some("#lobby".into())));
        is(r##"{"roster":"#lobby"}"##, Command::Roster(Some("#lobby".into())));
        is(r#"{"watch":["bob","@carol"]}"#, Command::Watch(vec!["bob".into(), "carol".into()]));
        is(r#"{"unwatch":["bob"]}"#, Command::Unwatch(vec!["bob".into()]));
        is(r#"{"who":true}"#, Command::Who);
        is(r#"{"quit":true}"#, Command::Quit);
    }

    #[test]
    fn what_is_no_command_is_told_what_would_be_one() {
        for (line, words) in [
            ("{", "the line is no JSON object: "),
            (r#"{"to":"bob","body":"x"} more"#, "the line is no JSON object: "),
            ("{}", "no command has these fields together: . "),
            (r#"{"to":"bob"}"#, "\"body\" is missing"),
            (r#"{"body":"x"}"#, "\"to\" is missing"),
            (r#"{"to":7,"body":"x"}"#, "\"to\" is to be a text in quotes"),
            (r#"{"to":"@","body":"x"}"#, "\"to\" is empty"),
            (r#"{"to":"bob","body":""}"#, "\"body\" says nothing: "),
            (r##"{"to":"#lobby","body":" \n\t"}"##, "\"body\" says nothing: "),
            (r#"{"to":"bob","body_base64":""}"#, "\"body_base64\" says nothing: "),
            (r#"{"to":"bob","body_base64":"IAkK"}"#, "\"body_base64\" says nothing: "),
            // A blank that is not ASCII, as in a text.
            (r#"{"to":"bob","body_base64":"44CA"}"#, "\"body_base64\" says nothing: "),
            (r#"{"to":"@#lobby","body":"x"}"#, "\"to\" is \"@#lobby\", which is nobody: "),
            (r##"{"to":"#@bob","body":"x"}"##, "\"to\" is \"#@bob\", which is nobody: "),
            (r#"{"to":"bob","boddy":"x"}"#, "no command has these fields together: boddy, to. "),
            (r#"{"to":"bob","body":"x","join":"y"}"#, "no command has these fields together: body, join, to. "),
            (r#"{"body_base64":"/wA="}"#, "\"to\" is missing"),
            (r#"{"to":"bob","body_base64":"/wA"}"#, "\"body_base64\" is no base64 with padding: "),
            (r#"{"to":"bob","body_base64":7}"#, "\"body_base64\" is to be a text in quotes"),
            (
                r#"{"to":"bob","body":"x","body_base64":"eA=="}"#,
                "no command has these fields together: body, body_base64, to. ",
            ),
            (r##"{"join":"#"}"##, "\"join\" is empty"),
            (r#"{"watch":[]}"#, "\"watch\" is to be a list of users"),
            (r#"{"watch":[7]}"#, "\"watch\" is to be a list of users"),
            (r#"{"who":false}"#, "\"who\" is to be true"),
        ] {
            let error = parse(line).unwrap_err();
            assert!(error.starts_with(words) && error.ends_with(OBJECTS), "{line}: {error}");
        }
        assert!(is_object(" {") && !is_object("[]") && !is_object("@bob {}"));
    }
}
