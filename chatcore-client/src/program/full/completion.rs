//! Completion of what is begun: a name, a room or a command.
//!
//! Completion never changes to whom a line goes. A name that is begun without a sign is completed without one, and at
//! the beginning of a line it becomes `bob: `, which calls bob and is said to everybody. Only who types the `@` gets
//! `@bob:`, which bob alone reads. Where a line goes, the prompt says.

use std::collections::VecDeque;

use crate::program::command::{ascii_sign, own_word};
use crate::program::report::{Count, Report};

/// Names that are known, at the most. Those that were heard of last are kept.
const NAMES_MAX: usize = 2_000;

/// Words that are offered for one beginning, at the most.
const OFFERS_MAX: usize = 200;

/// The commands that there are, and what they take.
const COMMANDS: [(&str, Takes); 15] = [
    ("/join", Takes::Room),
    ("/leave", Takes::Room),
    ("/roster", Takes::Room),
    ("/watch", Takes::Name),
    ("/unwatch", Takes::Name),
    ("/who", Takes::Nothing),
    ("/say", Takes::Text),
    ("/msg", Takes::Name),
    ("/query", Takes::Name),
    ("/part", Takes::Room),
    ("/names", Takes::Room),
    ("/exit", Takes::Nothing),
    ("/reconnect", Takes::Nothing),
    ("/help", Takes::Command),
    ("/quit", Takes::Nothing),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Room,
    Name,
    /// Anything, which is said.
    Text,
    Command,
    Nothing,
}

/// Users that were heard of, the last first.
#[derive(Debug, Default)]
pub(super) struct Known(VecDeque<String>);

impl Known {
    /// Takes the names that a report tells.
    pub(super) fn hear(&mut self, report: &Report) {
        match report {
            Report::Message { from, .. } => self.push(from),
            Report::Joined { name, .. } | Report::Presence { name, online: true, .. } => self.push(name),
            Report::Renamed { from, name, .. } => {
                self.0.retain(|known| known != from);
                self.push(name);
            }
            _ => {}
        }
    }

    fn push(&mut self, name: &str) {
        if self.0.front().is_some_and(|first| first == name) {
            return;
        }
        let known = self.0.iter().position(|known| known == name).and_then(|at| self.0.remove(at));
        self.0.push_front(known.unwrap_or_else(|| name.to_owned()));
        self.0.truncate(NAMES_MAX);
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

/// A word that is being completed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Completion {
    /// Where the word begins, and where what stands there now ends.
    pub(super) from: usize,
    pub(super) to: usize,
    /// What was typed, and then what it can become.
    offers: Vec<String>,
    at: usize,
    /// It can become more than is offered.
    is_cut: bool,
}

impl Completion {
    /// What a word at the cursor can become. None if there is nothing.
    pub(super) fn start<'a>(
        text: &str,
        cursor: usize,
        names: impl Iterator<Item = &'a str>,
        rooms: impl Iterator<Item = &'a str>,
    ) -> Option<Self> {
        let from = text[..cursor]
            .rfind(char::is_whitespace)
            .map_or(0, |at| at + text[at..].chars().next().map_or(1, char::len_utf8));
        let word = &text[from..cursor];
        let is_first = text[..from].trim().is_empty();
        let takes = text.trim_start().split(char::is_whitespace).next().and_then(taken);
        let sign = word.chars().next().map_or(' ', ascii_sign);
        let begun = word.strip_prefix(|c| matches!(ascii_sign(c), '@' | '#' | '/')).unwrap_or(word);
        let fits = |name: &&str| {
            let name = name.strip_prefix('#').unwrap_or(name);
            name.len() > begun.len() && has_beginning(name, begun) || name.eq_ignore_ascii_case(begun)
        };
        let rooms = rooms.filter(fits);
        let names = names.filter(fits);
        let words: Vec<String> = match (sign, takes) {
            ('/', _) if is_first => commands(word),
            ('#', _) if is_first => rooms.map(|room| format!("{room}:")).collect(),
            ('#', _) => rooms.map(str::to_owned).collect(),
            ('@', _) if is_first => names.map(|name| format!("@{name}:")).collect(),
            ('@', _) => names.map(|name| format!("@{name}")).collect(),
            (_, Some(Takes::Room)) if !is_first => rooms.map(str::to_owned).collect(),
            (_, Some(Takes::Command)) if !is_first => {
                commands(&format!("/{begun}")).iter().map(|name| name[1..].trim_end().to_owned()).collect()
            }
            (_, Some(Takes::Nothing)) => Vec::new(),
            _ if word.is_empty() => Vec::new(),
            _ if is_first => names.map(|name| format!("{name}: ")).collect(),
            _ => names.map(str::to_owned).collect(),
        };
        let is_cut = words.len() > OFFERS_MAX;
        let offers: Vec<String> = [word.to_owned()].into_iter().chain(words.into_iter().take(OFFERS_MAX)).collect();
        (offers.len() > 1).then_some(Self { from, to: cursor, offers, at: 0, is_cut })
    }

    /// The next of what it can become, or the one before. After the last comes what was typed.
    pub(super) fn step(&mut self, is_forward: bool) -> &str {
        let count = self.offers.len();
        self.at = if is_forward { self.at + 1 } else { self.at + count - 1 } % count;
        &self.offers[self.at]
    }

    /// All that it can become, and which of it is chosen.
    pub(super) fn offers(&self) -> (&[String], Option<usize>) {
        (&self.offers[1..], self.at.checked_sub(1))
    }

