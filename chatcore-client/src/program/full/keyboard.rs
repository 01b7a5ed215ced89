//! What is typed, in turns: however much comes at once, the program does everything else between two of them.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::app::App;
use super::keys::{Key, Keys, PASTE_BYTES_MAX};
use super::typed::{Next, Typed};
use crate::program::stop::Stop;
use crate::program::turn::Turn;

/// Reads whose keys wait, at the most.
const READS_MAX: usize = 4;

/// Keys that wait behind one that waits for a picture, at the most, before no more is read.
const HELD_KEYS_MAX: usize = 4096;

/// Bytes of blocks among them, at the most. The last one, which is over with what was read at once, may be as long
/// again.
const HELD_BYTES_MAX: usize = PASTE_BYTES_MAX;

/// A terminal that has taken no picture for so long takes none soon: from then on nobody waits for it who wants to
/// leave.
const STUCK_AFTER: Duration = Duration::from_secs(1);

/// What somebody typed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stroke {
    Key(Key),
    /// Characters that came together, as from a terminal that does not mark what is put in as a block.
    Text(String),
    /// The line before is not entered, and whoever typed this wants to leave.
    Leave,
    /// More was typed than is kept while the terminal takes no picture.
    ThrownAway,
}

/// How the first key that is read waits for a picture.
#[derive(Default)]
struct Hold {
    /// Since when; none if it does not wait.
    since: Option<Instant>,
    /// Nothing behind it can be done now.
    is_settled: bool,
    /// Something behind it is done when the terminal is stuck.
    acts_when_stuck: bool,
    /// Keys behind it were thrown away, and nobody was told.
    has_thrown_away: bool,
}

