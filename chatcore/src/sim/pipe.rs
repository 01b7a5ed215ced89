//! One direction of a connection.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use crate::Instant;
use crate::redacted::Length;

/// Bytes on their way in one direction, in order, each piece with the time at which it arrives.
///
/// A pipe holds a bounded number of bytes that were not taken out yet: so a slow reader stops the writer. A cut loses
/// the bytes after it, and all bytes that are put in later. The pipe still takes these until its buffer is full, like a
/// transport that does not know yet that the other end is gone.
///
/// `Debug` shows how many bytes the pipe holds, and none of the bytes.
///
/// ```
/// use chatcore::Instant;
/// use chatcore::sim::Pipe;
///
/// let mut pipe = Pipe::new(8);
/// pipe.put(Instant::from_millis(5), b"hello");
/// assert_eq!((pipe.room(), pipe.next_arrival()), (3, Some(Instant::from_millis(5))));
/// pipe.cut(4);
/// let mut out = Vec::new();
/// pipe.take(Instant::from_millis(5), usize::MAX, &mut out);
/// assert_eq!(out, b"hell");
/// ```
#[derive(Clone)]
pub struct Pipe {
    segments: VecDeque<(Instant, Vec<u8>)>,
    bytes_max: usize,
    /// Bytes that were put in, ever.
    put: u64,
    /// Bytes that are held, and those that are lost but still fill the writer's buffer.
    held: usize,
    lost: usize,
    /// What lies after this many bytes is lost.
    cut_at: Option<u64>,
    last_arrival: Instant,
}

impl fmt::Debug for Pipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipe")
            .field("segments", &self.segments.len())
            .field("bytes_max", &self.bytes_max)
            .field("put", &self.put)
            .field("held", &Length(self.held))
            .field("lost", &self.lost)
            .field("cut_at", &self.cut_at)
            .field("last_arrival", &self.last_arrival)
            .finish()
    }
}

impl Pipe {
    /// An empty pipe that holds at most `bytes_max` bytes.
    pub const fn new(bytes_max: usize) -> Self {
        Self {
            segments: VecDeque::new(),
            bytes_max,
            put: 0,
            held: 0,
            lost: 0,
            cut_at: None,
            last_arrival: Instant::ZERO,
        }
    }

    /// How many bytes can be put in now.
    pub const fn room(&self) -> usize {
        self.bytes_max.saturating_sub(self.held + self.lost)
    }

    /// How many bytes were put in since the beginning, lost ones included.
    pub const fn put_ever(&self) -> u64 {
        self.put
    }

    /// How many bytes were put in since the beginning and are not lost.
    pub const fn kept_ever(&self) -> u64 {
        match self.cut_at {
            Some(cut_at) if cut_at < self.put => cut_at,
            _ => self.put,
        }
    }

    /// How many bytes were taken out since the beginning.
    pub const fn taken_ever(&self) -> u64 {
        self.put - (self.held + self.lost) as u64
    }

    /// How many bytes can still be taken out.
    pub const fn held(&self) -> usize {
        self.held
    }

    /// When the last piece arrives, or has arrived.
    pub const fn last_arrival(&self) -> Instant {
        self.last_arrival
    }

    /// Puts a piece in. It arrives at the given time, but not before pieces that were put in earlier. It must not be
    /// longer than [`room`](Self::room).
    pub fn put(&mut self, arrives: Instant, bytes: &[u8]) {
        debug_assert!(bytes.len() <= self.room(), "a pipe takes no more than it has room for");
        let kept = self.cut_at.map_or(u64::MAX, |cut_at| cut_at.saturating_sub(self.put));
        let kept = usize::try_from(kept).unwrap_or(usize::MAX).min(bytes.len());
        self.put += bytes.len() as u64;
        self.held += kept;
        self.lost += bytes.len() - kept;
        if kept > 0 {
            self.last_arrival = self.last_arrival.max(arrives);
            self.segments.push_back((self.last_arrival, bytes[..kept].to_vec()));
        }
    }

    /// When the next bytes can be taken out; none if the pipe holds none.
    pub fn next_arrival(&self) -> Option<Instant> {
        self.segments.front().map(|(arrives, _)| *arrives)
    }

    /// Takes out what has arrived, at most `bytes_max` bytes, and appends it to `out`.
    pub fn take(&mut self, now: Instant, bytes_max: usize, out: &mut Vec<u8>) {
        let mut left = bytes_max;
        while left > 0
            && let Some((_, bytes)) = self.segments.front_mut().filter(|(arrives, _)| *arrives <= now)
        {
            let taken = bytes.len().min(left);
            out.extend(bytes.drain(..taken));
            (self.held, left) = (self.held - taken, left - taken);
            if bytes.is_empty() {
                self.segments.pop_front();
            }
        }
    }

    /// Cuts the pipe after the first `at` bytes since the beginning. Bytes that were taken out already are not lost.
    pub fn cut(&mut self, at: u64) {
        self.cut_at = Some(self.cut_at.map_or(at, |earlier| earlier.min(at)));
        let kept = usize::try_from(at.saturating_sub(self.taken_ever())).unwrap_or(usize::MAX);
        while self.held > kept {
            let Some((_, bytes)) = self.segments.back_mut() else { unreachable!("held bytes lie in segments") };
            let surplus = bytes.len().min(self.held - kept);
            bytes.truncate(bytes.len() - surplus);
            let is_empty = bytes.is_empty();
            self.held -= surplus;
            self.lost += surplus;
            if is_empty {
                self.segments.pop_back();
            }
        }
    }

    /// Makes everything in the pipe arrive by this time.
    pub fn hurry(&mut self, by: Instant) {
        for (arrives, _) in &mut self.segments {
            *arrives = by.min(*arrives);
        }
        self.last_arrival = by.min(self.last_arrival);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LATER: Instant = Instant::from_millis(10);

    #[test]
    fn bytes_arrive_in_order_and_in_time() {
        let mut pipe = Pipe::new(10);
        pipe.put(LATER, b"abc");
        pipe.put(Instant::ZERO, b"de");
        let mut out = Vec::new();
        pipe.take(Instant::ZERO, usize::MAX, &mut out);
        assert_eq!((out.as_slice(), pipe.room()), (&b""[..], 5));
        pipe.take(LATER, 4, &mut out);
        assert_eq!((out.as_slice(), pipe.room()), (&b"abcd"[..], 9));
        pipe.take(LATER, usize::MAX, &mut out);
        assert_eq!((out.as_slice(), pipe.room()), (&b"abcde"[..], 10));
    }

    #[test]
    fn what_lies_behind_a_cut_is_lost_and_fills_the_writers_buffer() {
        let mut pipe = Pipe::new(10);
        pipe.put(LATER, b"abc");
        pipe.put(LATER, b"def");
        pipe.cut(4);
        pipe.put(LATER, b"gh");
        let mut out = Vec::new();
        pipe.take(LATER, usize::MAX, &mut out);
        assert_eq!((out.as_slice(), pipe.room()), (&b"abcd"[..], 6));
        pipe.cut(2);
        assert_eq!(pipe.held(), 0);
    }
}
