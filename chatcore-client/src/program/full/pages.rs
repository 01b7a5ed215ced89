//! The tables of the book that are made from those of the program, held to be current.
//! `UPDATE_PAGES=1 cargo test -p chatcore-client --lib pages` writes them anew.

use std::env;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use ratatui::style::{Color, Modifier};

use super::background::Background;
use super::colours::Colours;
use super::keymap::ACTIONS;
use super::settings::tests::read;
use super::settings::{BACKGROUNDS, COLOURS, NOTIFY, Screen};
use super::theme::{ROLES, Role, Theme};
use crate::program::command::{Command, ParseError, parse};

const PAGE: &str = "../docs/src/client.md";

/// The page. None in the package alone, which has no book.
fn page() -> Option<(PathBuf, String)> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    path.exists().then(|| (path.clone(), fs::read_to_string(&path).expect("the page is text")))
}

/// Compares what stands between two comments with what should stand there, or writes it.
fn hold(name: &str, should: &str) {
    let Some((path, page)) = page() else { return };
    let begin = format!("<!-- {name}: made from the tables in chatcore-client/src/program/full -->\n");
    let end = format!("<!-- {name} end -->\n");
    let (before, rest) = page.split_once(&begin).expect("the page has the place for the table");
    let (is, after) = rest.split_once(&end).expect("the place has an end");
    if env::var_os("UPDATE_PAGES").is_some() {
        // Another test may read the page meanwhile.
        let new = path.with_extension("new");
        fs::write(&new, format!("{before}{begin}\n{should}\n{end}{after}")).expect("the page can be written");
        fs::rename(new, path).expect("it can be replaced");
    } else {
        assert!(is.trim() == should.trim(), "{PAGE} is not what the program says: UPDATE_PAGES=1 makes it anew");
    }
}

#[test]
fn the_tables_of_the_book_are_those_of_the_program() {
    hold("keys", &keys());
    hold("settings", &settings());
    hold("colours", &roles());
}

fn keys() -> String {
    let mut table = String::from("| keys | name | |\n|---|---|---|\n");
    for entry in ACTIONS {
        let keys: Vec<String> = entry.keys.iter().map(|key| format!("`{key}`")).collect();
        writeln!(table, "| {} | `{}` | {} |", keys.join(", "), entry.name, entry.what.replace('`', "")).unwrap();
    }
    table
}

