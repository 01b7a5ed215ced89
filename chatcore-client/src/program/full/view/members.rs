//! Who is in the room that is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::{draw_border, draw_row};
use crate::program::full::app::App;
use crate::program::full::layout::dim;
use crate::program::full::text::{cut, glyphs};

impl App {
    pub(super) fn draw_members(&self, area: Rect, buffer: &mut Buffer) {
        let Some(conversation) = self.conversations.get(&self.open).filter(|_| area.width > 1) else { return };
        draw_border(area.x, area, buffer);
        let inner = Rect { x: area.x + 1, width: area.width - 1, ..area };
        let members = &conversation.members;
        let Some(count) = members.count() else { return };
        draw_row(&cut(glyphs(&format!("{count} here"), 0), inner.width), inner, dim(), buffer);
        let rows = usize::from(inner.height.saturating_sub(1));
        // The last row tells how many more there are.
        let shown = if count > rows { rows.saturating_sub(1) } else { rows };
        for (name, y) in members.names().take(shown).zip(inner.y + 1..inner.bottom()) {
            let style = self.colours.of_name(name, self.screen.theme.background());
            let is_own = self.own_name.as_ref() == Some(name);
            let style = if is_own { style.add_modifier(Modifier::BOLD) } else { style };
            draw_row(&cut(glyphs(name, 0), inner.width), Rect { y, height: 1, ..inner }, style, buffer);
        }
        let more = count.saturating_sub(shown.min(members.names().count()));
        if more > 0 && inner.height > 1 {
            let place = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            draw_row(&cut(glyphs(&format!("… {more} more"), 0), inner.width), place, Style::new(), buffer);
        }
    }
}
