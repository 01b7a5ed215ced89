//! From the hub, or a handshake, to the transport.

use chatcore::{Hub, Instant};

use crate::closing;
use crate::connection::{Stage, Written};
use crate::table::Table;

/// Bytes that are written to one connection before others have their turn. Those with little to read wait for one such
/// write at the most between any eight of theirs, and the system may take 10 µs for a KiB when its memory is short.
const WRITE_BYTES_MAX: usize = 32 << 10;

/// Writes as much as the transport takes now, up to a bound. When it takes more, it tells, and this is to be called
/// again.
pub(crate) fn write(hub: &mut Hub, table: &mut Table, now: Instant, key: usize) {
    let connection = table.at(key);
    if connection.readiness.blocked {
        return;
    }
    let mut bytes_max = WRITE_BYTES_MAX;
    loop {
        if bytes_max == 0 {
            return table.write_later(key);
        }
        let chunks = match &connection.stage {
            Stage::Handshaking(handshaking) => handshaking.handshake.transmit(),
            Stage::Open(conn) => hub.transmit(*conn),
            Stage::Broken | Stage::Lingering { .. } => return,
        };
        if chunks.is_empty() {
            return;
        }
        match connection.write(chunks, bytes_max) {
            Written::Bytes(count) => {
                bytes_max -= count;
                match &mut connection.stage {
                    Stage::Handshaking(handshaking) => handshaking.handshake.transmitted(count),
                    Stage::Open(conn) => {
                        hub.transmitted(now, *conn, count).expect("the hub has just given what to write");
                    }
                    Stage::Broken | Stage::Lingering { .. } => return,
                }
            }
            Written::Blocked => {
                connection.readiness.blocked = true;
                return;
            }
            Written::Broken(error) => return closing::broke(table, key, Err(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use chatcore::wire::{ClientMessage, Message, Preface, Register, Send};
    use chatcore::{Handshake, Limits, Received};
    use mio::net::TcpStream;
    use socket2::SockRef;

    use super::*;
    use crate::connection::Connection;

    const NOW: Instant = Instant::from_millis(1);

    #[test]
    fn a_long_outbox_is_written_in_pieces_so_that_others_have_their_turn_between_them() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it listens");
        let mut peer = std::net::TcpStream::connect(address).expect("it listens");
        let (stream, _) = listener.accept().expect("somebody connects");
        stream.set_nonblocking(true).expect("a socket may be told not to block");
        SockRef::from(&stream).set_send_buffer_size(4 * WRITE_BYTES_MAX).expect("the system has that much");

        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let mut opening = Preface::OURS.encode().to_vec();
        let register = Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX };
        ClientMessage::Register(register).encode(&mut opening);
        let body = vec![0; WRITE_BYTES_MAX];
        for _ in 0..2 {
            ClientMessage::Send(Send { to: "alice", body: &body }).encode(&mut opening);
        }
        let mut input = &opening[..];
        let mut handshake = Handshake::new(NOW, hub.limits());
        let registration = handshake.receive(NOW, &mut input).expect("it is polite").expect("it is whole");
        let conn = hub.admit(NOW, registration).expect("the name is free");
        assert_eq!(hub.receive(NOW, conn, &mut input), Ok(Received::NeedInput));

        let mut table = Table::default();
        let key = table.insert(Connection::new(TcpStream::from_std(stream), address, handshake));
        table.open(key, conn);
        let total = hub.transmit(conn).map(<[u8]>::len).sum::<usize>();
        let mut written = Vec::new();
        let mut arrived = vec![0; WRITE_BYTES_MAX];
        while total - written.iter().sum::<usize>() > 0 {
            let before = hub.transmit(conn).map(<[u8]>::len).sum::<usize>();
            write(&mut hub, &mut table, NOW, key);
            let count = before - hub.transmit(conn).map(<[u8]>::len).sum::<usize>();
            assert_ne!(count, 0, "the transport takes more");
            peer.read_exact(&mut arrived[..count]).expect("this has been written");
            let is_last = before == count;
            assert_eq!(table.next_to_write(), if is_last { None } else { Some(key) });
            written.push(count);
        }
        assert_eq!(written, [WRITE_BYTES_MAX, WRITE_BYTES_MAX, total - 2 * WRITE_BYTES_MAX]);
    }
}