/// The name of what holds by default.
fn default_of<T: PartialEq>(known: &[(&'static str, T)], is: &T) -> &'static str {
    known.iter().find(|(_, value)| value == is).map(|(name, _)| *name).expect("each value has a name")
}

fn names<T>(known: &[(&str, T)]) -> String {
    known.iter().map(|(name, _)| format!("`\"{name}\"`")).collect::<Vec<_>>().join(", ")
}

/// Each key but the colours, with its table, its values and its default.
fn rows() -> [(&'static str, &'static str, String, String, &'static str); 5] {
    let is = Screen::default();
    let truths = || "`true`, `false`".to_owned();
    let quoted = |name: &str| format!("\"{name}\"");
    [
        (
            "[screen]",
            "mouse",
            truths(),
            is.mouse.to_string(),
            "whether clicks and the wheel are for the client. If not, the terminal selects text with them. F2 changes it for a run",
        ),
        (
            "[screen]",
            "notify",
            names(&NOTIFY),
            quoted(default_of(&NOTIFY, &is.notify)),
            "how the terminal tells you of a message that is for you alone or names you, while its window has no focus: by its \
             bell, or by a notice of the desktop in one of two forms. Where the terminal does not tell the focus, as tmux \
             without `focus-events`, nobody looks 10 s after the last key",
        ),
        ("[screen]", "notify_body", truths(), is.notify_body.to_string(), "whether a notice tells also what was said"),
        (
            "[screen.theme]",
            "background",
            names(&BACKGROUNDS),
            quoted(default_of(&BACKGROUNDS, &is.theme.background)),
            "what the colours are for. With `\"auto\"` the client asks the terminal, and heeds `COLORFGBG` until it answers",
        ),
        (
            "[screen.theme]",
            "colours",
            names(&COLOURS),
            quoted(default_of(&COLOURS, &is.theme.colours)),
            "how many there are. With `\"auto\"` that is what `NO_COLOR`, `TERM` and `COLORTERM` say",
        ),
    ]
}

fn settings() -> String {
    let mut table = String::from("| table | key | values | default | |\n|---|---|---|---|---|\n");
    for (of, key, values, default, what) in rows() {
        writeln!(table, "| `{of}` | `{key}` | {values} | `{default}` | {what} |").unwrap();
    }
    table
}

/// A key that is read and has no row is one that nobody finds; and each value of a row is read.
#[test]
fn each_setting_has_a_row() {
    let fault = read("x = 1").unwrap_err().concat();
    let known = fault.split('`').skip(1).step_by(2).filter(|key| !matches!(*key, "keys" | "theme"));
    for key in known {
        assert!(rows().iter().any(|(_, row, ..)| *row == key), "{key} has no row");
    }
    for (of, key, values, default, _) in rows() {
        let table = of.trim_matches(['[', ']']).strip_prefix("screen").unwrap_or_default().trim_start_matches('.');
        let head = if table.is_empty() { String::new() } else { format!("[{table}]\n") };
        assert!(values.contains(&default), "{key}: {default} is not among {values}");
        for value in values.split(", ") {
            let text = format!("{head}{key} = {}", value.trim_matches('`'));
            assert!(read(&text).is_ok(), "{text}");
        }
    }
}

const fn what(role: Role) -> &'static str {
    match role {
        Role::Private => "the prompt, while one user alone will read the line",
        Role::Room => "the prompt, while a room will read the line",
        Role::Command => "the prompt of a command",
        Role::Warning => "the prompt of what will not be sent as it is",
        Role::Quiet => "the prompt, while nothing can be typed",
    }
}

fn roles() -> String {
    let mut table = String::from(
        "| key | what it is for | on light | on dark | on either | without colours |\n|---|---|---|---|---|---|\n",
    );
    for (role, name, modifier) in ROLES {
        write!(table, "| `{name}` | {} |", what(role)).unwrap();
        for background in [Background::Light, Background::Dark, Background::Unknown] {
            let mut theme = Theme::default();
            theme.tell(background);
            let usual = [Colours::Many, Colours::Sixteen].map(|colours| theme.usual(role, colours).map(spelled));
            match usual {
                [Some(many), Some(sixteen)] => write!(table, " `{many}`, `{sixteen}` |").unwrap(),
                _ => table.push_str(" dim |"),
            }
        }
        let words = modifier.iter_names().map(|(name, _)| name.to_lowercase()).collect::<Vec<_>>().join(", ");
        writeln!(table, " {words} |").unwrap();
    }
    assert!(Modifier::DIM == ROLES[4].2, "what has no colour is dim");
    table
}

/// A colour as a file names it.
fn spelled(colour: Color) -> String {
    let mut spelled = String::new();
    for c in colour.to_string().chars() {
        if c.is_uppercase() && !spelled.is_empty() {
            spelled.push('-');
        }
        spelled.extend(c.to_lowercase());
    }
    assert_eq!(spelled.parse(), Ok(colour));
    spelled
}

/// The table for whoever knows IRC: what is said to be the same is the same, and what is something else is told by the
/// program in the words of the table.
#[test]
fn what_the_book_says_of_irc_is_what_the_program_does() {
    let Some((_, page)) = page() else { return };
    let (_, rest) = page.split_once("| on IRC | here |\n|---|---|\n").expect("there is the table");
    let rows: Vec<&str> = rest.lines().take_while(|line| line.starts_with('|')).collect();
    let mut told = 0;
    for row in &rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [of_irc, here] = cells[..] else { panic!("{row}: two cells") };
        let code = |cell: &str| cell.split('`').skip(1).step_by(2).map(str::to_owned).collect::<Vec<_>>();
        for (nth, line) in code(of_irc).iter().enumerate() {
            match parse(line) {
                Err(ParseError::OfIrc { instead, .. }) => {
                    told += 1;
                    assert!(here.replace('`', "").contains(instead), "{row}: the program says {instead}");
                }
                outcome => {
                    let all = code(here);
                    let ours = all.get(nth).or(all.first()).unwrap_or_else(|| panic!("{row}: what is it here?"));
                    assert_eq!(outcome, parse(ours), "{line} is {ours}");
                    assert!(!matches!(outcome, Err(ParseError::Unknown { .. }) | Ok(Some(Command::Help(_)))), "{line}");
                }
            }
        }
    }
    assert!(rows.len() >= 15 && told >= 8, "{} rows", rows.len());
}
