//! Looks at what comes next, so that what is far away in memory is on its way when it is needed.
//!
//! Each thing that has to be read of a session lies where another one says, and each may be a wait for main memory. Short
//! loops over several sessions, one for each step, let the processor wait for all of them at once; in one loop it would
//! wait for each.

use core::hint::black_box;

use super::Hub;
use super::link::Role;
use super::session::{Place, Session};
use crate::name::ROOM_SIGN;
use crate::wire::{self, Kind};

/// How many are looked at together.
const TOGETHER: usize = 16;

/// With fewer sessions than this the processor's nearest caches hold them all, and there is nothing to wait for.
const SESSIONS_MIN: usize = 256;

/// What has been looked at.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// Who the recipients of a sender's next messages are, most likely: the last of them first.
    guesses: [usize; TOGETHER],
    guessed: usize,
    /// How many of the frames that come next have been looked at.
    frames: usize,
    /// How many of the next writes.
    writes: usize,
}

impl Ahead {
    /// Who the next recipient is, most likely.
    #[inline]
    pub(super) fn guess(&mut self) -> Option<usize> {
        self.guessed = self.guessed.checked_sub(1)?;
        Some(self.guesses[self.guessed])
    }

    /// Another sender's frames come next.
    #[inline]
    pub(super) const fn forget_frames(&mut self) {
        (self.guessed, self.frames) = (0, 0);
    }
}

impl Hub {
    /// Looks at who gets the next messages of a sender, if that has not been done. To be called before each frame.
    #[inline]
    pub(super) fn look_ahead(&mut self, input: &[u8]) {
        if self.sessions.len() >= SESSIONS_MIN {
            if self.ahead.frames == 0 {
                self.guess_recipients(input);
            }
            self.ahead.frames -= 1;
        }
    }

    /// Looks at whom the next writes are for, if that has not been done. To be called for each write.
    #[inline]
    pub(super) fn look_ahead_of_writes(&mut self) {
        if self.sessions.len() >= SESSIONS_MIN {
            if self.ahead.writes == 0 {
                self.look_at_writes();
                self.ahead.writes = TOGETHER;
            }
            self.ahead.writes -= 1;
        }
    }

    #[inline(never)]
    fn guess_recipients(&mut self, mut input: &[u8]) {
        let frame_bytes_max = self.limits.frame_bytes_max();
        let mut hashes = [0; TOGETHER];
        let (mut frames, mut count) = (0, 0);
        let (mut last, mut hash) = (&[][..], 0);
        while frames < TOGETHER
            && let Ok(Some(content)) = wire::take(&mut input, frame_bytes_max)
        {
            frames += 1;
            if content.kind == Kind::SEND
                && let Some((to, _)) = wire::read_send(content.fields)
                && to.first() != Some(&(ROOM_SIGN as u8))
            {
                if to != last {
                    (last, hash) = (to, self.directory.hash(to));
                }
                hashes[count] = hash;
                count += 1;
            }
        }
        // What is not whole is looked at, too, and found to be that.
        (self.ahead.frames, self.ahead.guessed) = (frames.max(1), count);
        for (hash, guess) in hashes[..count].iter().zip(self.ahead.guesses[..count].iter_mut().rev()) {
            *guess = self.directory.likely(*hash).unwrap_or(usize::MAX);
        }
        let recipients = self.ahead.guesses[..count].iter().filter_map(|guess| self.sessions.get(*guess));
        look_at(recipients.clone());
        for recipient in recipients {
            recipient.outbox.look_at_end();
            if let Place::Connected(conn) = recipient.place {
                black_box(self.links.get(conn.index()).map(|link| link.conn));
            }
        }
    }

    #[inline(never)]
    fn look_at_writes(&self) {
        let links = self.writes.iter().take(TOGETHER).filter_map(|conn| self.links.get(conn.index()));
        for link in links.clone() {
            black_box(link.conn);
        }
        let sessions = links.filter_map(|link| match link.role {
            Role::Session(index) => self.sessions.get(index),
            Role::Farewell(_) => None,
        });
        look_at(sessions.clone());
        for session in sessions {
            session.outbox.look_at_end();
        }
    }
}

/// Reads something of each part of each session that a message needs.
fn look_at<'a>(sessions: impl Iterator<Item = &'a Session>) {
    for session in sessions {
        black_box((session.received, session.outbox.kept_bytes(), session.outbox.next_number()));
    }
}
