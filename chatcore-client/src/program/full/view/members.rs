//! Who is in the room that is open.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw_border;
use crate::program::full::app::App;
use crate::program::full::drawing::draw_row;
use crate::program::full::layout::dim;
use crate::program::full::text::{line, name_rows};
use crate::program::report::more_names;

impl App {
    pub(super) fn draw_members(&self, area: Rect, buffer: &mut Buffer) {
        let Some(conversation) = self.conversations.get(&self.open).filter(|_| area.width > 1) else { return };
        draw_border(area.x, area, buffer);
        let inner = Rect { x: area.x + 1, width: area.width - 1, ..area };
        let members = &conversation.members;
        let Some(count) = members.count() else { return };
        draw_row(&line(&format!("{count} here"), inner.width), inner, dim(), buffer);
        let room = usize::from(inner.height.saturating_sub(1));
        let mut names = Vec::new();
        let mut used = 0;
        for name in members.names() {
            let rows = name_rows(self.shown_name(name), inner.width);
            used += rows.len();
            if used > room {
                break;
            }
            names.push((name, rows));
        }
        // The last row tells how many more there are.
        while !count.beside(names.len()).is_none()
            && names.iter().map(|(_, rows)| rows.len()).sum::<usize>() >= room.max(1)
        {
            names.pop();
        }
        let shown = names.len();
        let rows = names.into_iter().flat_map(|(name, rows)| rows.into_iter().map(move |row| (name, row)));
        for ((name, row), y) in rows.zip(inner.y + 1..inner.bottom()) {
            let style = self.colours.of_name(name, self.screen.theme.background());
            let is_own = self.own_name.as_ref() == Some(name);
            let style = if is_own { style.add_modifier(Modifier::BOLD) } else { style };
            draw_row(&row, Rect { y, height: 1, ..inner }, style, buffer);
        }
        let hidden = count.beside(shown);
        if !hidden.is_none() && inner.height > 1 {
            let place = Rect { y: inner.bottom() - 1, height: 1, ..inner };
            draw_row(&line(&more_names(hidden), inner.width), place, Style::new(), buffer);
        }
    }
}
