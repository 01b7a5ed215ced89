//! Memory for input: one buffer that every connection is read into, and small ones for the starts of frames.

/// Bytes of the buffer that all connections are read into: what is kept of one, and what comes.
pub(crate) const BUFFER_BYTES: usize = 384 << 10;

/// How much of the buffer is always there for what comes.
pub(crate) const BUFFER_BYTES_FREE: usize = 256 << 10;

/// Spare buffers that are kept while no connection needs them.
const SPARE_MAX: usize = 64;

/// The smallest buffer that is made.
const SPARE_BYTES_MIN: usize = 512;

/// The largest buffer that is kept as a spare one.
const SPARE_BYTES_MAX: usize = 128 << 10;

/// How many times larger a buffer may be than what a connection keeps in it: a spare one, and one of which most is
/// taken. The hub counts what is kept, and [`Config::memory_bytes`](crate::Config::memory_bytes) counts on this.
const KEPT_TIMES_MAX: usize = 2;

/// Bytes of all spare buffers.
pub(crate) const SPARES_BYTES_MAX: usize = SPARE_MAX * SPARE_BYTES_MAX;

/// Bytes of the buffer in which a connection keeps so many for long, at the most.
pub(crate) const fn capacity_max(bytes: usize) -> usize {
    KEPT_TIMES_MAX * if bytes > SPARE_BYTES_MIN { bytes } else { SPARE_BYTES_MIN }
}

/// Buffers for the input that connections keep. One that a connection does not need any more waits for another.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    spare: Vec<Vec<u8>>,
}

impl Buffers {
    /// An empty buffer for this many bytes, which is no larger than [`capacity_max`] says.
    pub(crate) fn take(&mut self, bytes: usize) -> Vec<u8> {
        let fits = |spare: &Vec<u8>| (bytes..=capacity_max(bytes)).contains(&spare.capacity());
        match self.spare.iter().rposition(fits) {
            Some(place) => self.spare.swap_remove(place),
            None => Vec::with_capacity(bytes.max(SPARE_BYTES_MIN)),
        }
    }

    /// Moves what is left of a buffer into one of its size, if that buffer is far larger. What is small holds no large
    /// one: it may keep it for long.
    pub(crate) fn fit(&mut self, buffer: Vec<u8>, used: usize) -> (Vec<u8>, usize) {
        let rest = &buffer[used..];
        if buffer.capacity() <= capacity_max(rest.len()) {
            return (buffer, used);
        }
        let mut fitting = self.take(rest.len());
        fitting.extend_from_slice(rest);
        self.give_back(buffer);
        (fitting, 0)
    }

    /// Takes back a buffer that is not needed any more.
    pub(crate) fn give_back(&mut self, mut buffer: Vec<u8>) {
        if (1..=SPARE_BYTES_MAX).contains(&buffer.capacity()) && self.spare.len() < SPARE_MAX {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}
