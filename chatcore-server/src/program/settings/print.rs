//! The settings as a file.

use std::fmt;

use super::load::Loaded;
use super::setting::{Reload, Setting};
use super::source::OneLine;
use super::table::GROUPS;

/// Letters of a line of comment.
const LINE_LETTERS_MAX: usize = 96;

/// What a file looks like that has all these values, each with its source.
impl fmt::Display for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, group) in GROUPS.iter().enumerate() {
            let blank = if index == 0 { "" } else { "\n" };
            writeln!(f, "{blank}# ---- {} ----", group.title)?;
            group.settings.iter().try_for_each(|setting| self.fmt_setting(f, setting))?;
        }
        Ok(())
    }
}

impl Loaded {
    fn fmt_setting(&self, f: &mut fmt::Formatter<'_>, setting: &Setting) -> fmt::Result {
        writeln!(f)?;
        comment(f, setting.doc)?;
        let reload = match setting.reload {
            Reload::Live => "changes with SIGHUP",
            Reload::Restart => "changes with a restart",
        };
        comment(f, &format!("({}; {reload})", setting.unit.form()))?;
        let name = setting.name;
        match (setting.get)(&self.settings) {
            Some(value) => {
                // A path may hold what would end the comment.
                let source = self.source(setting).to_string();
                writeln!(f, "{name} = {}  # {}", setting.unit.write(&value), OneLine(&source))
            }
            None => writeln!(f, "# {name} is not set"),
        }
    }
}

/// Lines of comment.
fn comment(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    let mut letters = 0;
    for word in text.split(' ') {
        let length = word.chars().count() + 1;
        if letters == 0 || letters + length > LINE_LETTERS_MAX {
            f.write_str(if letters == 0 { "#" } else { "\n#" })?;
            letters = 1;
        }
        write!(f, " {word}")?;
        letters += length;
    }
    writeln!(f)
}
