//! What the driver must do.

use super::conn_id::ConnId;
use super::event::CloseReason;

/// What the driver must do. It matches every variant: one that it skips breaks the connection that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// There is something to write: [`Hub::transmit`](super::Hub::transmit) has it. This comes once, when there was
    /// nothing before. The driver writes until there is nothing again, and waits for the transport as often as it takes.
    Write {
        /// The connection.
        conn: ConnId,
    },
    /// Drop the connection: what had to be written is, or its time is over. The id is unknown from now on.
    Close {
        /// The connection.
        conn: ConnId,
        /// Why.
        reason: CloseReason,
    },
}
