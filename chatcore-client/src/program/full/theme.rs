//! How the screen looks: a style for each role, by what the terminal can show and what a file says.

use std::collections::BTreeMap;

use ratatui::style::{Color, Modifier, Style};

use super::background::Background;
use super::colours::Colours;

/// What something on the screen is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Role {
    /// What one user alone will read.
    Private,
    /// What a room will read.
    Room,
    /// A command.
    Command,
    /// What will not be done as it is.
    Warning,
    /// What matters less.
    Quiet,
}

/// The roles, their names in a file, and the attributes that tell them apart without colours.
pub(super) const ROLES: [(Role, &str, Modifier); 5] = [
    (Role::Private, "private", Modifier::BOLD.union(Modifier::UNDERLINED)),
    (Role::Room, "room", Modifier::BOLD),
    (Role::Command, "command", Modifier::ITALIC),
    (Role::Warning, "warning", Modifier::REVERSED),
    (Role::Quiet, "quiet", Modifier::DIM),
];

/// What a file says of it, and what the terminal can show.
#[derive(Clone, Debug, Default)]
pub(crate) struct Theme {
    /// What the file says it is.
    pub(crate) background: Background,
    /// What the terminal or the environment says it is.
    told: Background,
    /// None as the environment says.
    pub(crate) colours: Option<Colours>,
    roles: BTreeMap<Role, Color>,
}

impl Theme {
    /// How something is drawn on a terminal with so many colours.
    pub(crate) fn style(&self, role: Role, colours: Colours) -> Style {
        let (_, _, modifier) = ROLES.iter().find(|(known, ..)| *known == role).unwrap_or(&ROLES[0]);
        let colours = self.colours.unwrap_or(colours);
        let chosen = self.roles.get(&role).copied().filter(|_| colours != Colours::None);
        match chosen.or_else(|| self.usual(role, colours)) {
            Some(colour) if role == Role::Quiet => Style::new().fg(colour),
            Some(colour) => Style::new().fg(colour).add_modifier(Modifier::BOLD),
            None => Style::new().add_modifier(*modifier),
        }
    }

    /// The background as far as anybody has said it.
    pub(crate) fn background(&self) -> Background {
        if self.background == Background::Unknown { self.told } else { self.background }
    }

    /// Takes what the terminal or the environment says of the background. A file goes before that.
    pub(crate) const fn tell(&mut self, told: Background) {
        self.told = told;
    }

    pub(super) fn usual(&self, role: Role, colours: Colours) -> Option<Color> {
        match (colours, role, self.background()) {
            (Colours::None, ..) | (_, Role::Quiet, _) => None,
            (Colours::Many, role, background) => Some(Color::Indexed(of_many(role, background)?)),
            (_, Role::Private, Background::Dark) => Some(Color::LightMagenta),
            (_, Role::Room, Background::Dark) => Some(Color::LightGreen),
            (_, Role::Command, Background::Dark) => Some(Color::LightCyan),
            (_, Role::Warning, Background::Dark) => Some(Color::LightRed),
            (_, Role::Private, _) => Some(Color::Magenta),
            (_, Role::Room, _) => Some(Color::Green),
            (_, Role::Command, Background::Light) => Some(Color::Blue),
            (_, Role::Command, Background::Unknown) => Some(Color::Cyan),
            (_, Role::Warning, _) => Some(Color::Red),
        }
    }

    /// Gives a role a colour.
    ///
    /// # Errors
    ///
    /// If there is no such role or colour: what is wrong, and what would be right.
    pub(crate) fn set(&mut self, role: &str, colour: &str) -> Result<(), String> {
        let Some((role, ..)) = ROLES.iter().find(|(_, name, _)| *name == role) else {
            let names: Vec<String> = ROLES.iter().map(|(_, name, _)| format!("`{name}`")).collect();
            return Err(format!("there is no role of that name: roles are {}", names.join(", ")));
        };
        let Ok(colour) = colour.parse() else {
            return Err(format!(
                "`{colour}` is no colour: colours are `red`, `green`, `yellow`, `blue`, `magenta`, `cyan`, `white`, `black`, \
                 `gray`, each but the last two also as `light-red`, a number from 0 to 255, or `#rrggbb`"
            ));
        };
        self.roles.insert(*role, colour);
        Ok(())
    }
}

/// The colour of a role among 256. That for an unknown background has contrast enough on white and on black.
const fn of_many(role: Role, background: Background) -> Option<u8> {
    let [light, dark, unknown] = match role {
        Role::Private => [127, 213, 163],
        Role::Room => [22, 120, 29],
        Role::Command => [25, 117, 32],
        Role::Warning => [124, 210, 160],
        Role::Quiet => return None,
    };
    Some(match background {
        Background::Light => light,
        Background::Dark => dark,
        Background::Unknown => unknown,
    })
}

#[cfg(test)]
mod tests {
    use super::super::colours::tests::contrast;
    use super::*;

    #[test]
    fn roles_are_read_on_their_background() {
        for (role, ..) in ROLES {
            for background in [Background::Unknown, Background::Light, Background::Dark] {
                let Some(number) = of_many(role, background) else { continue };
                assert!(contrast(number, background), "{role:?} on {background:?}: {number}");
            }
        }
    }

    #[test]
    fn a_file_goes_before_what_the_terminal_says() {
        let mut theme = Theme::default();
        theme.tell(Background::Light);
        assert_eq!(theme.background(), Background::Light);
        theme.background = Background::Dark;
        assert_eq!(theme.background(), Background::Dark);
        theme.tell(Background::Unknown);
        assert_eq!(theme.background(), Background::Dark);
    }

    #[test]
    fn roles_differ_whatever_the_terminal_can_show() {
        for colours in [Colours::None, Colours::Sixteen, Colours::Many] {
            for background in [Background::Unknown, Background::Light, Background::Dark] {
                let theme = Theme { background, ..Theme::default() };
                let styles = ROLES.map(|(role, ..)| theme.style(role, colours));
                for (at, style) in styles.iter().enumerate() {
                    assert!(!styles[..at].contains(style), "{colours:?} {background:?} {style:?}");
                    assert!(colours != Colours::None || style.fg.is_none(), "no colours: {style:?}");
                }
            }
        }
    }

    #[test]
    fn a_file_gives_roles_colours() {
        let mut theme = Theme::default();
        for (name, colour) in
            [("light-red", Color::LightRed), ("163", Color::Indexed(163)), ("#00ff00", Color::Rgb(0, 255, 0))]
        {
            theme.set("private", name).unwrap();
            assert_eq!(theme.style(Role::Private, Colours::Many).fg, Some(colour));
        }
        assert_eq!(theme.style(Role::Private, Colours::None).fg, None, "whoever wants no colours gets none");
        assert!(theme.set("privat", "red").unwrap_err().contains("roles are `private`, `room`"));
        assert!(theme.set("room", "reddish").unwrap_err().starts_with("`reddish` is no colour: colours are `red`"));
    }
}
