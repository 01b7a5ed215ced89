//! The row between what is said and what is typed: only the program writes there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::draw_row;
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::keys::PASTE_SILENCE_MAX;
use crate::program::full::layout::amount;
use crate::program::full::text::line;

impl App {
    pub(super) fn draw_status(&self, area: Rect, counts_unread: bool, buffer: &mut Buffer) {
        let style = Style::new().add_modifier(Modifier::REVERSED);
        buffer.set_style(area, style);
        draw_row(&line(&self.status(counts_unread), area.width), area, style, buffer);
    }

    /// The last thing that was wrong, or else where we are, who we are, and whether all is well.
    fn status(&self, counts_unread: bool) -> String {
        if let Some(bytes) = self.pasted_bytes {
            let (bytes, seconds) = (amount(bytes), PASTE_SILENCE_MAX.as_secs());
            return format!(
                " a paste goes on, {bytes} so far: keys do nothing until its end, or {seconds} s without any"
            );
        }
        if let Some(told) = self.hint.as_deref().or_else(|| self.news()) {
            return format!(" {}", told.replace('\n', " "));
        }
        let mut parts: Vec<String> = self.trouble.iter().cloned().collect();
        parts.push(self.place());
        parts.push(self.own_name.as_deref().unwrap_or("not registered").to_owned());
        if counts_unread {
            parts.extend(self.unread());
        }
        format!(" {}", parts.join(" │ "))
    }

    fn place(&self) -> String {
        let count = self.conversations.get(&self.open).and_then(|conversation| conversation.members.count());
        match (self.presence.get(&self.open), count) {
            _ if self.open == PROGRAM => "chatcore".to_owned(),
            (Some(true), _) => format!("{} (online)", self.open),
            (Some(false), _) => format!("{} (offline)", self.open),
            (None, Some(count)) => format!("{}, {count} here", self.open),
            (None, None) => self.open.clone(),
        }
    }

    /// What is unread elsewhere, where there is no list.
    fn unread(&self) -> Option<String> {
        let others = || self.conversations.iter().filter(|(name, _)| **name != self.open);
        let unread: usize = others().map(|(_, conversation)| conversation.unread).sum();
        let for_us = others()
            .any(|(name, conversation)| conversation.mentions > 0 || conversation.unread > 0 && !name.starts_with('#'));
        (unread > 0).then(|| format!("{unread} unread{}", if for_us { " !" } else { "" }))
    }
}
