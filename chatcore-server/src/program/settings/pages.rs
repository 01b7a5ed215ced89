//! The pages that are made from the table, held to be current: the manual page, and the table of the guide.
//! `UPDATE_PAGES=1 cargo test -p chatcore-server --lib pages` writes them anew.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::PathBuf;

use super::flags::{EXIT_CODES, SIGNALS, command};
use super::setting::{Reload, Setting, Settings};
use super::table::{GROUPS, TABLE};
use crate::program::log_in::PasswordCommand;

/// Compares a page with what it should be, or writes it.
fn hold(page: &str, should: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(page);
    if env::var_os("UPDATE_PAGES").is_some() {
        fs::write(&path, should).expect("the page can be written");
    }
    let is = fs::read_to_string(&path).expect("the page is there");
    assert!(is == should, "{page} is not what the table of settings says: UPDATE_PAGES=1 makes it anew");
}

#[cfg(feature = "page")]
#[test]
fn the_manual_page_is_what_the_table_says() {
    hold("man/chatcore-server.1", str::from_utf8(&manual().expect("memory takes it")).expect("it is text"));
}

fn manual() -> io::Result<Vec<u8>> {
    let mut page = Vec::new();
    // The page says no version: it would have to change with each.
    let command = command().version(None::<&str>).disable_help_flag(true);
    let man = clap_mangen::Man::new(command).date("").source("chatcore").manual("");
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    write!(page, ".SH SYNOPSIS\n\\fBchatcore\\-server\\fR [\\fIOPTIONS\\fR]\n.br\n")?;
    writeln!(page, "\\fBchatcore\\-server password\\fR \\fICOMMAND\\fR [\\fB\\-\\-password\\-file\\fR \\fIFILE\\fR]")?;
    man.render_description_section(&mut page)?;
    writeln!(page, ".SH \"PASSWORDS\"")?;
    for command in PasswordCommand::clap().get_subcommands() {
        let (name, text) = (command.get_name(), command.get_long_about().or(command.get_about()));
        let argument = if command.get_positionals().count() > 0 { " \\fINAME\\fR" } else { "" };
        let text = text.map(ToString::to_string).unwrap_or_default();
        write!(page, ".TP\n\\fBchatcore\\-server password {name}\\fR{argument}\n{text}.\n")?;
    }
    man.render_options_section(&mut page)?;
    for (title, rows) in [("SIGNALS", &SIGNALS[..]), ("EXIT STATUS", &EXIT_CODES)] {
        writeln!(page, ".SH \"{title}\"")?;
        rows.iter().try_for_each(|(name, text)| write!(page, ".TP\n\\fB{name}\\fR\n{text}\n"))?;
    }
    Ok(page)
}

/// The part of the guide between two comments.
#[cfg(feature = "page")]
#[test]
fn the_table_of_the_guide_is_what_the_table_says() {
    const PAGE: &str = "../docs/src/running.md";
    const BEGIN: &str = "<!-- settings: made from the table in chatcore-server/src/program/settings/table.rs -->\n";
    const END: &str = "<!-- settings end -->\n";
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    if !path.exists() {
        // The package alone has no guide.
        return;
    }
    let page = fs::read_to_string(path).expect("the page is there");
    let (before, rest) = page.split_once(BEGIN).expect("the page has the place for the table");
    let (_, after) = rest.split_once(END).expect("the place has an end");
    hold(PAGE, &format!("{before}{BEGIN}{}{END}{after}", table()));
}

fn table() -> String {
    let defaults = Settings::default();
    let mut table = String::from("\n| setting | default | |\n|---|---|---|\n");
    for group in GROUPS {
        writeln!(table, "| **{}** | | |", group.title).unwrap();
        for setting in group.settings {
            let flag = match setting.flag {
                Some(flag) => format!(" (flag `--{flag}`)"),
                None => String::new(),
            };
            let restart = if setting.reload == Reload::Restart { " *Restart.*" } else { "" };
            let doc = code(setting.doc);
            writeln!(table, "| `{}`{flag} | {} | {doc}{restart} |", setting.name, default(setting, &defaults)).unwrap();
        }
    }
    table.push('\n');
    table
}

fn default(setting: &Setting, defaults: &Settings) -> String {
    match setting.show(defaults).as_str() {
        "none" => "none".into(),
        value => format!("`{value}`"),
    }
}

/// Words with underscores are names: of settings, and of codes of the protocol.
fn code(doc: &str) -> String {
    let word = |word: &str| match word.trim_end_matches(['.', ',']) {
        name if name.contains('_') && !name.contains('`') => word.replace(name, &format!("`{name}`")),
        _ => word.into(),
    };
    doc.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A limit of the core that is missing here is a limit that nobody can set.
#[test]
fn each_limit_has_a_setting_or_a_reason_to_have_none() {
    /// The program answers no questions.
    const OTHERS: [&str; 3] = ["waiting_of_session_max", "waiting_max", "waiting_of_origin_max"];
    let config = Settings::default().config();
    let fields = [format!("{:#?}", config.limits), format!("{:#?}", config.driver)];
    let names: Vec<&str> = fields
        .iter()
        .flat_map(|fields| fields.lines())
        .filter_map(|line| line.strip_prefix("    ").filter(|line| !line.starts_with(' ')))
        .filter_map(|line| line.split_once(':').map(|(name, _)| name))
        .collect();
    assert!(names.len() > 30, "{names:?}");
    for name in names {
        let has_setting = TABLE.iter().any(|setting| setting.path.split('.').any(|segment| segment == name));
        assert!(has_setting || OTHERS.contains(&name), "{name} has no row in the table");
    }
}
