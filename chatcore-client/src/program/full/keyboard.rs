//! What is typed, in turns: however much comes at once, the program does everything else between two of them.

use std::collections::VecDeque;
use std::time::Instant;

use super::app::App;
use super::keys::{Key, Keys};
use super::typed::{Next, Typed};
use crate::program::stop::Stop;
use crate::program::turn::Turn;

/// Reads whose keys wait, at the most.
const READS_MAX: usize = 4;

/// Keys that wait behind one that waits for a picture, at the most, before no more is read.
const HELD_KEYS_MAX: usize = 4096;

/// What somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Key(Key),
    /// Characters that came together, as from a terminal that does not mark what is put in as a block.
    Text(String),
}

/// The keys of a terminal.
pub(super) struct Keyboard {
    typed: Typed,
    keys: Keys,
    /// Keys that are read, and have not had their turn.
    waiting: VecDeque<Key>,
    /// The first of them waits for a picture.
    is_held: bool,
    /// There may be more to read.
    may_have_more: bool,
    has_ended: bool,
    turn: Turn,
}

impl Keyboard {
    pub(super) fn new(typed: Typed, keys: Keys) -> Self {
        Self {
            typed,
            keys,
            waiting: VecDeque::new(),
            is_held: false,
            may_have_more: false,
            has_ended: false,
            turn: Turn::default(),
        }
    }

    /// Begins a turn.
    pub(super) const fn begin_turn(&mut self) {
        self.turn.begin();
    }

    /// The next that was typed; none if there is nothing more, or the turn is over, or the app has to be seen before.
    pub(super) fn next(&mut self, app: &App) -> Option<Stroke> {
        while self.turn.goes_on() {
            if self.waiting.is_empty() {
                self.read();
            }
            if self.holds(app) {
                return None;
            }
            let stroke = self.take();
            if stroke.is_some() || !self.may_have_more {
                return stroke;
            }
        }
        None
    }

    /// Whether the next key waits for a picture. It waits no longer if somebody wants to leave, or nobody is there any more: the
    /// terminal may never take a picture, and the app refuses the key.
    fn holds(&mut self, app: &App) -> bool {
        self.is_held = self.waiting.front().is_some_and(|key| app.awaits_picture(key));
        if self.is_held && !self.is_full() {
            self.read();
        }
        self.is_held &= !self.has_ended && !self.waiting.iter().any(|key| app.quits(key));
        self.is_held
    }

    /// No more is read until the key that waits for a picture is pressed.
    fn is_full(&self) -> bool {
        self.is_held && self.waiting.len() > HELD_KEYS_MAX
    }

    fn take(&mut self) -> Option<Stroke> {
        let mut text = String::new();
        while let Some(Key::Char(c)) = self.waiting.front() {
            text.push(*c);
            self.waiting.pop_front();
        }
        if text.is_empty() { self.waiting.pop_front().map(Stroke::Key) } else { Some(Stroke::Text(text)) }
    }

    fn read(&mut self) {
        for _ in 0..READS_MAX {
            match self.typed.next() {
                Next::Bytes { at, bytes } => self.waiting.extend(self.keys.read(at, &bytes)),
                next => {
                    self.has_ended |= matches!(next, Next::End);
                    self.may_have_more = false;
                    // What was typed in time is not given up because it is read late.
                    return self.waiting.extend(self.keys.handle_timeout(Instant::now()));
                }
            }
        }
        self.may_have_more = true;
    }

    /// Waits for something to be typed. False if nothing came until then or until a signal asks for the end, or if
    /// nothing comes any more.
    pub(super) fn wait(&mut self, until: Instant, stop: &Stop) -> bool {
        match self.typed.next_until(until, stop) {
            Next::Bytes { at, bytes } => {
                self.waiting.extend(self.keys.read(at, &bytes));
                true
            }
            Next::Nothing => false,
            Next::End => {
                self.has_ended = true;
                false
            }
        }
    }

    /// Something waits for the next turn.
    pub(super) fn is_behind(&self) -> bool {
        !self.is_held && (self.may_have_more || !self.waiting.is_empty())
    }

