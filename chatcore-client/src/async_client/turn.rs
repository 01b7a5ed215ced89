//! Reading, writing and what is due, as far as that goes without waiting.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use chatcore::Transport;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{AsyncClient, Dial};
use crate::clock::JUMP_MIN;
use crate::waiting::has_room;

/// Pieces that go out with one write, at the most.
const WRITE_CHUNKS_MAX: usize = 16;

/// Reads in one turn, at the most, so that the program gets what has come before more comes.
const READS_MAX: usize = 16;

/// Turns before other tasks have theirs.
const TURNS_MAX: usize = 16;

/// What a turn has done.
#[derive(Debug)]
struct Turn {
    /// Something was read, be it the end.
    has_read: bool,
    /// There may be more to do at once.
    goes_on: bool,
}

/// A connection that stands.
#[derive(Debug)]
pub(super) struct Link<S> {
    stream: S,
    /// The stream may still hold bytes that it took.
    unflushed: bool,
    /// Nothing can be written any more.
    write_failed: bool,
}

impl<S> Link<S> {
    pub(super) const fn new(stream: S) -> Self {
        Self { stream, unflushed: false, write_failed: false }
    }

    pub(super) const fn is_flushed(&self) -> bool {
        !self.unflushed
    }
}

impl<D: Dial> AsyncClient<D> {
    /// Does what can be done until something is found, which is told whether something was read. If it is not found,
    /// the task is woken when there is more to do.
    pub(super) fn poll_until<T>(
        &mut self,
        cx: &mut Context<'_>,
        mut found: impl FnMut(&mut Self, bool) -> Option<T>,
    ) -> Poll<T> {
        for _ in 0..TURNS_MAX {
            let turn = self.turn(cx);
            if let Some(found) = found(self, turn.has_read) {
                return Poll::Ready(found);
            }
            if !turn.goes_on {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn turn(&mut self, cx: &mut Context<'_>) -> Turn {
        // Reading comes before writing: two ends that only want to write would wait for each other for ever. It comes
        // before the time-outs, too: a program that was away for long finds the signs of life that came meanwhile.
        let has_read = self.read(cx);
        self.probe_if_it_slept();
        let was_due = self.handle_timeout(cx);
        let has_changed = self.follow(cx);
        let has_failed = self.write(cx);
        Turn { has_read, goes_on: has_read || was_due || has_changed || has_failed }
    }

    /// Does with the connection what the client wants. True if that has changed something.
    fn follow(&mut self, cx: &mut Context<'_>) -> bool {
        match self.client.transport() {
            Transport::Use => false,
            // Last words are written as long as the connection stands.
            Transport::Drop if self.client.is_closed() => false,
            Transport::Drop => self.hang_up(),
            Transport::Connect { address } => {
                let address = address.map(Into::into);
                if self.dialing.is_none() {
                    self.hang_up();
                }
                let dialing = self.dialing.get_or_insert_with(|| Box::pin(self.dial.dial(address)));
                let Poll::Ready(outcome) = dialing.as_mut().poll(cx) else { return false };
                self.dialing = None;
                match outcome {
                    Ok(stream) => {
                        self.link = Some(Link::new(stream));
                        self.client.connected(self.now());
                    }
                    Err(_) => self.client.disconnect(self.now()),
                }
                true
            }
        }
    }

    /// Drops the connection, and what has arrived of a frame; or the one that is being made. False if there is none.
    pub(super) fn hang_up(&mut self) -> bool {
        self.inbox.clear();
        let is_dialing = self.dialing.take().is_some();
        self.link.take().is_some() || is_dialing
    }

    /// A client that has ended needs no connection any more, unless its last words are still to be written.
    pub(super) fn hang_up_if_written(&mut self) {
        let is_empty = self.client.transmit().is_empty();
        if self.link.as_ref().is_none_or(|link| link.write_failed || (is_empty && link.is_flushed())) {
            self.hang_up();
        }
    }

    /// True if something was read, be it the end. Otherwise the task is woken when there is something; but if too much
    /// waits for the program, nothing is read before the program has taken some of it.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        for reads in 0..READS_MAX {
            let is_read = self.client.transport() == Transport::Use && has_room(&self.client);
            let Some(link) = self.link.as_mut().filter(|_| is_read) else { return reads > 0 };
            let mut buffer = ReadBuf::new(&mut self.buffer);
            match Pin::new(&mut link.stream).poll_read(cx, &mut buffer) {
                Poll::Pending if link.write_failed => self.client.disconnect(self.now()),
                Poll::Pending => return reads > 0,
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                    let now = self.timer.now();
                    let _ = self.inbox.receive(now, &mut self.client, buffer.filled());
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(_) => self.client.disconnect(self.now()),
            }
        }
        true
    }

    /// What has happened meanwhile nobody knows, if the machine has slept or the program has not called for long.
    fn probe_if_it_slept(&mut self) {
        let now = self.now();
        let is_late = self.client.poll_timeout().is_some_and(|due| now - due >= JUMP_MIN);
        if self.sleep_watch.has_slept() || is_late {
            self.client.probe(now);
        }
    }

    /// True if something was due. Otherwise the task is woken when something is.
    fn handle_timeout(&mut self, cx: &mut Context<'_>) -> bool {
        let due = self.client.poll_timeout();
        let is_due = due.is_some_and(|due| self.timer.poll(cx, due).is_ready());
        if is_due {
            self.client.handle_timeout(self.now());
        }
        is_due
    }

    /// Writes what there is, also after the end: a final message tells the hub why. True if the connection has just
    /// failed: then what the hub said before may still be there to be read. Otherwise the task is woken when it takes
    /// more.
    pub(super) fn write(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(link) = self.link.as_mut().filter(|link| !link.write_failed) else { return false };
        loop {
            let chunks = self.client.transmit();
            let stream = Pin::new(&mut link.stream);
            if chunks.is_empty() {
                let flushed = if link.unflushed { stream.poll_flush(cx) } else { return false };
                link.unflushed = flushed.is_pending();
                link.write_failed = matches!(flushed, Poll::Ready(Err(_)));
                return link.write_failed;
            }
            let mut slices = [IoSlice::new(&[]); WRITE_CHUNKS_MAX];
            let filled = slices.iter_mut().zip(chunks).map(|(slice, chunk)| *slice = IoSlice::new(chunk)).count();
            match stream.poll_write_vectored(cx, &slices[..filled]) {
                Poll::Pending => return false,
                Poll::Ready(Ok(count)) if count > 0 => {
                    link.unflushed = true;
                    self.client.transmitted(self.timer.now(), count);
                }
                Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Poll::Ready(_) => {
                    link.write_failed = true;
                    return true;
                }
            }
        }
    }

    /// Writes the last words of a client that has ended, and tells the transport that nothing follows.
    pub(super) fn poll_shut_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.write(cx);
        if let Some(link) = self.link.as_mut().filter(|link| !link.write_failed) {
            if !self.client.transmit().is_empty() {
                return Poll::Pending;
            }
            // If it fails, the connection is gone, which is all that is wanted.
            let _ = ready!(Pin::new(&mut link.stream).poll_shutdown(cx));
        }
        Poll::Ready(())
    }
}
