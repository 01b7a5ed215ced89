//! What keys do. One table says it: keys are found in it, help is drawn from it, and a file changes it.

use super::keys::Key;

/// What somebody wants who presses a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    Send,
    NewLine,
    Complete,
    CompleteBack,
    Earlier,
    Later,
    Left,
    Right,
    WordLeft,
    WordRight,
    LineStart,
    LineEnd,
    Backspace,
    Delete,
    DeleteWordBack,
    DeleteWord,
    DeleteAll,
    DeleteToEnd,
    Yank,
    Undo,
    NextConversation,
    PreviousConversation,
    NextUnread,
    OpenNumbered,
    Close,
    PageUp,
    PageDown,
    ScrollToStart,
    ScrollToEnd,
    Unfold,
    Search,
    SearchBack,
    Help,
    Reconnect,
    Redraw,
    Mouse,
    Suspend,
    DeleteOrQuit,
    Quit,
    Cancel,
}

/// An action, its name in a file, its keys unless a file says otherwise, and what it does.
pub(crate) struct Entry {
    pub(crate) action: Action,
    pub(crate) name: &'static str,
    pub(super) keys: &'static [&'static str],
    pub(crate) what: &'static str,
}

const fn entry(action: Action, name: &'static str, keys: &'static [&'static str], what: &'static str) -> Entry {
    Entry { action, name, keys, what }
}

/// Everything that a key can do.
pub(crate) const ACTIONS: &[Entry] = &[
    entry(Action::Send, "send", &["enter"], "sends the line to whom the prompt names"),
    entry(Action::NewLine, "new-line", &["alt-enter"], "begins another line; so does Ctrl-J"),
    entry(Action::Complete, "complete", &["tab"], "completes a name, a room or a command; again: the next"),
    entry(Action::CompleteBack, "complete-back", &["shift-tab"], "goes back to the one before"),
    entry(
        Action::NextConversation,
        "next-conversation",
        &["alt-n", "ctrl-n", "alt-down"],
        "opens the next conversation",
    ),
    entry(
        Action::PreviousConversation,
        "previous-conversation",
        &["alt-p", "ctrl-p", "alt-up"],
        "opens the one before",
    ),
    entry(Action::NextUnread, "next-unread", &["alt-a"], "opens a conversation with something new"),
    entry(
        Action::OpenNumbered,
        "open-numbered",
        &["alt-1", "alt-2", "alt-3", "alt-4", "alt-5", "alt-6", "alt-7", "alt-8", "alt-9", "alt-0"],
        "opens the conversation at that place in the list",
    ),
    entry(Action::Close, "close", &["alt-x"], "closes a conversation until something new comes; leaves a room"),
    entry(Action::PageUp, "page-up", &["page-up"], "shows what was said before"),
    entry(Action::PageDown, "page-down", &["page-down"], "shows what was said after that"),
    entry(Action::ScrollToStart, "scroll-to-start", &["alt-<"], "shows what was said first"),
    entry(Action::ScrollToEnd, "scroll-to-end", &["alt->"], "shows what was said last"),
    entry(Action::Unfold, "unfold", &["ctrl-o"], "shows a long message whole, or folds it again"),
    entry(Action::Search, "search", &["ctrl-r"], "looks for what is typed; again: further back"),
    entry(Action::SearchBack, "search-back", &["ctrl-s"], "goes to the hit after that"),
    entry(Action::Earlier, "earlier", &["up"], "the line above, or what you said here before"),
    entry(Action::Later, "later", &["down"], "the line below, or what you said here after"),
    entry(Action::Undo, "undo", &["ctrl-/", "alt-u"], "takes back the last change of the line"),
    entry(Action::Left, "left", &["left", "ctrl-b"], "moves the cursor"),
    entry(Action::Right, "right", &["right", "ctrl-f"], "moves the cursor"),
    entry(Action::WordLeft, "word-left", &["alt-left", "alt-b"], "moves the cursor by a word"),
    entry(Action::WordRight, "word-right", &["alt-right", "alt-f"], "moves the cursor by a word"),
    entry(Action::LineStart, "line-start", &["home", "ctrl-a"], "moves the cursor to the beginning"),
    entry(Action::LineEnd, "line-end", &["end", "ctrl-e"], "moves the cursor to the end"),
    entry(Action::Backspace, "backspace", &["backspace"], "deletes the character before the cursor"),
    entry(Action::Delete, "delete", &["delete"], "deletes the character at the cursor"),
    entry(Action::DeleteWordBack, "delete-word-back", &["alt-backspace", "ctrl-w"], "cuts the word before the cursor"),
    entry(Action::DeleteWord, "delete-word", &["alt-delete", "alt-d"], "cuts the word after the cursor"),
    entry(Action::DeleteAll, "delete-all", &["ctrl-u"], "cuts all that is typed"),
    entry(Action::DeleteToEnd, "delete-to-end", &["ctrl-k"], "cuts what is after the cursor"),
    entry(Action::Yank, "yank", &["ctrl-y"], "puts in what was cut last"),
    entry(Action::Mouse, "mouse", &["f2"], "leaves the mouse to the terminal, or takes it back"),
    entry(Action::Reconnect, "reconnect", &["f5"], "connects at once, if the connection or the name is waited for"),
    entry(Action::Redraw, "redraw", &["ctrl-l"], "draws the screen anew"),
    entry(Action::Suspend, "suspend", &["ctrl-z"], "goes back to the shell; `fg` comes back here"),
    entry(Action::Help, "help", &["f1"], "shows this; so does ? in an empty line"),
    entry(Action::Cancel, "cancel", &["esc"], "ends a search, a completion, or this"),
    entry(Action::DeleteOrQuit, "delete-or-quit", &["ctrl-d"], "leaves, if the line is empty"),
    entry(Action::Quit, "quit", &["ctrl-c", "ctrl-\\"], "leaves"),
];

/// Keys, and what each does.
#[derive(Clone, Debug)]
pub(crate) struct Keymap(Vec<(Key, Action)>);

impl Default for Keymap {
    fn default() -> Self {
        let keys = ACTIONS.iter().flat_map(|entry| entry.keys.iter().map(|name| (name, entry.action)));
        Self(keys.filter_map(|(name, action)| Some((key(name)?, action))).collect())
    }
}

impl Keymap {
    pub(crate) fn action(&self, key: &Key) -> Option<Action> {
        self.0.iter().find(|(mapped, _)| mapped == key).map(|(_, action)| *action)
    }

    /// The names of the keys that do something.
    pub(crate) fn keys(&self, action: Action) -> Vec<String> {
        self.0.iter().filter(|(_, does)| *does == action).map(|(key, _)| name(key)).collect()
    }

    /// Gives a key something to do, or nothing for `none`.
    ///
    /// # Errors
    ///
    /// If there is no such key or action: what is wrong, and what would be right.
    pub(crate) fn map(&mut self, key_name: &str, action: &str) -> Result<(), String> {
        let Some(key) = key(key_name) else {
            return Err(format!(
                "there is no key `{key_name}`: keys are `f1` to `f12`, `ctrl-x`, `alt-x`, {}",
                NAMED.map(|(name, _)| format!("`{name}`")).join(", ")
            ));
        };
        if let Some((_, other)) = SAME_AS.iter().find(|(ctrl, _)| Key::Ctrl(*ctrl) == key) {
            return Err(format!(
                "a terminal does not tell `{key_name}` from `{other}`: give that something to do, or another key"
            ));
        }
        self.0.retain(|(mapped, _)| *mapped != key);
        if action == "none" {
            return Ok(());
        }
        let Some(entry) = ACTIONS.iter().find(|entry| entry.name == action) else {
            let names: Vec<String> = ACTIONS.iter().map(|entry| format!("`{}`", entry.name)).collect();
            return Err(format!("`{action}` is nothing that a key does: it is `none`, {}", names.join(", ")));
        };
        if entry.action == Action::OpenNumbered && !matches!(key, Key::Alt('0'..='9')) {
            return Err(format!("`{key_name}` has no number: `{action}` is for `alt-0` to `alt-9`"));
        }
        self.0.push((key, entry.action));
        Ok(())
    }

    /// What cannot be done with any key, and must be possible.
    pub(crate) fn faults(&self) -> Option<String> {
        let missing = [(Action::Send, "send"), (Action::Quit, "quit")];
        let (_, name) = missing.into_iter().find(|(action, _)| self.keys(*action).is_empty())?;
        Some(format!("no key is left for `{name}`: one must have it"))
    }
}

/// What Ctrl and a character send that another key sends as well.
const SAME_AS: [(char, &str); 5] = [('h', "backspace"), ('i', "tab"), ('j', "alt-enter"), ('m', "enter"), ('[', "esc")];

/// Keys that have names of their own.
const NAMED: [(&str, Key); 23] = [
    ("enter", Key::Enter),
    ("alt-enter", Key::NewLine),
    ("tab", Key::Tab),
    ("shift-tab", Key::BackTab),
    ("backspace", Key::Backspace),
    ("alt-backspace", Key::BackspaceWord),
    ("delete", Key::Delete),
    ("alt-delete", Key::DeleteWord),
    ("esc", Key::Esc),
    ("up", Key::Up),
    ("down", Key::Down),
    ("left", Key::Left),
    ("right", Key::Right),
    ("alt-left", Key::WordLeft),
    ("alt-right", Key::WordRight),
    ("alt-up", Key::Previous),
    ("alt-down", Key::Next),
    ("home", Key::Home),
    ("end", Key::End),
    ("page-up", Key::PageUp),
    ("page-down", Key::PageDown),
    ("ctrl-space", Key::Ctrl('@')),
    ("alt-space", Key::Alt(' ')),
];

/// The key of a name.
fn key(name: &str) -> Option<Key> {
    let lower = name.to_lowercase();
    if let Some((_, key)) = NAMED.iter().find(|(named, _)| *named == lower) {
        return Some(key.clone());
    }
    let single = |text: &str| {
        let mut chars = text.chars();
        chars.next().filter(|c| chars.next().is_none() && !c.is_control())
    };
    if let Some(number) = lower.strip_prefix('f') {
        let number = number.parse().ok().filter(|number| (1..=12).contains(number))?;
        return Some(Key::Function(number));
    }
    if lower.starts_with("alt-") {
        // Shift matters.
        return single(&name[4..]).map(Key::Alt);
    }
    // Terminals send the same for both.
    single(lower.strip_prefix("ctrl-")?).map(|c| Key::Ctrl(if c == '/' { '_' } else { c }))
}

/// The name of a key.
pub(crate) fn name(key: &Key) -> String {
    match key {
        Key::Function(number) => format!("F{number}"),
        Key::Ctrl('_') => "Ctrl-/".to_owned(),
        Key::Ctrl(c) if *c != '@' => format!("Ctrl-{}", c.to_ascii_uppercase()),
        Key::Alt(c) if *c != ' ' => format!("Alt-{c}"),
        key => {
            let named = NAMED.iter().find(|(_, named)| named == key).map_or("", |(name, _)| name);
            let words: Vec<String> = named.split('-').map(capital).collect();
            words.join("-")
        }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_of_the_table_is_one_and_does_one_thing() {
        let mut seen = Vec::new();
        for entry in ACTIONS {
            assert!(!entry.keys.is_empty() && !entry.what.is_empty(), "{}", entry.name);
            for name in entry.keys {
                let key = key(name).unwrap_or_else(|| panic!("{name} is a key"));
                assert!(!seen.contains(&key), "{name} does two things");
                seen.push(key.clone());
                assert_eq!(Keymap::default().action(&key), Some(entry.action));
                assert_eq!(self::key(&super::name(&key)), Some(key), "a file takes what the list of keys shows");
            }
        }
        assert_eq!(Keymap::default().faults(), None);
    }

    #[test]
    fn a_file_changes_what_keys_do() {
        let mut keys = Keymap::default();
        assert_eq!(keys.map("alt-n", "search"), Ok(()));
        assert_eq!(keys.action(&Key::Alt('n')), Some(Action::Search));
        assert_eq!(keys.map("Ctrl-N", "none"), Ok(()));
        assert_eq!(keys.action(&Key::Ctrl('n')), None);
        assert_eq!(keys.map("F12", "help"), Ok(()));
        assert_eq!(keys.keys(Action::Help), ["F1", "F12"]);
        assert_eq!(keys.map("alt-N", "next-unread"), Ok(()));
        assert_eq!(keys.action(&Key::Alt('N')), Some(Action::NextUnread));
        assert!(keys.map("hyper-x", "help").unwrap_err().starts_with("there is no key `hyper-x`: keys are `f1` to"));
        assert!(keys.map("f13", "help").is_err() && keys.map("x", "help").is_err() && keys.map("f", "help").is_err());
        let error = keys.map("f5", "fly").unwrap_err();
        assert!(error.starts_with("`fly` is nothing that a key does: it is `none`, `send`"), "{error}");
        for (ctrl, same) in [("ctrl-i", "tab"), ("Ctrl-M", "enter"), ("ctrl-h", "backspace"), ("ctrl-j", "alt-enter")] {
            let error = keys.map(ctrl, "help").unwrap_err();
            assert!(error.starts_with(&format!("a terminal does not tell `{ctrl}` from `{same}`")), "{error}");
        }
        assert_eq!(keys.map("alt-7", "help"), Ok(()));
        assert_eq!(keys.map("alt-7", "open-numbered"), Ok(()));
        let error = keys.map("f5", "open-numbered").unwrap_err();
        assert_eq!(error, "`f5` has no number: `open-numbered` is for `alt-0` to `alt-9`");
        keys.map("enter", "none").unwrap();
        assert_eq!(keys.faults().as_deref(), Some("no key is left for `send`: one must have it"));
    }

    #[test]
    fn keys_have_names_that_people_know() {
        let names = [Key::Alt('n'), Key::Ctrl('l'), Key::PageUp, Key::NewLine, Key::Function(1), Key::Ctrl('@')];
        assert_eq!(names.map(|key| name(&key)), ["Alt-n", "Ctrl-L", "Page-Up", "Alt-Enter", "F1", "Ctrl-Space"]);
    }
}
