//! One connection over a transport of the embedder's: its two ends, and what is owed to each.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::network::{End, Network, WireId};
use super::transport_end::{TransportEnd, TransportError};
use crate::Instant;

/// Bytes that a transport is given while it keeps them, at the most, beyond those that the network holds.
const KEPT_BYTES_MAX: u64 = 512;

/// A connection, by its ends.
pub(super) struct Link {
    pub(super) ends: [LinkEnd; 2],
}

/// What is known of one end.
pub(super) struct LinkEnd {
    transport: Box<dyn TransportEnd>,
    /// What its transport has for the network, which has not taken it yet.
    pub(super) unsent: Vec<u8>,
    /// What its transport has given out, and the core has not read yet.
    unread: Vec<u8>,
    /// What the core has written here, and the transport of the other end has not given out yet.
    owed: VecDeque<u8>,
    /// How much of that was given out ever.
    given: u64,
    /// Bytes that the network has taken from here, and given out here.
    sent: u64,
    arrived: u64,
    /// Its transport has failed: it reads and writes no more.
    pub(super) has_failed: bool,
    /// Not all went out that its transport had to say, or it was not asked.
    is_abandoned: bool,
    usage: Usage,
}

/// Who still uses an end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Usage {
    Core,
    /// The core has closed it, and the rest of what its transport has to say goes out.
    TransportOnly,
    Nobody,
}

impl LinkEnd {
    pub(super) fn new(mut transport: Box<dyn TransportEnd>) -> Self {
        let mut unsent = Vec::new();
        transport.transmit(&mut unsent);
        Self {
            transport,
            unsent,
            unread: Vec::new(),
            owed: VecDeque::new(),
            given: 0,
            sent: 0,
            arrived: 0,
            has_failed: false,
            is_abandoned: false,
            usage: Usage::Core,
        }
    }

    /// The core uses it no more.
    pub(super) const fn is_closed(&self) -> bool {
        !matches!(self.usage, Usage::Core)
    }

    /// The network knows, too.
    pub(super) const fn is_gone(&self) -> bool {
        matches!(self.usage, Usage::Nobody)
    }

    /// There is something to read, be it the end.
    pub(super) const fn is_readable(&self) -> bool {
        self.has_failed || !self.unread.is_empty()
    }

    /// The core may write here, if the network takes something, which has this many bytes unread.
    pub(super) fn takes_more(&self, unread: u64) -> bool {
        let has_room = self.owed.len() as u64 <= unread + KEPT_BYTES_MAX;
        has_room && !self.has_failed && !self.is_closed() && self.unsent.is_empty()
    }

    /// Nothing is on its way from here or to here.
    pub(super) fn is_quiet(&self) -> bool {
        self.is_gone() || (self.unsent.is_empty() && (self.is_closed() || self.unread.is_empty()))
    }

    pub(super) const fn abandon(&mut self) {
        self.is_abandoned = true;
    }

    /// The core uses it no more: its transport says what it still has to say.
    pub(super) fn close(&mut self) {
        self.usage = Usage::TransportOnly;
        self.unread.clear();
        if self.has_failed || self.is_abandoned {
            self.unsent.clear();
        } else {
            self.transport.close(&mut self.unsent);
        }
    }

    /// It is over here, whatever was left to be sent.
    pub(super) fn leave(&mut self) {
        self.is_abandoned |= !self.unsent.is_empty();
        self.unsent.clear();
        self.usage = Usage::Nobody;
    }

    /// Writes as much as the network takes.
    pub(super) fn flush(&mut self, network: &mut Network, now: Instant, wire: WireId, end: End) {
        if !self.unsent.is_empty() {
            let taken = network.write(now, wire, end, &self.unsent);
            self.sent += taken as u64;
            self.unsent.drain(..taken);
        }
    }

    /// The core writes this.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), TransportError> {
        let before = self.unsent.len();
        if let Err(error) = self.transport.send(bytes, &mut self.unsent) {
            self.unsent.truncate(before);
            self.has_failed = true;
            return Err(error);
        }
        self.owed.extend(bytes);
        Ok(())
    }
}

impl Link {
    /// Gives an end what has arrived for it. If its transport fails, why; or if it gives out what it should not, how.
    pub(super) fn receive(&mut self, end: End, arrived: &[u8]) -> Result<(), Broken> {
        let [client, server] = &mut self.ends;
        let (reader, writer) = if end == End::Client { (client, server) } else { (server, client) };
        reader.arrived += arrived.len() as u64;
        let start = reader.unread.len();
        let received = reader.transport.receive(arrived, &mut reader.unread);
        let given = &reader.unread[start..];
        let right = given.iter().zip(&writer.owed).take_while(|(given, owed)| given == owed).count();
        if right < given.len() {
            let (place, given) = (writer.given + right as u64, given[right]);
            let written = writer.owed.get(right).map_or_else(|| "nothing".into(), |byte| format!("{byte:#04x}"));
            // Nothing of it goes to the core: the transport is to blame, and nobody else.
            reader.unread.truncate(start + right);
            reader.has_failed = true;
            return Err(Broken::Fault(format!(
                "byte {place} of what the {:?} wrote comes out as {given:#04x}, and was {written}",
                end.other()
            )));
        }
        writer.owed.drain(..right);
        writer.given += right as u64;
        if let Err(error) = received {
            reader.has_failed = true;
            return Err(Broken::Failure(error));
        }
        reader.transport.transmit(&mut reader.unsent);
        Ok(())
    }

    /// Reads what was given out, at most so many bytes. True if nothing is left.
    pub(super) fn read(&mut self, end: End, bytes_max: usize, heard: &mut Vec<u8>) -> bool {
        let unread = &mut self.ends[end as usize].unread;
        heard.extend(unread.drain(..bytes_max.min(unread.len())));
        unread.is_empty()
    }

    /// How many bytes an end may read beyond what was given out already.
    pub(super) fn wanted(&self, end: End, bytes_max: usize) -> usize {
        let end = &self.ends[end as usize];
        if end.has_failed { 0 } else { bytes_max.saturating_sub(end.unread.len()) }
    }

    /// An end has learned that the other one has closed the connection. How it was deceived, if all has arrived that
    /// the other one has put on the wire, and not all has come out. Of a transport that has let nothing through it is
    /// not known whether it was ready yet.
    pub(super) fn missing_at_end(&self, end: End) -> Option<String> {
        let (reader, writer) = (&self.ends[end as usize], &self.ends[end.other() as usize]);
        let was_closed = writer.is_closed() && !writer.is_abandoned && !writer.has_failed && writer.unsent.is_empty();
        let has_all = was_closed && !reader.has_failed && reader.arrived == writer.sent && writer.given > 0;
        let (lost, all) = (writer.owed.len(), writer.given + writer.owed.len() as u64);
        (has_all && lost > 0).then(|| {
            format!(
                "the {:?} closed, and the last {lost} of the {all} bytes that it wrote do not come out",
                end.other()
            )
        })
    }

    /// What was written at an end and has not come out at the other, in bytes.
    pub(super) fn owed(&self, end: End) -> usize {
        self.ends[end as usize].owed.len()
    }
}

/// What comes of bytes that arrive, beside bytes.
pub(super) enum Broken {
    /// The transport gives the connection up, as it may.
    Failure(TransportError),
    /// It gives out what was not written.
    Fault(String),
}
