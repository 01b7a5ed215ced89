//! Work that may take long, on a thread of its own.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::thread;

use mio::Waker;

/// Something that is done on a thread of its own, because it may take long.
pub(super) struct Apart<T>(Receiver<T>);

impl<T: Send + 'static> Apart<T> {
    /// The waker is woken when it is done.
    pub(super) fn begin(
        thread: &str,
        waker: &Arc<Waker>,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, done) = sync_channel(1);
        let waker = Arc::clone(waker);
        thread::Builder::new().name(thread.into()).spawn(move || {
            // If nobody waits for it any more, it is of no use.
            let _ = sender.send(work());
            let _ = waker.wake();
        })?;
        Ok(Self(done))
    }

    /// What has become of it; none as long as it is not done.
    pub(super) fn outcome(&self) -> Option<io::Result<T>> {
        match self.0.try_recv() {
            Ok(outcome) => Some(Ok(outcome)),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err(io::Error::other("a thread of the program panicked"))),
        }
    }
}
