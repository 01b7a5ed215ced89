//! What carries a connection, with the bytes that it has not taken yet. It knows nothing of the hub.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes of one read while nobody looks at what comes.
const LINGER_READ_BYTES: usize = 1 << 10;

/// A transport, and what waits to be written to it.
pub(super) struct ByteStream<S> {
    transport: S,
    /// What the transport has not taken yet.
    rest: Vec<u8>,
    rest_at: usize,
    /// The transport may still hold bytes that it took.
    unflushed: bool,
}

impl<S> ByteStream<S> {
    pub(super) const fn new(transport: S) -> Self {
        Self { transport, rest: Vec::new(), rest_at: 0, unflushed: false }
    }

    /// Lets these bytes follow those that the transport has not taken.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.rest.extend_from_slice(bytes);
    }

    /// Something was given to the transport that it has not written, as far as it has told.
    pub(super) const fn has_unwritten(&self) -> bool {
        !self.rest.is_empty() || self.unflushed
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> ByteStream<S> {
    /// Reads once.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.transport).poll_read(cx, buffer)
    }

    /// Writes bytes, and keeps those that the transport does not take. There must be none that it has not taken before.
    pub(super) fn write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> io::Result<()> {
        let count = match Pin::new(&mut self.transport).poll_write(cx, bytes) {
            Poll::Pending => 0,
            Poll::Ready(Ok(0)) => return Err(io::ErrorKind::WriteZero.into()),
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => 0,
            Poll::Ready(Err(error)) => return Err(error),
        };
        self.unflushed = true;
        self.push(&bytes[count..]);
        Ok(())
    }

    /// Writes what the transport has not taken before.
    pub(super) fn poll_write_rest(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.rest_at < self.rest.len() {
            match ready!(Pin::new(&mut self.transport).poll_write(cx, &self.rest[self.rest_at..])) {
                Ok(0) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                Ok(count) => self.rest_at += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        (self.rest, self.rest_at) = (Vec::new(), 0);
        Poll::Ready(Ok(()))
    }

    /// Lets a transport that holds bytes back write them.
    pub(super) fn flush(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        if self.unflushed
            && let Poll::Ready(flushed) = Pin::new(&mut self.transport).poll_flush(cx)
        {
            flushed?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Writes what the transport has not taken, and tells the peer that nothing follows.
    pub(super) fn poll_last_words(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_write_rest(cx))?;
        Pin::new(&mut self.transport).poll_shutdown(cx)
    }

    /// Reads and throws away, until the peer has ended its side or sent more than this.
    pub(super) fn poll_linger(&mut self, cx: &mut Context<'_>, bytes_left: &mut u32) -> Poll<()> {
        let mut space = [const { MaybeUninit::uninit() }; LINGER_READ_BYTES];
        loop {
            let mut buffer = ReadBuf::uninit(&mut space);
            if ready!(self.poll_read(cx, &mut buffer)).is_err() {
                return Poll::Ready(());
            }
            let count = u32::try_from(buffer.filled().len()).unwrap_or(u32::MAX);
            if count == 0 || count > *bytes_left {
                return Poll::Ready(());
            }
            *bytes_left -= count;
        }
    }
}
