//! What it costs to write and to read one frame.

use std::hint::black_box;

use chatcore::wire::{Accepted, Ack, ClientMessage, Deliver, HubMessage, Message, MessageId, Send, take};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

const BODY_BYTES: [usize; 3] = [16, 64, 1024];

fn bench<'a, M: Message<'a>>(group: &mut BenchmarkGroup<'_, WallTime>, id: &str, message: &M, frame: &'a [u8]) {
    group.throughput(Throughput::Bytes(frame.len() as u64));
    let mut out = Vec::with_capacity(frame.len());
    let encode = BenchmarkId::new("encode", id);
    group.bench_function(encode, |bencher| {
        bencher.iter(|| {
            out.clear();
            black_box(message).encode(&mut out);
            black_box(&out);
        });
    });
    let decode = BenchmarkId::new("decode", id);
    group.bench_function(decode, |bencher| {
        bencher.iter(|| {
            let mut input = black_box(frame);
            let content = take(&mut input, u32::MAX).expect("it is a frame").expect("it is whole");
            black_box(M::decode(content).expect("it is a message"));
        });
    });
}

fn frame<'a, M: Message<'a>>(message: &M) -> Vec<u8> {
    let mut bytes = Vec::new();
    message.encode(&mut bytes);
    bytes
}

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for bytes in BODY_BYTES {
        let body = vec![b'x'; bytes];
        let send = ClientMessage::Send(Send { to: "user00042", body: &body });
        bench(&mut group, &format!("send/{bytes}_bytes"), &send, &frame(&send));
        let deliver =
            HubMessage::Deliver(Deliver { id: MessageId(1_764_000_000_000 << 20), from: "user00042", body: &body });
        bench(&mut group, &format!("deliver/{bytes}_bytes"), &deliver, &frame(&deliver));
    }
    let accepted = HubMessage::Accepted(Accepted { number: 1 << 10, id: MessageId(1_764_000_000_000 << 20), more: 63 });
    bench(&mut group, "accepted", &accepted, &frame(&accepted));
    let ack = ClientMessage::Ack(Ack { count: 1 << 10 });
    bench(&mut group, "ack", &ack, &frame(&ack));
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
