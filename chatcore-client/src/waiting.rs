//! How much may wait for a program before its driver reads no more.

use chatcore::Client;

/// Bytes of the frames whose events wait for the program, at the most, whatever a hub announces. It is four times what
/// a hub keeps for a client unless somebody tells it otherwise.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// Memory that the events take which wait for the program, at the most, of all sessions. A hub that keeps to the bound
/// above never comes there, if its frames have 9 bytes on the wire or more, as messages have: the smallest event takes
/// less than 16 times as much.
const WAITING_MEMORY_BYTES_MAX: usize = 256 << 20;

/// Whether a driver may read. If not, it reads again when the program has taken events.
///
/// The answer to a resume is read although the frames are past their bound: without it, the client would lose each
/// connection. It is not read while the events are past the bound of their memory: otherwise a hub that ends sessions
/// again and again would fill more. So what waits passes the bound of the memory by one read at the most, and that of
/// the frames by another one for each answer to a resume. A hub that heeds acknowledgements never comes there, unless
/// it keeps more than [`WAITING_BYTES_MAX`]: what waits here is in its outbox, too.
pub(crate) fn has_room(client: &Client) -> bool {
    let announced = client.limits().map_or(0, |limits| limits.outbox_bytes_max as usize);
    // Answers may take a quarter more.
    let has_frame_room = client.waiting_bytes() <= announced.saturating_add(announced / 4).min(WAITING_BYTES_MAX);
    (has_frame_room || client.is_resuming()) && client.waiting_memory_bytes() <= WAITING_MEMORY_BYTES_MAX
}
