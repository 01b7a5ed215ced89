//! The rows between what is said and what is typed: only the program writes there.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::PROGRAM_NAME;
use crate::program::full::app::{App, PROGRAM};
use crate::program::full::drawing::draw_row;
use crate::program::full::field::Field;
use crate::program::full::keys::PASTE_SILENCE_MAX;
use crate::program::full::text::{Row, line, rows};
use crate::program::report::amount;

/// Rows of it, at the most.
const STATUS_ROWS_MAX: u16 = 3;

/// Draws what [`App::status_rows`] says.
pub(super) fn draw_status(told: &[Row], area: Rect, buffer: &mut Buffer) {
    let style = Style::new().add_modifier(Modifier::REVERSED);
    buffer.set_style(area, style);
    for (row, y) in told.iter().zip(area.y..area.bottom()) {
        draw_row(row, Rect { y, height: 1, ..area }, style, buffer);
    }
}

impl App {
    /// The status in one row, or in more if it tells what was wrong, which says also what would be right. There is one
    /// at least.
    pub(super) fn status_rows(&self, width: u16, rows_max: u16, counts_unread: bool) -> Vec<Row> {
        let status = self.status(counts_unread);
        let rows_max = if self.hint.is_some() || self.asked_because().is_some() {
            STATUS_ROWS_MAX.min(rows_max).max(1)
        } else {
            1
        };
        let mut told = rows(&status, width);
        if told.len() > rows_max.into() {
            told.truncate(rows_max.into());
            if let Some(last) = told.last_mut() {
                let at = last.iter().map(|glyph| glyph.at).min().unwrap_or(0);
                *last = line(&status[at..], width);
            }
        }
        told
    }

    /// The last thing that was wrong, or else where we are, who we are, and whether all is well.
    fn status(&self, counts_unread: bool) -> String {
        if let Some(bytes) = self.pasted_bytes {
            let (bytes, seconds) = (amount(bytes), PASTE_SILENCE_MAX.as_secs());
            return format!(
                " a paste goes on, {bytes} so far: keys do nothing until its end, or {seconds} s without any"
            );
        }
        if let Some(told) = self.hint.as_deref().or_else(|| self.news()).or_else(|| self.asked_because()) {
            return format!(" {}", told.replace('\n', " "));
        }
        let waits = self.field.as_ref().and_then(Field::waits_for).map(str::to_owned);
        let trouble = self.trouble.as_ref();
        let mut parts: Vec<String> = waits.into_iter().chain(trouble.map(|trouble| trouble.what.clone())).collect();
        parts.push(self.place());
        parts.push(self.own_name().map_or("not registered", |name| self.shown_name(name)).to_owned());
        if counts_unread {
            parts.extend(self.unread());
        }
        // It may be long, and takes nothing else's place.
        parts.extend(trouble.and_then(|trouble| trouble.why.clone()));
        format!(" {}", parts.join(" │ "))
    }

    /// Why something is asked, as long as it is.
    fn asked_because(&self) -> Option<&str> {
        self.field.as_ref()?.because()
    }

    fn place(&self) -> String {
        let count = self.conversations.get(&self.open).and_then(|conversation| conversation.members.count());
        match (self.presence.get(&self.open), count) {
            _ if self.open == PROGRAM => PROGRAM_NAME.to_owned(),
            (Some(true), _) => format!("{} (online)", self.shown_name(&self.open)),
            (Some(false), _) => format!("{} (offline)", self.shown_name(&self.open)),
            (None, Some(count)) => format!("{}, {count} here", self.open),
            (None, None) => self.shown_name(&self.open).to_owned(),
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
