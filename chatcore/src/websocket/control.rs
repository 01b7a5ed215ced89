//! Control frames that are not done with: allocated only while there are some.

use super::header::{CONTROL_BYTES_MAX, HEADER_BYTES_MAX, Opcode, encode};
use super::mask::Mask;

/// The payload of a control frame.
#[derive(Clone, Copy)]
pub(super) struct Short {
    bytes: [u8; CONTROL_BYTES_MAX],
    length: u8,
}

impl Short {
    const EMPTY: Self = Self { bytes: [0; CONTROL_BYTES_MAX], length: 0 };

    /// # Panics
    ///
    /// If it is more than a control frame holds.
    fn extend(&mut self, more: &[u8]) {
        let start = usize::from(self.length);
        self.bytes[start..start + more.len()].copy_from_slice(more);
        self.length += payload_bytes(more);
    }

    pub(super) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

fn payload_bytes(payload: &[u8]) -> u8 {
    u8::try_from(payload.len()).expect("a control frame has at most 125 bytes of payload")
}

pub(super) struct Control {
    /// What has come of a frame that is not whole.
    incoming: Short,
    /// The frame that is being written, and how much of it is there and is written.
    writing: [u8; HEADER_BYTES_MAX + CONTROL_BYTES_MAX],
    writing_bytes: u8,
    written: u8,
    /// What is written after it: a close, or the answer to the newest ping.
    next: Option<(Opcode, Short)>,
}

impl Control {
    pub(super) const EMPTY: Self = Self {
        incoming: Short::EMPTY,
        writing: [0; HEADER_BYTES_MAX + CONTROL_BYTES_MAX],
        writing_bytes: 0,
        written: 0,
        next: None,
    };

    pub(super) fn receive(&mut self, payload: &[u8]) {
        self.incoming.extend(payload);
    }

    /// The frame is whole.
    pub(super) fn take_incoming(&mut self) -> Short {
        core::mem::replace(&mut self.incoming, Short::EMPTY)
    }

    /// Writes this frame after the one that is being written, in place of what was to come there. Nothing follows a
    /// close.
    pub(super) fn queue(&mut self, opcode: Opcode, payload: &[&[u8]]) {
        if matches!(self.next, Some((Opcode::Close, _))) {
            return;
        }
        let mut whole = Short::EMPTY;
        for piece in payload {
            whole.extend(piece);
        }
        self.next = Some((opcode, whole));
    }

    /// Begins the next frame, if none is being written.
    pub(super) fn begin(&mut self, mask: impl FnOnce() -> Option<Mask>) {
        if self.written < self.writing_bytes {
            return;
        }
        let Some((opcode, payload)) = self.next.take() else { return };
        let mut mask = mask();
        let payload = payload.as_slice();
        let length = payload_bytes(payload);
        let mut header = [0; HEADER_BYTES_MAX];
        let size = encode(opcode, length.into(), mask, &mut header);
        let start = usize::from(size);
        self.writing[..start].copy_from_slice(&header[..start]);
        let target = &mut self.writing[start..start + payload.len()];
        target.copy_from_slice(payload);
        if let Some(mask) = &mut mask {
            mask.apply(target);
        }
        (self.writing_bytes, self.written) = (size + length, 0);
    }

    /// What is left to write of the frame that is begun.
    pub(super) fn transmit(&self) -> &[u8] {
        &self.writing[usize::from(self.written)..usize::from(self.writing_bytes)]
    }

    /// # Panics
    ///
    /// If it is more than [`Control::transmit`] gave.
    pub(super) fn transmitted(&mut self, count: usize) {
        self.written += u8::try_from(count).expect("a control frame has fewer than 140 bytes");
    }

    /// Whether something is to be written.
    pub(super) fn is_owed(&self) -> bool {
        self.written < self.writing_bytes || self.next.is_some()
    }

    /// Whether nothing is in it that is still needed.
    pub(super) fn is_empty(&self) -> bool {
        !self.is_owed() && self.incoming.length == 0
    }
}
