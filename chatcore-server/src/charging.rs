//! What reading costs beside the frames that come of it.

#[cfg(feature = "websocket")]
use crate::file_responses;
use crate::connection::{Flow, Stage};
use crate::reading::Reading;

impl Reading<'_> {
    /// What carries nothing of the stream may have asked for a file. Whether more may be read.
    pub(crate) fn take_overhead(&mut self, key: usize, count: usize) -> bool {
        #[cfg(feature = "websocket")]
        if file_responses::begin(self.hub, self.table, self.limits, self.now, key) {
            return true;
        }
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        if let Stage::Lingering { bytes_left, .. } = &mut self.table.at(key).stage {
            let left = bytes_left.checked_sub(count);
            match left {
                Some(left) => *bytes_left = left,
                None => self.table.remove(key),
            }
            return left.is_some();
        }
        // It is work all the same.
        self.charge(key, (count >> 10).max(1))
    }

    /// Charges a connection, and its origin, for work that no frame pays for. Whether more may be read.
    pub(crate) fn charge(&mut self, key: usize, cost: u32) -> bool {
        if cost == 0 {
            return true;
        }
        // Writing what a handshake has to say may have found that it broke.
        let Some(connection) = self.table.get_mut(key) else { return true };
        connection.usage.add(self.now, cost);
        let peer = connection.peer;
        let until = match connection.stage {
            Stage::Open(conn) => self.hub.charge(self.now, conn, cost).expect("the hub has not closed it yet"),
            Stage::Handshaking(_) => self.hub.charge_origin(self.now, self.table.census.origin(&peer), cost),
            Stage::Lingering { .. } | Stage::Broken { .. } => None,
        };
        match until {
            Some(until) if until > self.now => {
                let kept = self.table.take_kept(key);
                self.table.keep(self.now, key, kept, Flow::Paused { until });
                false
            }
            _ => true,
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use chatcore::wire::{ClientMessage, Message, Send};
    use chatcore::{Handshake, Hub, Instant, Limits, Rate};
    use chatcore_transport::{Socket, Transport};

    use super::*;
    use crate::connection::Connection;
    use crate::load::Load;
    use crate::peer::Peer;
    use crate::reading::tests::{Bench, NOW, admit};

    /// A connection of alice over a socket, and the client's end.
    fn over_socket(bench: &mut Bench) -> (usize, UnixStream) {
        let conn = admit(&mut bench.hub, "alice");
        let (ours, client) = UnixStream::pair().expect("the system has sockets");
        ours.set_nonblocking(true).expect("a socket may be told not to block");
        let transport = Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
        let handshake = Handshake::new(NOW, bench.hub.limits());
        let key = bench.table.insert(Connection::new(NOW, transport, Peer::Local { uid: None }, handshake));
        bench.table.open(key, conn);
        (key, client)
    }

    #[test]
    fn a_byte_that_comes_to_a_long_frame_is_moved_alone_and_costs_a_unit() {
        let mut bench = Bench::new();
        let limits = Limits::default().with_session_rate(Rate { per_s: 10, burst: 800 });
        bench.hub = Hub::new(limits, [7; 32]);
        let (key, mut client) = over_socket(&mut bench);
        let mut frame = Vec::new();
        ClientMessage::Send(Send { to: "alice", body: &[b'x'; 60_000] }).encode(&mut frame);
        let mut say_at = |bench: &mut Bench, now: Instant, bytes: &[u8]| {
            client.write_all(bytes).expect("there is room");
            bench.table.readable(now, key);
            let mut reading = bench.reading(1_000_000);
            reading.now = now;
            reading.turn(false);
        };
        let mut say = |bench: &mut Bench, bytes: &[u8]| say_at(bench, NOW, bytes);
        let (start, rest) = frame.split_at(50_000);
        say(&mut bench, start);
        assert_eq!(bench.table.at(key).kept(), start);
        assert_eq!(bench.table.at(key).load(NOW), Load::Light);
        let mut bytes = 0;
        while bench.table.at(key).flow() == Flow::Read && bytes < 1_000 {
            bench.buffer.fill(0);
            say(&mut bench, &rest[bytes..=bytes]);
            bytes += 1;
            let touched = bench.buffer.iter().filter(|byte| **byte != 0).count();
            assert!(touched <= 1, "{touched} bytes were moved for one");
        }
        assert_eq!(bench.table.at(key).kept(), &frame[..start.len() + bytes]);
        assert_eq!(bench.table.at(key).load(NOW), Load::Heavy, "after {bytes} bytes");
        assert!(matches!(bench.table.at(key).flow(), Flow::Paused { until } if until > NOW), "after {bytes} bytes");
        assert!(bytes > 512, "it had little to say until then: {bytes} bytes");
        // It is whole at last, whatever of it is moved.
        let Flow::Paused { until } = bench.table.at(key).flow() else { panic!("it is paused") };
        bench.table.end_pause(until, key);
        say_at(&mut bench, until, &rest[bytes..]);
        assert_eq!(bench.table.at(key).kept(), b"");
    }
}
