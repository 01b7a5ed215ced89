//! What the driver must do, and whose turn it is.

use super::conn_id::ConnId;
use super::event::CloseReason;

/// What the driver must do for the hub: [`Hub::poll_action`](super::Hub::poll_action) returns it.
///
/// A driver carries out every action. If it skips one, the connection that the action names hangs. So this enum is not
/// `#[non_exhaustive]`: when there is another action, a driver that does not know it does not compile, and no arm for
/// the rest skips it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write what [`Hub::transmit`](super::Hub::transmit) gives. This action comes once, when there was nothing to
    /// write before. The driver writes until [`Hub::transmit`](super::Hub::transmit) is empty again. If the transport
    /// takes no more bytes, the driver goes on later.
    Write {
        /// The connection.
        conn: ConnId,
    },
    /// Close the transport and drop the connection: everything is written, or the time for that
    /// ([`Limits::flush_time_max`](crate::Limits::flush_time_max)) is over. The hub does not know the id from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why the connection ends.
        reason: CloseReason,
    },
}

/// Decides whose turn it is.
#[derive(Debug, Default)]
pub(super) struct Turns {
    /// Actions that may go before the next slice of what is pending.
    pub(super) before_slice: u32,
    /// The last action was to close a connection.
    pub(super) has_closed: bool,
}
