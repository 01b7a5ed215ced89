//! How long some fields may be that are as long for every hub.

use super::frame::OVERHEAD_BYTES_MAX;
use crate::name::SPELLING_BYTES_MAX;

/// The most bytes of a credential. A hub answers a longer one with `invalid_value` or `frame_too_long`.
pub const CREDENTIAL_BYTES_MAX: usize = 1024;

/// The most bytes of a frame's content before there is a session: 1408 (protocol.md, *Frames*). This is room for a
/// registration with the longest name and credential, and no more: so a peer without a name cannot make a driver buffer
/// much.
pub const HANDSHAKE_FRAME_BYTES_MAX: u32 = 128 + 1024 + OVERHEAD_BYTES_MAX;
const _: () = assert!(
    HANDSHAKE_FRAME_BYTES_MAX as usize == SPELLING_BYTES_MAX + CREDENTIAL_BYTES_MAX + OVERHEAD_BYTES_MAX as usize
);

/// The most users on one page of a list: of who is online, or of a room's members.
pub const PAGE_USERS_MAX: usize = 500;

/// The most names on one page of what a session is subscribed to: rooms and watched users together.
pub const PAGE_NAMES_MAX: usize = 500;

/// The most bytes of the detail text in an error, a refusal, a goodbye or a renamed. The core cuts a longer one.
pub const DETAIL_BYTES_MAX: usize = 200;

/// Cuts a detail text at its limit, at a character's border.
pub(crate) fn cut_detail(detail: &str) -> &str {
    let mut end = detail.len().min(DETAIL_BYTES_MAX);
    while !detail.is_char_boundary(end) {
        end -= 1;
    }
    &detail[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_detail_is_cut_between_characters() {
        let detail = "é".repeat(101);
        assert_eq!(cut_detail(&detail).len(), DETAIL_BYTES_MAX);
        let odd = alloc::format!("x{detail}");
        assert_eq!(cut_detail(&odd).len(), DETAIL_BYTES_MAX - 1);
    }
}
