//! What part of a conversation is seen.

use super::App;
use crate::program::full::conversation::{Conversation, Place};
use crate::program::full::keymap::Action;
use crate::program::full::layout::{Columns, Layout};

impl App {
    /// Goes so many rows back, or forth if they are less than 0.
    pub(crate) fn scroll(&mut self, rows: isize) {
        let Some(conversation) = self.conversations.get(&self.open) else { return };
        let view = self.view_of(conversation);
        let place = if rows > 0 { view.back(rows.unsigned_abs()) } else { view.forth(rows.unsigned_abs()) };
        self.look_at(place);
    }

    /// Goes a page back, with a row in common.
    pub(crate) fn page_back(&mut self) {
        self.scroll(self.page());
    }

    /// Goes a page forth, with a row in common.
    pub(crate) fn page_forth(&mut self) {
        self.scroll(-self.page());
    }

    fn page(&self) -> isize {
        isize::try_from(self.drawn.messages.get().height.saturating_sub(2).max(1)).unwrap_or(1)
    }

    /// Goes to the newest.
    pub(crate) fn scroll_to_end(&mut self) {
        self.look_at(Place::End);
    }

    /// Goes to the oldest that is kept.
    pub(crate) fn scroll_to_start(&mut self) {
        let place = self.conversations.get(&self.open).map(|conversation| self.view_of(conversation).top());
        self.look_at(place.unwrap_or_default());
    }

    pub(super) fn look_at(&mut self, place: Place) {
        let has_focus = self.has_focus;
        if let Some(conversation) = self.conversations.get_mut(&self.open) {
            if place != Place::End {
                // What comes from here on is below what is seen.
                conversation.stop_reading();
            }
            conversation.place = place;
            if place == Place::End && has_focus {
                conversation.read();
            }
        }
    }

    /// Shows the lowest long message that is seen in full; if all are, folds them again.
    pub(crate) fn unfold(&mut self) {
        let Some(conversation) = self.conversations.get(&self.open) else { return };
        let folded = self.view_of(conversation).lowest_folded();
        let Some(conversation) = self.conversations.get_mut(&self.open) else { return };
        match folded {
            Some(number) => conversation.unfold(number),
            None => conversation.fold_all(),
        }
    }

    fn view_of<'a>(&'a self, conversation: &'a Conversation) -> View<'a> {
        let area = self.drawn.messages.get();
        View { layout: self.layout(area.width), conversation, height: area.height.into() }
    }

    /// How what was said is laid out in so many columns.
    pub(in crate::program::full) fn layout(&self, width: u16) -> Layout<'_> {
        Layout {
            columns: Columns::of(width),
            clock: &self.clock,
            colours: self.colours,
            background: self.screen.theme.background(),
            own_name: self.own_name.as_deref().unwrap_or_default(),
            own_spelling: self.shown_name(self.own_name.as_deref().unwrap_or_default()),
            needle: self.search.as_ref().map(|search| search.needle.as_str()),
            unfold_key: self.screen.keys.keys(Action::Unfold).into_iter().next(),
        }
    }

    /// Nobody looks at the terminal any more.
    pub(crate) fn look_away(&mut self) {
        self.has_focus = false;
        if let Some(conversation) = self.conversations.get_mut(&self.open) {
            conversation.stop_reading();
        }
    }

    /// Somebody looks at it again.
    pub(crate) fn look_back(&mut self) {
        self.has_focus = true;
        if let Some(conversation) = self.conversations.get_mut(&self.open)
            && conversation.place == Place::End
        {
            conversation.read();
        }
    }
}

/// A conversation as it is laid out on the screen.
struct View<'a> {
    layout: Layout<'a>,
    conversation: &'a Conversation,
    /// Rows of the screen. If the newest is not seen, the lowest row tells how much is below.
    height: usize,
}

impl View<'_> {
    fn rows_of(&self, number: u64) -> usize {
        self.layout.block(self.conversation, number).len()
    }

    fn is_first(&self, number: u64) -> bool {
        number <= self.conversation.numbers().start
    }

    /// The place so many rows above the one that is seen, as far as there are any.
    fn back(&self, rows: usize) -> Place {
        // How many rows of the entry are above the lowest that is seen, with that one; and how many are to be left.
        let (mut number, mut above, mut left) = match self.conversation.place {
            Place::End => {
                let last = self.conversation.end().saturating_sub(1);
                (last, self.rows_of(last), rows + 1)
            }
            Place::At { number, row } => (number, (row + 1).min(self.rows_of(number)), rows),
        };
        while above <= left {
            if self.is_first(number) {
                return self.top();
            }
            left -= above;
            number -= 1;
            above = self.rows_of(number);
        }
        let row = above - left - 1;
        if self.fills(number, row) { Place::At { number, row } } else { self.top() }
    }

    /// Whether the screen is full if this row is the lowest.
    fn fills(&self, mut number: u64, row: usize) -> bool {
        let mut rows = row + 1;
        while rows + 1 < self.height {
            if self.is_first(number) {
                return false;
            }
            number -= 1;
            rows += self.rows_of(number);
        }
        true
    }

    /// The place from which the oldest is seen in the highest row.
    fn top(&self) -> Place {
        let mut above = 0;
        for number in self.conversation.numbers() {
            let rows = self.rows_of(number);
            let is_all = number + 1 == self.conversation.end() && above + rows <= self.height;
            if above + rows + 1 >= self.height && !is_all {
                return Place::At { number, row: self.height.saturating_sub(2).saturating_sub(above) };
            }
            above += rows;
        }
        Place::End
    }

    /// The place so many rows below the one that is seen.
    fn forth(&self, rows: usize) -> Place {
        let Place::At { mut number, row } = self.conversation.place else { return Place::End };
        let mut row = row + rows;
        loop {
            let own = self.rows_of(number);
            let is_last = number + 1 >= self.conversation.end();
            if row < own {
                // The row that would tell how much is below has room for the last one itself.
                let below = own - 1 - row;
                let is_end = below <= 1 && (is_last || below == 0 && self.is_last_row(number + 1));
                return if is_end { Place::End } else { Place::At { number, row } };
            }
            if is_last {
                return Place::End;
            }
            row = row.saturating_sub(own);
            number += 1;
        }
    }

    /// Whether nothing but one row comes from this entry on.
    fn is_last_row(&self, number: u64) -> bool {
        number + 1 == self.conversation.end() && self.rows_of(number) == 1
    }

    /// The lowest entry on the screen that is not shown whole.
    fn lowest_folded(&self) -> Option<u64> {
        let mut number = match self.conversation.place {
            Place::End => self.conversation.end(),
            Place::At { number, .. } => number + 1,
        };
        let mut rows = 0;
        while rows < self.height && !self.is_first(number) {
            number -= 1;
            if self.layout.is_folded(self.conversation, number) {
                return Some(number);
            }
            rows += self.rows_of(number);
        }
        None
    }
}
