//! What happens, as the screen shows it.

use super::{App, PROGRAM};
use crate::program::full::conversation::{Entry, Fate};
use crate::program::report::Report;

impl App {
    /// Shows what happened.
    pub(crate) fn report(&mut self, report: &Report) {
        match report {
            Report::Registered { name, .. } | Report::Resumed { name } => {
                self.own_name = Some(name.clone());
                self.trouble = None;
                self.notice(PROGRAM, report.text());
            }
            Report::Message { time, from, to, body, .. } => {
                let place = if to.starts_with('#') { to } else { from };
                let time_ms = u64::try_from(*time).unwrap_or(u64::MAX);
                let heard = Entry::Heard { time_ms, from: from.clone(), body: body.bytes() };
                let is_open = *place == self.open;
                let conversation = self.conversations.entry(place.clone()).or_default();
                conversation.push(heard);
                conversation.unread += usize::from(!is_open);
            }
            Report::Sending { number, to } => {
                if let Some(fate) = self.fate(to, |fate| *fate == Fate::Waiting) {
                    *fate = Fate::Pending { number: *number };
                }
            }
            Report::Accepted { number, to, id } => {
                if let Some(fate) = self.fate(to, |fate| *fate == Fate::Pending { number: *number }) {
                    *fate = Fate::Accepted { id: id.to_string() };
                }
            }
            Report::Rejected { number: Some(number), to, .. } | Report::Unanswered { number, to } => {
                if let Some(fate) = self.fate(to, |fate| *fate == Fate::Pending { number: *number }) {
                    *fate = Fate::Undelivered { why: report.text() };
                }
            }
            Report::Reconnecting { .. } => self.trouble = Some(report.text()),
            Report::Joined { room, .. } | Report::Left { room, .. } | Report::Missed { room, .. } => {
                self.notice(room, report.text());
            }
            _ => self.notice(PROGRAM, report.text()),
        }
    }

    fn fate(&mut self, to: &str, holds: impl Fn(&Fate) -> bool) -> Option<&mut Fate> {
        self.conversations.get_mut(to)?.fate(holds)
    }

    fn notice(&mut self, place: &str, text: String) {
        let time_ms = self.now_ms;
        self.conversations.entry(place.to_owned()).or_default().push(Entry::Notice { time_ms, text });
    }
}