/// The keys of a terminal.
pub(super) struct Keyboard {
    typed: Typed,
    keys: Keys,
    /// Keys that are read, and have not had their turn.
    waiting: VecDeque<Key>,
    hold: Hold,
    /// After how long the terminal counts as stuck.
    stuck_after: Duration,
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
            hold: Hold::default(),
            stuck_after: STUCK_AFTER,
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
            if self.waiting.is_empty() && std::mem::take(&mut self.hold.has_thrown_away) {
                return Some(Stroke::ThrownAway);
            }
            if self.waiting.is_empty() {
                self.read();
            }
            if self.holds(app) {
                let ahead = self.take_ahead(app);
                self.hold.is_settled = ahead.is_none();
                return ahead;
            }
            self.hold.is_settled = false;
            let stroke = self.take();
            if stroke.is_some() || !self.may_have_more {
                return stroke;
            }
        }
        None
    }

    /// Whether the next key waits for a picture. It waits no longer if somebody wants to leave, or nobody is there any
    /// more: the terminal may never take a picture, and the app refuses the key.
    fn holds(&mut self, app: &App) -> bool {
        if !self.waiting.front().is_some_and(|key| app.awaits_picture(key)) {
            self.hold.since = None;
            return false;
        }
        self.hold.since.get_or_insert_with(Instant::now);
        self.read_behind(app);
        !self.has_ended && !self.waiting.iter().any(|key| app.quits(key))
    }

    /// Reads on behind a key that waits for a picture. If that is too much, it waits to be read; but behind a terminal
    /// that is stuck, it is thrown away, so that whoever wants to leave can.
    fn read_behind(&mut self, app: &App) {
        let kept = self.waiting.len();
        if !self.is_full() {
            self.read();
        } else if self.is_stuck() {
            self.read();
            let mut behind = self.waiting.split_off(kept);
            let read = behind.len();
            behind.retain(|key| app.quits(key) || app.acts_at_once(key));
            self.hold.has_thrown_away |= behind.len() < read;
            self.waiting.append(&mut behind);
        }
    }

    /// What does not wait behind a line that waits for a picture. Who leaves with the key for an empty line wants the
    /// line to be entered before: that can still be, unless the terminal is stuck.
    fn take_ahead(&mut self, app: &App) -> Option<Stroke> {
        if let Some(at) = self.waiting.iter().position(|key| app.acts_at_once(key)) {
            return self.waiting.remove(at).map(Stroke::Key);
        }
        let leaves = self.waiting.get(1).is_some_and(|key| app.quits_without_line(key));
        self.hold.acts_when_stuck = leaves || self.is_full();
        if !leaves || !self.is_stuck() {
            return None;
        }
        self.waiting.remove(1).map(|_| Stroke::Leave)
    }

    /// No more is kept until the key that waits for a picture is pressed.
    fn is_full(&self) -> bool {
        let block_bytes = |key: &Key| if let Key::Paste(text) = key { text.len() } else { 0 };
        let has_too_many = || self.waiting.len() > HELD_KEYS_MAX;
        let is_too_long = || self.waiting.iter().map(block_bytes).sum::<usize>() >= HELD_BYTES_MAX;
        self.hold.since.is_some() && (has_too_many() || is_too_long())
    }

    fn is_stuck(&self) -> bool {
        self.hold.since.is_some_and(|since| since.elapsed() >= self.stuck_after)
    }

    fn take(&mut self) -> Option<Stroke> {
        self.hold.since = None;
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
        !self.hold.is_settled && (self.may_have_more || !self.waiting.is_empty())
    }

    /// Nothing more comes: the terminal is gone.
    pub(super) fn has_ended(&self) -> bool {
        self.has_ended && self.waiting.is_empty()
    }

    /// The bytes of a paste that is not over.
    pub(super) fn pasted_bytes(&self) -> Option<usize> {
        self.keys.pasted_bytes()
    }

    /// When something unfinished is given up, or the terminal is stuck and that matters.
    pub(super) fn timeout(&self) -> Option<Instant> {
        let unfinished = self.keys.timeout().filter(|_| !self.is_full() || self.is_stuck());
        let stuck = self.hold.since.filter(|_| self.hold.acts_when_stuck && !self.is_stuck());
        [unfinished, stuck.map(|since| since + self.stuck_after)].into_iter().flatten().min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::command::Command;
    use crate::program::full::app::{Wish, see};
    use crate::program::input::{Ask, Input};
    use std::sync::mpsc::{SyncSender, sync_channel};

    /// A keyboard whose turns take that long, and its cable.
    fn keyboard(turn_time_max: Duration) -> (Keyboard, SyncSender<(Instant, Vec<u8>)>) {
        let (sender, typed) = sync_channel(1_000);
        // No machine is so busy that the terminal counts as stuck before a test says so.
        let (stuck_after, turn) = (Duration::from_secs(3_600), Turn::new(turn_time_max));
        (Keyboard { stuck_after, turn, ..Keyboard::new(Typed(typed), Keys::default()) }, sender)
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
                Stroke::Leave => app.want_end(),
                Stroke::ThrownAway => app.tell_of_keys_thrown_away(),
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

    /// P7, P8: a terminal that takes no picture holds up lines, and nothing that is none.
    #[test]
    fn what_is_no_line_does_not_wait_behind_one_that_waits_for_a_picture() {
        let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
        let mut app = App::new();
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        see(&mut app);
        let types = |bytes: &[u8]| cable.send((Instant::now(), bytes.to_vec())).unwrap();
        types(b"@bob:one\rtwo\x1a\x1b[15~ more");
        press_all(&mut keyboard, &mut app);
        assert_eq!(app.poll_wish(), Some(Wish::Suspend));
        assert!(matches!(app.poll(), Some(Input::Command(Command::Reconnect))));
        assert!(sent(&mut app).is_empty() && !keyboard.is_behind() && keyboard.timeout().is_none());
        see(&mut app);
        press_all(&mut keyboard, &mut app);
        assert_eq!((sent(&mut app), app.draft().text()), (vec!["bob one".to_owned()], "two more"));

        // Who leaves behind a line wants it to be sent, if that can be.
        for is_stuck in [false, true] {
            let (mut keyboard, cable) = super::tests::keyboard(Duration::MAX / 4);
            let types = |bytes: &[u8]| cable.send((Instant::now(), bytes.to_vec())).unwrap();
            let mut app = App::new();
            app.ask(Ask::Command { room: Some("#lobby".into()) });
            see(&mut app);
            types(b"@bob:one\r\x04");
            press_all(&mut keyboard, &mut app);
            assert!(!app.has_ended() && keyboard.timeout().is_some() && !keyboard.is_behind());
            if is_stuck {
                keyboard.stuck_after = Duration::ZERO;
            } else {
                see(&mut app);
            }
            press_all(&mut keyboard, &mut app);
            assert!(app.has_ended() && keyboard.timeout().is_none());
            assert_eq!(sent(&mut app).is_empty(), is_stuck);
            assert_eq!(app.draft().text().is_empty(), !is_stuck, "it stays to be kept");
        }
    }

    #[test]
    fn blocks_that_wait_behind_a_line_are_bounded_by_their_length() {
        let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
        let mut app = App::new();
        app.ask(Ask::Command { room: Some("#lobby".into()) });
        see(&mut app);
        let types = |bytes: &[u8]| cable.send((Instant::now(), bytes.to_vec())).unwrap();
        types(b"@bob:one\r");
        press_all(&mut keyboard, &mut app);
        let block = |bytes| Key::Paste("x".repeat(bytes));
        keyboard.waiting.push_back(block(HELD_BYTES_MAX - 1));
        types(b"\x1b[200~x\x1b[201~");
        press_all(&mut keyboard, &mut app);
        types(b"\x1b[200~x\x1b[201~");
        press_all(&mut keyboard, &mut app);
        assert_eq!(keyboard.waiting.iter().skip(1).collect::<Vec<_>>(), [&block(HELD_BYTES_MAX - 1), &block(1)]);
    }

    #[test]
    fn behind_more_than_is_kept_the_key_that_leaves_is_found_if_the_terminal_takes_nothing() {
        for leaves in [true, false] {
            let (mut keyboard, cable) = keyboard(Duration::MAX / 4);
            let mut app = App::new();
            app.ask(Ask::Command { room: Some("#lobby".into()) });
            see(&mut app);
            let types = |bytes: &[u8]| cable.send((Instant::now(), bytes.to_vec())).unwrap();
            types(b"@bob:one\r");
            (0..10).for_each(|_| types(&[b'x'; 1_000]));
            types(if leaves { b"\x03" } else { b"\x1a" });
            (0..4).for_each(|_| press_all(&mut keyboard, &mut app));
            let held = keyboard.waiting.len();
            assert!(held < 10_000 && !app.has_ended() && app.poll_wish().is_none(), "the rest waits to be read");
            assert!(keyboard.timeout().is_some() && !keyboard.is_behind());
            keyboard.stuck_after = Duration::ZERO;
            (0..4).for_each(|_| press_all(&mut keyboard, &mut app));
            if leaves {
                assert!(app.has_ended() && sent(&mut app).is_empty());
                continue;
            }
            assert_eq!((keyboard.waiting.len(), app.poll_wish()), (held, Some(Wish::Suspend)));
            assert!(!keyboard.is_behind() && keyboard.timeout().is_none(), "nothing is to be done but to draw");
            see(&mut app);
            press_all(&mut keyboard, &mut app);
            assert_eq!((sent(&mut app), app.draft().text().len()), (vec!["bob one".to_owned()], held - 1));
            assert!(app.hint.as_ref().is_some_and(|hint| hint.contains("thrown away")), "{:?}", app.hint);
        }
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
