//! The embedder's own transport, between the core and the simulated network.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::error::Error;

/// One end of one connection of a transport of your own: what it makes of the bytes of the core on their way to the
/// network, and back. [`World::with_transport`](super::World::with_transport) runs a world over it.
///
/// It does no I/O. Each method gets bytes, and appends what comes of them to a buffer. The other end gets what is put
/// into `wire`, in order, in pieces of any size, perhaps late, and perhaps not all of it: the network breaks.
///
/// The promise of a transport is: what one end was given to [`send`](Self::send), the other end gives out in
/// [`receive`](Self::receive), byte for byte and in order. If the connection breaks, it gives out a part from the
/// beginning. A world checks this, for each byte ([`Property::Transport`](super::Property::Transport)).
///
/// ```
/// use chatcore::sim::{End, Plan, TransportEnd, TransportError, World};
///
/// /// It hides what is said from nobody.
/// struct Inverted;
///
/// impl TransportEnd for Inverted {
///     fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
///         wire.extend(bytes.iter().map(|byte| !byte));
///         Ok(())
///     }
///
///     fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
///         bytes.extend(wire.iter().map(|byte| !byte));
///         Ok(())
///     }
/// }
///
/// World::draw(7).with_transport(|_: End| Inverted).run()?;
/// # Ok::<(), chatcore::sim::Violation>(())
/// ```
pub trait TransportEnd {
    /// The core writes `bytes`, which are never empty. An end that cannot put them into `wire` yet, because it waits
    /// for the other end, keeps them.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection. This end reads no more, and closes it. The core has not written `bytes` then.
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError>;

    /// A piece of what the other end has put into its wire has arrived. It is never empty. Appends to `bytes` what is
    /// for the core.
    ///
    /// # Errors
    ///
    /// Whatever ends the connection. The core still reads what was appended to `bytes`. Then this end reads no more,
    /// and closes it.
    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError>;

    /// What this end has to say by itself: a greeting, a key, an answer, and what it has kept meanwhile. The world asks
    /// when the connection stands, and after each [`receive`](Self::receive). By default nothing.
    fn transmit(&mut self, wire: &mut Vec<u8>) {
        let _ = wire;
    }

    /// The core closes the connection. Everything that is kept goes out now. An end whose process dies, or which has
    /// failed, is not asked. By default nothing is left.
    fn close(&mut self, wire: &mut Vec<u8>) {
        let _ = wire;
    }
}

/// Why an end of a transport breaks its connection. Any error can be one, and so can a text: `"no such key".into()`.
pub type TransportError = Box<dyn Error>;

impl<T: TransportEnd + ?Sized> TransportEnd for Box<T> {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        (**self).send(bytes, wire)
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        (**self).receive(wire, bytes)
    }

    fn transmit(&mut self, wire: &mut Vec<u8>) {
        (**self).transmit(wire);
    }

    fn close(&mut self, wire: &mut Vec<u8>) {
        (**self).close(wire);
    }
}
