use std::io::Write;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use chatcore::wire::{ClientMessage, Goodbye, GoodbyeCode, Message, Send};
use chatcore::{ConnId, Handshake, Hub, Instant, Limits, QuotaKey, Rate};
use chatcore_transport::{Socket, Transport};

use super::*;
use crate::buffers::capacity_max;
use crate::connection::Connection;
use crate::load::Load;
use crate::peer::Peer;
use crate::reading::tests::{Bench, NOW, admit};
use crate::rests::RESTS_BYTES_MAX;

fn plain(ours: UnixStream) -> Transport {
    ours.set_nonblocking(true).expect("a socket may be told not to block");
    Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)))
}

/// A connection that the hub knows by this.
fn opened_as(bench: &mut Bench, transport: Transport, conn: ConnId) -> usize {
    let handshake = Handshake::new(NOW, bench.hub.limits());
    let key = bench.table.insert(Connection::new(NOW, transport, Peer::Local { uid: None }, handshake));
    bench.table.open(key, conn);
    key
}

/// A connection of alice.
fn opened(bench: &mut Bench, transport: Transport) -> usize {
    let conn = admit(&mut bench.hub, "alice");
    opened_as(bench, transport, conn)
}

/// The same over a socket, and the client's end.
fn over_socket(bench: &mut Bench) -> (usize, UnixStream) {
    let (ours, client) = UnixStream::pair().expect("the system has sockets");
    (opened(bench, plain(ours)), client)
}