    /// How many things it can become.
    pub(super) fn count(&self) -> Count {
        Count { known: self.offers.len() - 1, is_open: self.is_cut }
    }
}

fn commands(word: &str) -> Vec<String> {
    let begun = as_command(word);
    let spelled = |(name, takes): &(&str, Takes)| {
        if *takes == Takes::Nothing { (*name).to_owned() } else { format!("{name} ") }
    };
    COMMANDS.iter().filter(|(name, _)| name.starts_with(&begun)).map(spelled).collect()
}

/// What a command takes.
fn taken(word: &str) -> Option<Takes> {
    let word = as_command(word);
    let word = own_word(word.strip_prefix('/')?);
    COMMANDS.iter().find(|(name, _)| name[1..] == *word).map(|(_, takes)| *takes)
}

fn has_beginning(name: &str, begun: &str) -> bool {
    let mut name = name.chars().flat_map(char::to_lowercase);
    begun.chars().flat_map(char::to_lowercase).all(|c| name.next() == Some(c))
}

/// A word as a command is spelled: its first sign is the ASCII one, whatever was typed for it, and its letters are
/// small.
fn as_command(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(ascii_sign).into_iter().chain(chars).map(|c| c.to_ascii_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::{self, Command, ParseError};

    /// All that Tab makes of a text, with the cursor at its end.
    fn offers(text: &str) -> Vec<String> {
        let names = ["bob", "bobby", "Alice", "山田"].into_iter();
        let rooms = ["#lobby", "#lob", "#部屋"].into_iter();
        let Some(mut completion) = Completion::start(text, text.len(), names, rooms) else { return Vec::new() };
        let count = completion.offers().0.len();
        (0..count).map(|_| format!("{}{}", &text[..completion.from], completion.step(true))).collect()
    }

    #[test]
    fn a_name_without_a_sign_calls_somebody_and_stays_public() {
        assert_eq!(offers("bo"), ["bob: ", "bobby: "]);
        assert_eq!(offers("al"), ["Alice: "]);
        assert_eq!(offers("hello bo"), ["hello bob", "hello bobby"]);
        assert_eq!(offers("山"), ["山田: "]);
        assert!(matches!(command::parse("bob: hello"), Ok(Some(Command::Say(_)))));
    }

    #[test]
    fn who_types_the_sign_gets_it() {
        assert_eq!(offers("@bo"), ["@bob:", "@bobby:"]);
        assert_eq!(offers("＠bo"), ["@bob:", "@bobby:"]);
        assert_eq!(offers("look, @bo"), ["look, @bob", "look, @bobby"]);
        assert_eq!(offers("#lo"), ["#lobby:", "#lob:"]);
        assert_eq!(offers("see #lo"), ["see #lobby", "see #lob"]);
        assert_eq!(offers("@@bo"), [] as [&str; 0]);
    }

    #[test]
    fn commands_and_what_they_take() {
        assert_eq!(offers("/w"), ["/watch ", "/who"]);
        assert_eq!(offers("／jo"), ["/join "]);
        assert_eq!(offers("/JO"), ["/join "]);
        assert_eq!(offers("/join lo"), ["/join #lobby", "/join #lob"]);
        assert_eq!(offers("/Join lo"), ["/Join #lobby", "/Join #lob"]);
        assert_eq!(offers("/j lo"), ["/j #lobby", "/j #lob"]);
        assert_eq!(offers("/help w"), ["/help watch", "/help who"]);
        assert_eq!(offers("/help /UNW"), ["/help unwatch"]);
        assert_eq!(offers("/leave #l"), ["/leave #lobby", "/leave #lob"]);
        assert_eq!(offers("/watch bo"), ["/watch bob", "/watch bobby"]);
        assert_eq!(offers("/watch carol @bo"), ["/watch carol @bob", "/watch carol @bobby"]);
        for text in ["", "hello ", "/who b", "zzz", "//w"] {
            assert_eq!(offers(text), [] as [&str; 0], "{text}");
        }
        for (name, _) in COMMANDS {
            assert!(!matches!(command::parse(name), Err(ParseError::Unknown { .. })), "{name} is a command");
        }
    }

    #[test]
    fn it_goes_round_and_back() {
        let mut completion = Completion::start("bo", 2, ["bob", "bobby"].into_iter(), std::iter::empty()).unwrap();
        assert_eq!(completion.offers(), (["bob: ".to_owned(), "bobby: ".to_owned()].as_slice(), None));
        assert_eq!(completion.step(true), "bob: ");
        assert_eq!(completion.step(true), "bobby: ");
        assert_eq!(completion.step(true), "bo");
        assert_eq!(completion.step(false), "bobby: ");
        assert_eq!(completion.offers().1, Some(1));
    }

    #[test]
    fn names_are_known_that_were_heard_of_and_the_last_comes_first() {
        let mut known = Known::default();
        let joined = |name: &str| Report::Joined { room: "#a".into(), name: name.into(), display_name: None };
        for name in ["bob", "carol", "bob"] {
            known.hear(&joined(name));
        }
        assert_eq!(known.names().collect::<Vec<_>>(), ["bob", "carol"]);
        for number in 0..NAMES_MAX {
            known.hear(&joined(&number.to_string()));
        }
        assert_eq!(known.names().count(), NAMES_MAX);
        assert!(known.names().all(|name| name != "bob"));
    }
}
