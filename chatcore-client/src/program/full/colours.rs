//! Which colours a terminal has, and whose is which.

use ratatui::style::{Color, Modifier, Style};

/// The colours of names where there are 16, and the user has chosen how each looks. Yellow is not seen on white, and blue
/// not on black.
const SIXTEEN: [Color; 5] = [Color::Red, Color::Green, Color::Magenta, Color::Cyan, Color::LightBlue];

/// The same where there are 256. Each differs from white and from black by a contrast of 3.5 or more, as WCAG counts it.
const MANY: [u8; 22] =
    [160, 167, 166, 130, 94, 100, 64, 28, 29, 30, 31, 32, 27, 63, 99, 98, 134, 129, 164, 163, 162, 161];

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

    /// How a name is written, always alike.
    pub(crate) fn of_name(self, name: &str) -> Style {
        let hash = name.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let one_of = |count: usize| (hash >> 8) as usize % count;
        match self {
            Self::None => Style::new().add_modifier(Modifier::BOLD),
            Self::Sixteen => Style::new().fg(SIXTEEN[one_of(SIXTEEN.len())]),
            Self::Many => Style::new().fg(Color::Indexed(MANY[one_of(MANY.len())])),
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
mod tests {
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

    /// The colour of a number among the 256, as xterm has it.
    fn luminance(number: u8) -> f64 {
        let level = |step: u8| f64::from(if step == 0 { 0 } else { 55 + 40 * step }) / 255.0;
        let linear = |c: f64| if c <= 0.039_28 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) };
        let step = number - 16;
        let [red, green, blue] = [step / 36, step / 6 % 6, step % 6].map(|step| linear(level(step)));
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    #[test]
    fn names_are_read_on_white_and_on_black() {
        for number in MANY {
            let luminance = luminance(number);
            let (on_white, on_black) = (1.05 / (luminance + 0.05), (luminance + 0.05) / 0.05);
            assert!(on_white >= 3.5 && on_black >= 3.5, "{number}: {on_white} on white, {on_black} on black");
        }
    }

    #[test]
    fn a_name_keeps_its_colour_and_names_differ() {
        assert_eq!(Colours::Many.of_name("alice"), Colours::Many.of_name("alice"));
        let colours: std::collections::HashSet<_> =
            ["alice", "bob", "carol", "dave", "erin"].map(|name| Colours::Many.of_name(name).fg.unwrap()).into();
        assert!(colours.len() >= 3, "{colours:?}");
        assert_eq!(Colours::None.of_name("alice").fg, None);
    }
}
