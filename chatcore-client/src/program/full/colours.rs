//! Which colours a terminal has, and whose is which.

use ratatui::style::{Color, Modifier, Style};

use super::background::Background;

/// The colours of names where there are 16, and the user has chosen how each looks. Yellow is not seen on white, and
/// blue not on black. A name has the same place in each of these, and so about the same hue on each background.
const SIXTEEN: [Color; 5] = [Color::Red, Color::Green, Color::Magenta, Color::Cyan, Color::LightBlue];
const SIXTEEN_ON_LIGHT: [Color; 5] = [Color::Red, Color::Green, Color::Magenta, Color::Cyan, Color::Blue];
const SIXTEEN_ON_DARK: [Color; 5] =
    [Color::LightRed, Color::LightGreen, Color::LightMagenta, Color::LightCyan, Color::LightBlue];

/// The same where there are 256. Each differs from white and from black by a contrast of 3.5 or more, as WCAG counts
/// it.
const MANY: [u8; 22] =
    [160, 167, 166, 130, 94, 100, 64, 28, 29, 30, 31, 32, 27, 63, 99, 98, 134, 129, 164, 163, 162, 161];

/// Each of these differs from white by 4.5 or more.
const MANY_ON_LIGHT: [u8; 22] =
    [124, 160, 88, 130, 94, 58, 28, 22, 29, 23, 24, 25, 27, 21, 98, 57, 129, 54, 127, 163, 162, 161];

/// Each of these differs from black by 7 or more, and so from a dark grey by enough.
const MANY_ON_DARK: [u8; 22] =
    [210, 203, 208, 215, 214, 142, 106, 40, 42, 44, 38, 39, 111, 147, 141, 183, 177, 140, 213, 206, 212, 205];

/// How many colours there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Colours {
    #[default]
    None,
    Sixteen,
    Many,
}

impl Colours {
    /// What the environment says: `NO_COLOR`, `TERM` and `COLORTERM`.
    pub(crate) fn of_environment() -> Self {
        let text = |name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        Self::of(text("NO_COLOR").as_deref(), text("TERM").as_deref(), text("COLORTERM").as_deref())
    }

    fn of(no_color: Option<&str>, term: Option<&str>, colorterm: Option<&str>) -> Self {
        let term = term.unwrap_or_default();
        if no_color.is_some_and(|value| !value.is_empty()) || matches!(term, "" | "dumb") || term.starts_with("vt") {
            Self::None
        } else if term.contains("256color")
            || term.contains("direct")
            || matches!(colorterm, Some("truecolor" | "24bit"))
        {
            Self::Many
        } else {
            Self::Sixteen
        }
    }

    /// How a name is written on such a background, always alike.
    pub(crate) fn of_name(self, name: &str, background: Background) -> Style {
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let one_of = |count: usize| (hash >> 8) as usize % count;
        match self {
            Self::None => Style::new().add_modifier(Modifier::BOLD),
            Self::Sixteen => {
                let colours = match background {
                    Background::Unknown => SIXTEEN,
                    Background::Light => SIXTEEN_ON_LIGHT,
                    Background::Dark => SIXTEEN_ON_DARK,
                };
                Style::new().fg(colours[one_of(colours.len())])
            }
            Self::Many => {
                let colours = match background {
                    Background::Unknown => MANY,
                    Background::Light => MANY_ON_LIGHT,
                    Background::Dark => MANY_ON_DARK,
                };
                Style::new().fg(Color::Indexed(colours[one_of(colours.len())]))
            }
        }
    }

    /// How something is written that went wrong.
    pub(crate) fn of_trouble(self) -> Style {
        match self {
            Self::None => Style::new().add_modifier(Modifier::BOLD),
            Self::Sixteen | Self::Many => Style::new().fg(Color::Red).add_modifier(Modifier::BOLD),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::background::luminance;
    use super::*;

    #[test]
    fn colours_are_as_many_as_the_environment_says() {
        assert_eq!(Colours::of(None, Some("xterm-256color"), None), Colours::Many);
        assert_eq!(Colours::of(None, Some("tmux"), Some("truecolor")), Colours::Many);
        assert_eq!(Colours::of(None, Some("linux"), None), Colours::Sixteen);
        assert_eq!(Colours::of(None, Some("xterm"), None), Colours::Sixteen);
        assert_eq!(Colours::of(None, Some("vt220"), None), Colours::None);
        assert_eq!(Colours::of(None, None, Some("truecolor")), Colours::None);
        assert_eq!(Colours::of(Some("1"), Some("xterm-256color"), Some("truecolor")), Colours::None);
        assert_eq!(Colours::of(Some(""), Some("xterm-256color"), None), Colours::Many);
    }

    /// Whether a number among the 256, in the colour that xterm gives it, can be read on a background.
    pub(crate) fn contrast(number: u8, background: Background) -> bool {
        let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * step };
        let step = number - 16;
        let luminance = luminance([step / 36, step / 6 % 6, step % 6].map(level));
        let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
        match background {
            Background::Unknown => on_white >= 3.5 && on_black >= 3.5,
            Background::Light => on_white >= 4.5,
            Background::Dark => on_black >= 7.0,
        }
    }

    #[test]
    fn names_are_read_on_their_background() {
        let palettes =
            [(MANY, Background::Unknown), (MANY_ON_LIGHT, Background::Light), (MANY_ON_DARK, Background::Dark)];
        for (palette, background) in palettes {
            for number in palette {
                assert!(contrast(number, background), "{number} on {background:?}");
            }
            let distinct: std::collections::BTreeSet<_> = palette.into();
            assert_eq!(distinct.len(), palette.len(), "{background:?}");
        }
    }

    #[test]
    fn a_name_keeps_its_colour_and_names_differ() {
        for background in [Background::Unknown, Background::Light, Background::Dark] {
            for colours in [Colours::Sixteen, Colours::Many] {
                assert_eq!(colours.of_name("alice", background), colours.of_name("alice", background));
                let names = ["alice", "bob", "carol", "dave", "erin"].map(|name| colours.of_name(name, background).fg);
                let distinct: std::collections::HashSet<_> = names.into();
                assert!(distinct.len() >= 3, "{distinct:?}");
            }
            assert_eq!(Colours::None.of_name("alice", background).fg, None);
        }
    }
}
