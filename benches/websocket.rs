//! What it costs to read and to write a frame of a WebSocket, here and with `tungstenite`.

use std::hint::black_box;
use std::io::{self, Read, Write};

use chatcore::websocket::{Content, Incoming, WebSocket};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tungstenite::protocol::{Role, WebSocketConfig};

/// Some messages of chatcore's protocol, as they come with one read.
const PAYLOAD_BYTES: usize = 80;
const FRAMES: usize = 64;

/// A client's frames.
fn frames() -> Vec<u8> {
    let mut client = WebSocket::client(Content::Stream, [7; 32]);
    let payload = [b'x'; PAYLOAD_BYTES];
    let mut frames = Vec::new();
    for _ in 0..FRAMES {
        let outgoing = client.transmit(PAYLOAD_BYTES);
        let bytes = outgoing.bytes();
        outgoing.append([&payload[..]].into_iter(), &mut frames);
        client.transmitted(bytes);
    }
    frames
}

/// A transport that takes all, and from which the same frames come again and again.
struct Loop {
    frames: Vec<u8>,
    at: usize,
}

impl Read for Loop {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = buffer.len().min(self.frames.len() - self.at);
        buffer[..count].copy_from_slice(&self.frames[self.at..self.at + count]);
        self.at = (self.at + count) % self.frames.len();
        Ok(count)
    }
}

impl Write for Loop {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(black_box(bytes).len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn theirs() -> tungstenite::WebSocket<Loop> {
    let config = WebSocketConfig::default().read_buffer_size(4096);
    tungstenite::WebSocket::from_raw_socket(Loop { frames: frames(), at: 0 }, Role::Server, Some(config))
}

fn websocket(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group(format!("websocket/{PAYLOAD_BYTES}_bytes"));
    group.throughput(Throughput::Elements(FRAMES as u64));

    // Unmasked twice, a payload is what it was: the same frames can be read again.
    let mut arrived = frames();
    let mut server = WebSocket::server(Content::Stream);
    group.bench_function("read/in_place", |bencher| {
        bencher.iter(|| {
            let mut input = &mut arrived[..];
            let mut payload_bytes = 0;
            while let Ok(Some(Incoming::Data(data))) = server.receive(&mut input) {
                payload_bytes += black_box(data.bytes).len();
            }
            assert_eq!(payload_bytes, FRAMES * PAYLOAD_BYTES);
        });
    });
    let frames = frames();
    let mut buffer = frames.clone();
    group.bench_function("read/as_a_stream", |bencher| {
        bencher.iter(|| {
            // As from a socket.
            buffer.copy_from_slice(&frames);
            let unframed = server.unframe(&mut buffer);
            assert_eq!(unframed.payload_bytes, FRAMES * PAYLOAD_BYTES);
        });
    });
    let mut other = theirs();
    group.bench_function("read/tungstenite", |bencher| {
        bencher.iter(|| {
            for _ in 0..FRAMES {
                let message = other.read().expect("its frames are valid");
                assert_eq!(black_box(message).len(), PAYLOAD_BYTES);
            }
        });
    });

    group.bench_function("write/header", |bencher| {
        bencher.iter(|| {
            for _ in 0..FRAMES {
                let bytes = black_box(server.transmit(black_box(PAYLOAD_BYTES))).bytes();
                black_box(server.transmitted(bytes));
            }
        });
    });
    let payload = [b'x'; PAYLOAD_BYTES];
    group.bench_function("write/tungstenite", |bencher| {
        bencher.iter(|| {
            for _ in 0..FRAMES {
                let message = tungstenite::Message::binary(payload.to_vec());
                other.write(message).expect("its transport takes all");
            }
            other.flush().expect("its transport takes all");
        });
    });
    group.finish();
}

criterion_group!(benches, websocket);
criterion_main!(benches);
