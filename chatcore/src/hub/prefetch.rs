//! Reads what comes next before it is needed, so that it is on its way from main memory by then.
//!
//! Each thing that has to be read of a session lies where another one says, and each may be a wait for main memory.
//! Short loops over several sessions, one for each step, let the processor wait for all of them at once; in one loop it
//! would wait for each. [`read`] is the one place that keeps the compiler from leaving such a read out.

use core::hint::black_box;

use super::conn::{Conn, ConnState};
use super::ordered::{Attachment, Session, Sessions};
use crate::name::ROOM_SIGN;
use crate::wire::{self, Kind};

/// How many are read together.
const TOGETHER: usize = 16;

/// Input of fewer bytes than this is an acknowledgement or one message, before which there is nothing to do meanwhile.
const SHORT_BYTES: usize = 24;

/// What has been read ahead.
#[derive(Debug)]
pub(super) struct Prefetch {
    sessions_min: usize,
    /// Who the recipients of a sender's next messages are, most likely: the last of them first.
    guesses: [usize; TOGETHER],
    guessed: usize,
    /// How many of the frames that come next have been read.
    frames: usize,
    /// How many of the next writes.
    writes: usize,
}

impl Prefetch {
    /// Reads ahead from this many sessions on.
    pub(super) const fn new(sessions_min: usize) -> Self {
        Self { sessions_min, guesses: [0; TOGETHER], guessed: 0, frames: 0, writes: 0 }
    }

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

    /// Reads the recipients of a sender's next messages, if that has not been done. To be called before each frame.
    #[inline]
    pub(super) fn recipients(&mut self, sessions: &Sessions, input: &[u8]) {
        if sessions.len() >= self.sessions_min {
            if self.frames == 0 {
                if input.len() < SHORT_BYTES {
                    return;
                }
                self.guess_recipients(sessions, input);
            }
            self.frames -= 1;
        }
    }

    /// Reads the sessions of the next writes, if that has not been done. To be called for each write.
    #[inline]
    pub(super) fn writes(&mut self, sessions: &Sessions) {
        if sessions.len() >= self.sessions_min {
            if self.writes == 0 {
                read_writers(sessions);
                self.writes = TOGETHER;
            }
            self.writes -= 1;
        }
    }

    #[inline(never)]
    fn guess_recipients(&mut self, sessions: &Sessions, mut input: &[u8]) {
        let frame_bytes_max = sessions.limits.frame_bytes_max();
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
                    (last, hash) = (to, sessions.names().hash(to));
                }
                hashes[count] = hash;
                count += 1;
            }
        }
        // What is not whole counts as read, too, and is found to be that.
        (self.frames, self.guessed) = (frames.max(1), count);
        for (hash, guess) in hashes[..count].iter().zip(self.guesses[..count].iter_mut().rev()) {
            *guess = sessions.names().guess(*hash).unwrap_or(usize::MAX);
        }
        let recipients = self.guesses[..count].iter().filter_map(|guess| sessions.get(*guess));
        read_sessions(recipients.clone());
        for recipient in recipients {
            recipient.outbox().prefetch_end();
            if let Attachment::Attached(conn) = recipient.attachment {
                read(sessions.conns().get(conn.index()).map(|conn| conn.serial));
            }
        }
    }
}

#[inline(never)]
fn read_writers(sessions: &Sessions) {
    let mut conns = [0; TOGETHER];
    let count = sessions.next_writes(&mut conns);
    let mut writers = [0; TOGETHER];
    let mut open = 0;
    for conn in &conns[..count] {
        if let Some(Conn { state: ConnState::Open(index), .. }) = sessions.conns().get(*conn) {
            writers[open] = *index;
            open += 1;
        }
    }
    let writers = writers[..open].iter().filter_map(|index| sessions.get(*index));
    read_sessions(writers.clone());
    for writer in writers {
        writer.outbox().prefetch_end();
    }
}

/// Reads something of each part of each session that a message needs.
fn read_sessions<'a>(sessions: impl Iterator<Item = &'a Session>) {
    for session in sessions {
        read((session.received, session.outbox().kept_bytes(), session.outbox().next_number()));
    }
}

/// Reads something for the sake of reading it.
#[inline]
fn read<T>(value: T) {
    black_box(value);
}