#[test]
fn a_byte_that_comes_to_a_long_frame_is_moved_alone_and_costs_a_unit() {
    let mut bench = Bench::new();
    let limits = Limits::default().with_session_rate(Rate { per_s: 10, burst: 800 });
    bench.hub = Hub::new(limits, [7; 32]);
    let (key, mut client) = over_socket(&mut bench);
    let mut frame = Vec::new();
    ClientMessage::Send(Send { to: "alice", body: &vec![b'x'; 60_000] }).encode(&mut frame);
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

/// Connections of alice, at whose ends something carries the stream.
#[cfg(feature = "tls")]
fn over_tls(bench: &mut Bench) -> (usize, rustls::StreamOwned<rustls::ClientConnection, UnixStream>) {
    let (server, client) = crate::writing::tests::tls_pair();
    (opened(bench, server), client)
}

/// What alice says byte by byte.
#[cfg(any(feature = "tls", feature = "websocket"))]
fn long_frame() -> impl Iterator<Item = u8> {
    let mut frame = Vec::new();
    ClientMessage::Send(Send { to: "alice", body: &vec![b'x'; 60_000] }).encode(&mut frame);
    frame.into_iter()
}

/// Says some bytes, each in a record of its own, in one piece.
#[cfg(feature = "tls")]
fn say_in_records(client: &mut rustls::StreamOwned<rustls::ClientConnection, UnixStream>, bytes: &[u8]) {
    for byte in bytes.chunks(1) {
        client.conn.writer().write_all(byte).expect("there is room");
    }
    while client.conn.wants_write() {
        client.conn.write_tls(&mut client.sock).expect("there is room");
    }
}

#[test]
#[cfg(feature = "tls")]
fn records_of_tls_with_little_in_them_use_up_a_rate() {
    let mut bench = Bench::new();
    bench.hub = Hub::new(Limits::default().with_session_rate(Rate { per_s: 10, burst: 2_000 }), [7; 32]);
    let (key, mut client) = over_tls(&mut bench);
    let (mut frame, mut bytes, mut light_bytes) = (long_frame(), 0, 0);
    while bench.table.at(key).flow() == Flow::Read && bytes < 10_000 {
        say_in_records(&mut client, &frame.by_ref().take(150).collect::<Vec<_>>());
        bench.table.readable(NOW, key);
        bench.reading(1_000_000).turn(false);
        bytes += 150;
        light_bytes += if bench.table.at(key).load(NOW) == Load::Light { 150 } else { 0 };
    }
    // A byte is half a unit: 512 make it heavy, and 2 000 use up its rate.
    assert_eq!((light_bytes, bytes), (900, 4_050));
    assert!(matches!(bench.table.at(key).flow(), Flow::Paused { until } if until > NOW));
    assert_eq!(bench.table.at(key).kept().len(), bytes);
}

#[test]
#[cfg(feature = "tls")]
fn new_keys_of_tls_cost_more_than_a_message() {
    let mut bench = Bench::new();
    let (key, mut client) = over_tls(&mut bench);
    let mut frame = long_frame();
    let mut rounds = 0;
    while bench.table.at(key).load(NOW) == Load::Light && rounds < 100 {
        for _ in 0..32 {
            client.conn.refresh_traffic_keys().expect("TLS 1.3 has that");
        }
        say_in_records(&mut client, &[frame.next().expect("it is long")]);
        bench.table.readable(NOW, key);
        bench.reading(1_000_000).turn(false);
        rounds += 1;
    }
    assert_eq!(rounds, 3, "of 32 new keys");
}

#[test]
#[cfg(feature = "tls")]
fn a_short_go_is_as_short_however_little_its_records_carry() {
    let mut bench = Bench::new();
    let (key, mut client) = over_tls(&mut bench);
    let bob = admit(&mut bench.hub, "bob");
    let (ours, mut other) = UnixStream::pair().expect("the system has sockets");
    let other_key = opened_as(&mut bench, plain(ours), bob);
    say_in_records(&mut client, &long_frame().take(2_000).collect::<Vec<_>>());
    other.write_all(&[20]).expect("there is room");
    for key in [key, other_key] {
        bench.table.readable(NOW, key);
    }
    bench.reading(1_000_000).turn(true);
    let kept = bench.table.at(key).kept().len();
    // 4 KiB and what is left of one.
    assert!((100..400).contains(&kept), "{kept} bytes of the stream");
    assert_eq!(bench.table.at(other_key).kept(), [20]);
}

#[test]
#[cfg(feature = "websocket")]
fn frames_of_a_websocket_with_little_in_them_make_a_connection_heavy() {
    use std::sync::Arc;

    use chatcore::websocket::{SUBPROTOCOL, UpgradeRequest, UpgradeRules};
    use chatcore_transport::{Base, WebSocketStream};

    /// A frame with a byte.
    const FRAME: &[u8] = b"\x82\x81\0\0\0\0x";

    let mut bench = Bench::new();
    let (ours, mut client) = UnixStream::pair().expect("the system has sockets");
    let Transport::Plain(socket) = plain(ours) else { unreachable!("it is a socket") };
    let stream = WebSocketStream::server(Base::Plain(socket), Arc::new(UpgradeRules::default()));
    let mut transport = Transport::WebSocket(Box::new(stream));
    let request = UpgradeRequest::new("localhost", "/", &[SUBPROTOCOL], [7; 16]).expect("it is a request");
    client.write_all(request.bytes()).expect("there is room");
    transport.read(&mut [0; 4_096]);
    transport.take_framing();
    let key = opened(&mut bench, transport);
    // The start of a long frame of chatcore, in one of a hundred bytes.
    let start: Vec<u8> = b"\x82\xe4\0\0\0\0".iter().copied().chain(long_frame().take(100)).collect();
    client.write_all(&start).expect("there is room");
    let mut say = |bench: &mut Bench, count: usize| {
        client.write_all(&FRAME.repeat(count)).expect("there is room");
        bench.table.readable(NOW, key);
        bench.reading(1_000_000).turn(false);
        bench.table.at(key).load(NOW)
    };
    assert_eq!(say(&mut bench, 10_000), Load::Light);
    assert_eq!(say(&mut bench, 10_000), Load::Light);
    assert_eq!(say(&mut bench, 10_000), Load::Heavy);
}

#[test]
fn what_a_paused_connection_keeps_is_known_to_the_hub() {
    let mut bench = Bench::new();
    bench.hub = Hub::new(Limits::default().with_session_rate(Rate { per_s: 10, burst: 100 }), [7; 32]);
    let (key, mut client) = over_socket(&mut bench);
    let mut said = Vec::new();
    for _ in 0..12 {
        ClientMessage::Send(Send { to: "nobody", body: &[b'x'; 16_000] }).encode(&mut said);
    }
    client.write_all(&said).expect("there is room");
    bench.table.readable(NOW, key);
    bench.reading(1_000_000).turn(false);
    assert!(matches!(bench.table.at(key).flow(), Flow::Paused { .. }));
    let kept = bench.table.at(key).kept().len();
    assert!((64 << 10..said.len()).contains(&kept), "{kept} bytes are more than a piece");
    assert_eq!(bench.hub.memory().partial, kept as u64);
}

/// Says something, and lets the connection take it until it has no pause left.
fn say_until_taken(bench: &mut Bench, key: usize, client: &mut impl Write, bytes: &[u8]) {
    client.write_all(bytes).expect("there is room");
    let mut now = NOW;
    bench.table.readable(now, key);
    loop {
        let mut reading = bench.reading(1_000_000);
        reading.now = now;
        reading.turn(false);
        match bench.table.at(key).flow() {
            Flow::Read => return,
            Flow::Continue => {}
            Flow::Paused { until } => {
                now = until;
                bench.table.end_pause(now, key);
            }
        }
    }
}

#[test]
fn the_start_of_a_frame_holds_no_buffer_that_is_far_larger() {
    let mut frame = Vec::new();
    ClientMessage::Send(Send { to: "nobody", body: &vec![b'x'; 60_000] }).encode(&mut frame);
    // After the rest of the frame comes a byte of the next.
    let next = [&frame[..], &frame[..1]].concat();
    let many = [&frame.repeat(3)[..], &frame[..1]].concat();
    let said: [&[&[u8]]; 4] = [
        // The rest is shorter than what is kept, or longer; or it comes in small pieces.
        &[&next[..40_000], &next[40_000..]],
        &[&next[..20_000], &next[20_000..]],
        &[&next[..30_000], &next[30_000..45_000], &next[45_000..]],
        // It is taken in several goes, with pauses between.
        &[&many],
    ];
    for (number, parts) in said.into_iter().enumerate() {
        let mut bench = Bench::new();
        bench.hub = Hub::new(Limits::default().with_session_rate(Rate { per_s: 100, burst: 70 }), [7; 32]);
        let (key, mut client) = over_socket(&mut bench);
        for part in parts {
            say_until_taken(&mut bench, key, &mut client, part);
        }
        let connection = bench.table.at(key);
        assert_eq!(connection.kept(), &frame[..1], "{number}");
        let capacity = connection.kept_capacity();
        assert!(capacity <= capacity_max(1), "{number}: {capacity} bytes are held for one");
        assert_eq!(bench.hub.memory().partial, 1, "{number}");
        // It goes on as if nothing had been moved.
        say_until_taken(&mut bench, key, &mut client, &frame[1..]);
        assert_eq!(bench.table.at(key).kept(), b"", "{number}");
    }
}

#[test]
fn others_are_read_as_before_while_an_origin_keeps_much() {
    let mut bench = Bench::new();
    let (key, mut client) = over_socket(&mut bench);
    bench.table.rests.add(Some(QuotaKey(7)), RESTS_BYTES_MAX - 1);
    let mut frame = Vec::new();
    ClientMessage::Send(Send { to: "nobody", body: &vec![b'x'; 60_000] }).encode(&mut frame);
    let mut say = |bench: &mut Bench| {
        client.write_all(&frame[..50_000]).expect("there is room");
        bench.table.readable(NOW, key);
        bench.reading(1_000_000).read_once(key)
    };
    assert_eq!(say(&mut bench), 50_000);
    // Whatever the others do, who has little to say is not read by the KiB.
    bench.table.rests.add(Some(QuotaKey(8)), 1);
    assert_eq!(say(&mut bench), 4_096);
}

#[test]
fn a_connection_that_is_closing_is_read_seldom_and_its_origin_pays() {
    let mut bench = Bench::new();
    let limits = Limits::default().with_origin_rate(Rate { per_s: 10, burst: 600 });
    bench.hub = Hub::new(limits, [7; 32]);
    let (key, mut client) = over_socket(&mut bench);
    let mut said = Vec::new();
    // Nobody writes what is delivered, so the hub cannot close it.
    ClientMessage::Send(Send { to: "alice", body: b"x" }).encode(&mut said);
    ClientMessage::Goodbye(Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None }).encode(&mut said);
    let mut say = |bench: &mut Bench, bytes: &[u8]| {
        client.write_all(bytes).expect("there is room");
        bench.table.readable(NOW, key);
        bench.reading(1_000_000).turn(false);
    };
    say(&mut bench, &said);
    for _ in 0..10 {
        let Flow::Paused { until } = bench.table.at(key).flow() else { panic!("it is read at once") };
        assert!(until >= NOW + Duration::from_millis(100) && bench.table.read_queue.is_empty());
        bench.table.end_pause(NOW, key);
        say(&mut bench, &vec![0; 64 << 10]);
        assert_eq!(bench.table.at(key).kept(), b"");
    }
    assert_eq!(bench.table.at(key).load(NOW), Load::Heavy);
    assert!(bench.hub.charge_origin(NOW, QuotaKey::default(), 1) > Some(NOW), "640 KiB, and what it cost to come");
}
