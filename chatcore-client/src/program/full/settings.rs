//! What a file says of the screen: the table `[screen]`.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::background::Background;
use super::colours::Colours;
use super::keymap::Keymap;
use super::theme::Theme;

/// How whoever looks elsewhere is told of a message that is for them alone, or that names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Notify {
    #[default]
    Off,
    Bell,
    /// A notice of the desktop, as iTerm2 and others take it.
    Osc9,
    /// The same, as urxvt and others take it.
    Osc777,
}

/// Keys, looks, and what the terminal is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Screen {
    pub(crate) keys: Keymap,
    pub(crate) theme: Theme,
    /// Clicks and the wheel are ours, and not the terminal's.
    pub(crate) mouse: bool,
    pub(crate) notify: Notify,
    /// A notice tells also what was said. Others may see it.
    pub(crate) notify_body: bool,
}

impl Default for Screen {
    fn default() -> Self {
        let (keys, theme, notify) = (Keymap::default(), Theme::default(), Notify::Off);
        Self { keys, theme, mouse: true, notify, notify_body: false }
    }
}

/// What is wrong with the table: where it stands in the text, and what it is.
pub(crate) type Fault = (usize, String);

impl Screen {
    /// Reads the table.
    ///
    /// # Errors
    ///
    /// All that is wrong with it, each with its key and what would be right.
    pub(crate) fn from_table(table: &DeTable<'_>) -> Result<Self, Vec<Fault>> {
        let (mut screen, mut faults) = (Self::default(), Vec::new());
        for (key, value) in table {
            let outcome = match key.get_ref().as_ref() {
                "mouse" => truth(value).map(|is_so| screen.mouse = is_so),
                "notify_body" => truth(value).map(|is_so| screen.notify_body = is_so),
                "notify" => one_of(value, &NOTIFY).map(|notify| screen.notify = notify),
                "keys" => screen.read_keys(value, &mut faults),
                "theme" => screen.read_theme(value, &mut faults),
                _ => {
                    Err("there is no such key: there are `mouse`, `notify`, `notify_body`, `keys`, `theme`".to_owned())
                }
            };
            faults.extend(outcome.err().map(|fault| (key.span().start, format!("screen.{}: {fault}", key.get_ref()))));
        }
        if faults.is_empty() { Ok(screen) } else { Err(faults) }
    }

    fn read_keys(&mut self, value: &Spanned<DeValue<'_>>, faults: &mut Vec<Fault>) -> Result<(), String> {
        let table = value.get_ref().as_table();
        let table = table.ok_or("this is to be a table, such as `\"alt-n\" = \"next-conversation\"`")?;
        for (key, value) in table {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            let outcome = text(value).and_then(|action| self.keys.map(name, action));
            faults.extend(outcome.err().map(|fault| (at, format!("screen.keys.{name}: {fault}"))));
        }
        self.keys.faults().map_or(Ok(()), Err)
    }

    fn read_theme(&mut self, value: &Spanned<DeValue<'_>>, faults: &mut Vec<Fault>) -> Result<(), String> {
        let table = value.get_ref().as_table().ok_or("this is to be a table, such as `private = \"magenta\"`")?;
        for (key, value) in table {
            let (name, at) = (key.get_ref().as_ref(), key.span().start);
            let outcome = match name {
                "background" => one_of(value, &BACKGROUNDS).map(|background| self.theme.background = background),
                "colours" => one_of(value, &COLOURS).map(|colours| self.theme.colours = colours),
                role => text(value).and_then(|colour| self.theme.set(role, colour)),
            };
            faults.extend(outcome.err().map(|fault| (at, format!("screen.theme.{name}: {fault}"))));
        }
        Ok(())
    }
}

pub(super) const NOTIFY: [(&str, Notify); 4] =
    [("off", Notify::Off), ("bell", Notify::Bell), ("osc9", Notify::Osc9), ("osc777", Notify::Osc777)];

