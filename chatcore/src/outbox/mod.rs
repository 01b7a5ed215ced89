//! What one end sends the other: frames in order, kept until they are acknowledged.
//!
//! The frames lie one after another as they go over the wire, so that nothing has to be remembered about them: the
//! length and the kind of each are read where they stand. They lie in segments: buffers from a [`Pool`] that are given
//! back as soon as all in them is acknowledged, or frames that other outboxes hold, too, which are shared and not
//! copied. New frames are put into the tail; a tail that is full becomes the last of the older segments. No frame lies
//! in two segments.
//!
//! ```text
//!        start            written               end
//!   gone   │  on its way     │  to be written    │
//!  ────────┼─────────────────┼───────────────────┤
//!      │   older   │   older   │      tail       │
//! ```

mod chunks;
mod contents;
mod frames;
mod letting_go;
mod pool;
mod pushing;
mod segment;
mod tally;
#[cfg(test)]
mod tests;
mod writing;

pub use self::chunks::Chunks;
pub(crate) use self::contents::Outbox;
pub(crate) use self::frames::{Copied, Cursor};
pub(crate) use self::pool::Pool;
#[cfg(test)]
pub(crate) use self::tally::Tally;
