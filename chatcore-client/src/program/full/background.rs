//! What text stands on, light or dark, and what the environment says of it.

/// The console of Linux, which is dark, and answers nothing.
pub(super) const CONSOLE: &str = "linux";

/// From this luminance on, black can be read better on a colour than white, as WCAG 2 computes it.
const LIGHT_LUMINANCE_MIN: f64 = 0.179;

/// What text stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Background {
    /// Nobody knows: what is chosen can be read on both.
    #[default]
    Unknown,
    Light,
    Dark,
}

impl Background {
    /// What the environment says: `COLORFGBG`, and `TERM` of a terminal that is always dark.
    pub(crate) fn of_environment() -> Self {
        Self::of(variable("TERM").as_deref(), variable("COLORFGBG").as_deref())
    }

    fn of(term: Option<&str>, colour_numbers: Option<&str>) -> Self {
        if term.is_some_and(|term| term.starts_with(CONSOLE)) {
            return Self::Dark;
        }
        // The last number is that of the background: `15;0`, `0;default;15`.
        match colour_numbers.and_then(|numbers| numbers.rsplit(';').next()?.parse::<u8>().ok()) {
            Some(0..=6 | 8) => Self::Dark,
            Some(7 | 9..=15) => Self::Light,
            _ => Self::Unknown,
        }
    }

    /// What a colour is, whose parts go up to 255.
    pub(crate) fn of_colour(parts: [u8; 3]) -> Self {
        if luminance(parts) >= LIGHT_LUMINANCE_MIN { Self::Light } else { Self::Dark }
    }
}

/// The relative luminance of a colour, from 0 to 1, as WCAG 2 defines it.
pub(super) fn luminance(parts: [u8; 3]) -> f64 {
    let linear = |part: u8| {
        let part = f64::from(part) / 255.0;
        if part <= 0.039_28 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) }
    };
    let [red, green, blue] = parts.map(linear);
    0.2126 * red + 0.7152 * green + 0.0722 * blue
}

pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var_os(name).map(|value| value.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_may_say_it() {
        for (numbers, background) in [
            ("15;0", Background::Dark),
            ("0;15", Background::Light),
            ("0;default;15", Background::Light),
            ("12;8", Background::Dark),
            ("0;7", Background::Light),
            ("15;default", Background::Unknown),
            ("15;16", Background::Unknown),
            ("", Background::Unknown),
        ] {
            assert_eq!(Background::of(Some("rxvt"), Some(numbers)), background, "{numbers}");
        }
        assert_eq!(Background::of(Some("linux"), None), Background::Dark);
        assert_eq!(Background::of(Some("xterm"), None), Background::Unknown);
    }

    #[test]
    fn a_colour_is_light_if_black_is_read_better_on_it() {
        // White, the light and the dark one of Solarized, and those of other themes.
        let light = [[255, 255, 255], [0xfd, 0xf6, 0xe3], [0xfb, 0xf1, 0xc7], [128, 128, 128]];
        let dark = [[0, 0, 0], [0, 0x2b, 0x36], [0x28, 0x2a, 0x36], [0x30, 0x0a, 0x24], [0, 0, 255]];
        assert_eq!(light.map(Background::of_colour), [Background::Light; 4]);
        assert_eq!(dark.map(Background::of_colour), [Background::Dark; 5]);
    }
}