pub(super) const BACKGROUNDS: [(&str, Background); 3] =
    [("auto", Background::Unknown), ("light", Background::Light), ("dark", Background::Dark)];

pub(super) const COLOURS: [(&str, Option<Colours>); 4] =
    [("auto", None), ("none", Some(Colours::None)), ("16", Some(Colours::Sixteen)), ("256", Some(Colours::Many))];

fn truth(value: &Spanned<DeValue<'_>>) -> Result<bool, String> {
    let truth = value.get_ref().as_bool();
    truth.ok_or_else(|| format!("this is to be true or false, and is {}", shown(value.get_ref())))
}

fn text<'v>(value: &'v Spanned<DeValue<'_>>) -> Result<&'v str, String> {
    let text = value.get_ref().as_str();
    text.ok_or_else(|| format!("this is to be text in quotes, and is {}", shown(value.get_ref())))
}

fn one_of<T: Copy>(value: &Spanned<DeValue<'_>>, known: &[(&str, T)]) -> Result<T, String> {
    let found = value.get_ref().as_str().and_then(|text| known.iter().find(|(name, _)| *name == text));
    found.map(|(_, is)| *is).ok_or_else(|| {
        let names: Vec<String> = known.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        format!("this is to be one of {}, and is {}", names.join(", "), shown(value.get_ref()))
    })
}

/// A value that is wrong, as somebody wrote it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.as_str().to_owned(),
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(truth) => truth.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::program::full::keymap::Action;
    use crate::program::full::keys::Key;
    use crate::program::full::theme::Role;

    pub(crate) fn read(text: &str) -> Result<Screen, Vec<String>> {
        let table = DeTable::parse(text).expect("it is TOML");
        Screen::from_table(table.get_ref()).map_err(|faults| faults.into_iter().map(|(_, fault)| fault).collect())
    }

    #[test]
    fn a_file_sets_keys_looks_and_notices() {
        let screen = read(
            "mouse = false\nnotify = \"osc9\"\nnotify_body = true\n[keys]\n\"alt-j\" = \"next-conversation\"\n\
             [theme]\nbackground = \"dark\"\ncolours = \"16\"\nprivate = \"light-red\"",
        )
        .unwrap();
        assert_eq!((screen.mouse, screen.notify, screen.notify_body), (false, Notify::Osc9, true));
        assert_eq!(screen.keys.action(&Key::Alt('j')), Some(Action::NextConversation));
        assert_eq!(screen.theme.background, Background::Dark);
        let style = screen.theme.style(Role::Private, Colours::None);
        assert_eq!(style.fg, Some(ratatui::style::Color::LightRed), "the file goes before the environment");
        assert!(read("").is_ok_and(|screen| screen.mouse && screen.notify == Notify::Off));
    }

    #[test]
    fn all_that_is_wrong_is_told_at_once_with_its_key() {
        let faults = read(
            "mouse = 1\nnotfy = \"bell\"\nnotify = \"loud\"\n[keys]\n\"alt-j\" = 5\n\"enter\" = \"none\"\n\
             [theme]\nbackground = \"pink\"\nprivat = \"red\"",
        )
        .unwrap_err();
        let all = faults.join("\n");
        assert_eq!(faults.len(), 7, "{all}");
        for fault in [
            "screen.mouse: this is to be true or false, and is 1",
            "screen.notfy: there is no such key: there are `mouse`, `notify`",
            "screen.notify: this is to be one of \"off\", \"bell\", \"osc9\", \"osc777\", and is \"loud\"",
            "screen.keys.alt-j: this is to be text in quotes, and is 5",
            "screen.keys: no key is left for `send`",
            "screen.theme.background: this is to be one of \"auto\", \"light\", \"dark\", and is \"pink\"",
            "screen.theme.privat: there is no role of that name",
        ] {
            assert!(all.contains(fault), "{fault}: {all}");
        }
    }
}