    /// Nothing more comes: the terminal is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended && self.waiting.is_empty()
    }

    /// The bytes of a paste that is not over.
    pub(super) fn pasted_bytes(&self) -> Option<usize> {
        self.keys.pasted_bytes()
    }

    /// When something unfinished is given up.
    pub(super) fn timeout(&self) -> Option<Instant> {
        self.keys.timeout().filter(|_| !self.is_full())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::Command;
    use crate::program::full::app::see;
    use crate::program::input::{Ask, Input};
    use std::sync::mpsc::{SyncSender, sync_channel};
    use std::time::Duration;

    /// A keyboard whose turns take that long, and its cable.
    fn keyboard(turn_time_max: Duration) -> (Keyboard, SyncSender<(Instant, Vec<u8>)>) {
        let (sender, typed) = sync_channel(1_000);
        (Keyboard { turn: Turn::new(turn_time_max), ..Keyboard::new(Typed(typed), Keys::default()) }, sender)
    }

    fn turn(keyboard: &mut Keyboard) -> Vec<Stroke> {
        let app = App::new();
        keyboard.begin_turn();
        std::iter::from_fn(|| keyboard.next(&app)).collect()
    }

    /// What comes next is done, until nothing can be.
    fn press_all(keyboard: &mut Keyboard, app: &mut App) {
        keyboard.begin_turn();
        while let Some(stroke) = keyboard.next(app) {
            match stroke {
                Stroke::Key(key) => app.press(&key),
                Stroke::Text(text) => app.type_text(&text),
            }
        }
    }

    fn sent(app: &mut App) -> Vec<String> {
        let inputs = std::iter::from_fn(|| app.poll());
        let body = |input| match input {
            Input::Command(Command::Send { to, body }) => Some(format!("{to} {body}")),
            _ => None,
        };
        inputs.filter_map(body).collect()
    }

    /// P8: what is typed faster than it is shown, is not lost, and goes to nobody whom the screen did not name before.
    #[test]
    fn enter_waits_until_the_terminal_shows_who_reads_the_line() {
        let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
        let mut app = App::new();
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        see(&mut app);
        let types = |bytes: &[u8]| cable.send((Instant::now(), bytes.to_vec())).unwrap();
        types(b"one\r@bob:two\rthree\r");
        press_all(&mut keyboard, &mut app);
        assert_eq!(sent(&mut app), ["#lobby one"]);
        for _ in 0..10 {
            press_all(&mut keyboard, &mut app);
            assert!(!keyboard.is_behind(), "nothing is to be done but to draw");
        }
        assert_eq!((sent(&mut app).len(), app.draft().text()), (0, "@bob:two"));
        see(&mut app);
        press_all(&mut keyboard, &mut app);
        assert_eq!(sent(&mut app), ["bob two", "bob three"], "whom the screen names, who reads the next line, too");
        // A terminal that takes no picture: who wants to leave can, and what more is typed is bounded.
        types(b"@carol:secret\r");
        press_all(&mut keyboard, &mut app);
        for _ in 0..10 {
            types(&[b'x'; 1_000]);
            press_all(&mut keyboard, &mut app);
        }
        assert!(keyboard.waiting.len() < HELD_KEYS_MAX + READS_MAX * 1_000 && !keyboard.is_behind());
        see(&mut app);
        press_all(&mut keyboard, &mut app);
        app.press(&Key::Ctrl('u'));
        assert_eq!(sent(&mut app), ["carol secret"]);
        types(b"@dave:secret\r\x03");
        press_all(&mut keyboard, &mut app);
        assert!(app.has_ended() && sent(&mut app).is_empty());
    }

    #[test]
    fn what_comes_together_is_one_stroke() {
        let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
        for bytes in [b"one ".as_slice(), b"two\x1b[", b"Athree\r"] {
            cable.send((Instant::now(), bytes.to_vec())).unwrap();
        }
        let text = |text: &str| Stroke::Text(text.into());
        let strokes = [text("one two"), Stroke::Key(Key::Up), text("three"), Stroke::Key(Key::Enter)];
        assert_eq!(turn(&mut keyboard), strokes);
        assert!(!keyboard.is_behind() && !keyboard.has_ended());
        drop(cable);
        assert_eq!(turn(&mut keyboard), []);
        assert!(keyboard.has_ended());
    }

    /// P3, P8: nothing was drawn or sent while something was typed.
    #[test]
    fn a_turn_ends_however_much_comes() {
        let (mut keyboard, cable) = keyboard(Duration::ZERO);
        for _ in 0..100 {
            cable.send((Instant::now(), b"\x1b[A\x1b[B".to_vec())).unwrap();
        }
        drop(cable);
        for nth in 0..200 {
            let key = if nth % 2 == 0 { Key::Up } else { Key::Down };
            assert_eq!(turn(&mut keyboard), [Stroke::Key(key)], "one key at least, and no more");
            assert!(nth == 199 || keyboard.is_behind() && !keyboard.has_ended());
        }
        // A block that goes on has no keys, and takes its turns as well.
        let (mut keyboard, cable) = super::tests::keyboard(Duration::ZERO);
        cable.send((Instant::now(), b"\x1b[200~".to_vec())).unwrap();
        for _ in 0..99 {
            cable.send((Instant::now(), b"x".to_vec())).unwrap();
        }
        let turns = (0..10_000).take_while(|_| turn(&mut keyboard).is_empty() && keyboard.is_behind()).count();
        assert_eq!((turns, keyboard.pasted_bytes()), (100 / READS_MAX, Some(99)));
    }

    /// P3: a terminal that does not mark a paste. Each character copied, counted and parsed the whole text.
    #[test]
    fn a_megabyte_that_is_typed_costs_what_its_reads_do() {
        let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
        for _ in 0..256 {
            cable.send((Instant::now(), vec![b'x'; 4 << 10])).unwrap();
        }
        drop(cable);
        let mut app = App::new();
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        let mut strokes = 0;
        for stroke in turn(&mut keyboard) {
            let Stroke::Text(text) = stroke else { panic!("{stroke:?}") };
            app.type_text(&text);
            strokes += 1;
        }
        assert_eq!((app.draft().text().len(), strokes), (1 << 20, 256 / READS_MAX));
    }
}
