//! From the transport to the hub, or to a handshake.

use chatcore::{Hub, Instant, Received};

use crate::buffers::BUFFER_BYTES_FREE;
use crate::config::DriverLimits;
use crate::connection::{Input, Stage};
use crate::table::Table;
use crate::{closing, handshakes, writing};

/// Who gets less than it asked for has got all there is, and will be told of more: epoll(7) promises that. Others may
/// wait for us to try again.
const SHORT_READ_IS_ALL: bool = cfg!(target_os = "linux");

/// Reads a connection and hands on what has arrived, up to its budget for one turn.
pub(crate) fn read(
    hub: &mut Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    key: usize,
    buffer: &mut [u8],
) {
    let mut budget = limits.turn_bytes_max.max(1);
    while let Some(connection) = table.get_mut(key) {
        if budget == 0 {
            return table.readable(key);
        }
        let kept = connection.partial.len();
        let is_long = kept > buffer.len() - BUFFER_BYTES_FREE;
        // What was left over last time stands before what comes now; but what is long is not moved about.
        let start = if is_long { 0 } else { kept };
        buffer[..start].copy_from_slice(&connection.partial[..start]);
        let room = budget.min(buffer.len() - start);
        let count = match connection.read(&mut buffer[start..start + room]) {
            Input::Bytes(count) => count,
            Input::None => return,
            Input::End(why) => return closing::broke(table, key, why),
        };
        budget -= count;
        let is_all = SHORT_READ_IS_ALL && count < room && !connection.ending;
        let mut partial = std::mem::take(&mut connection.partial);
        let goes_on = if is_long {
            partial.extend_from_slice(&buffer[..count]);
            let mut rest = &partial[..];
            let goes_on = feed(hub, table, limits, now, key, &mut rest);
            let left = rest.len();
            partial.drain(..partial.len() - left);
            goes_on
        } else {
            partial.clear();
            let mut rest = &buffer[..start + count];
            let goes_on = feed(hub, table, limits, now, key, &mut rest);
            if !rest.is_empty() && partial.capacity() == 0 {
                partial = table.buffers.take(rest.len());
            }
            partial.extend_from_slice(rest);
            goes_on
        };
        match table.get_mut(key) {
            Some(connection) if !partial.is_empty() => connection.partial = partial,
            _ => table.buffers.give_back(partial),
        }
        if !goes_on {
            // What has to be said about this input is to go out before more is looked at: after it there may be
            // the end, which would silence the answer.
            return table.readable(key);
        }
        if is_all {
            return;
        }
    }
}

/// Gives what has arrived to whom it is for. False if no more is to be read in this turn.
fn feed(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize, input: &mut &[u8]) -> bool {
    if let Stage::Handshaking(_) = table.at(key).stage
        && let Err(error) = handshakes::drive_handshake(hub, table, now, key, input)
    {
        handshakes::end(hub, table, limits, now, key, &error);
    }
    match table.get_mut(key).map(|connection| &mut connection.stage) {
        Some(Stage::Handshaking(_)) => {
            writing::write(hub, table, now, key);
            true
        }
        Some(Stage::Open(conn)) => {
            let received = hub.receive(now, *conn, input).expect("the hub has not closed it yet");
            received == Received::NeedInput
        }
        Some(Stage::Lingering { bytes_left, .. }) => {
            let left = bytes_left.checked_sub(input.len());
            *input = &[];
            match left {
                Some(left) => *bytes_left = left,
                None => table.remove(key),
            }
            left.is_some()
        }
        Some(Stage::Broken) | None => {
            *input = &[];
            false
        }
    }
}
