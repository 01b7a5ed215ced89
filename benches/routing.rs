//! What it costs to route: bytes of senders in, bytes of recipients out, through a hub, without sockets.

use chatcore_bench::{BATCH_MESSAGES, Routing};
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, id: BenchmarkId, make: impl Fn() -> Routing) {
    // Criterion's test mode measures nothing, and a crowd takes seconds and gigabytes to warm up.
    let is_test = std::env::args().any(|arg| arg == "--test");
    let mut routing = None;
    group.bench_function(id, |bencher| {
        // Made only if this bench is asked for, and then once.
        let routing = routing.get_or_insert_with(|| if is_test { make() } else { make().warmed_up() });
        bencher.iter(|| routing.route_batch());
        routing.check();
    });
}

fn direct(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("routing");
    for users in [10, 1_000, 100_000] {
        for body_bytes in [16, 64, 1024] {
            let id = BenchmarkId::new(format!("{users}_users"), format!("{body_bytes}_bytes"));
            group.throughput(Throughput::Elements(BATCH_MESSAGES as u64));
            bench(&mut group, id, || Routing::direct(users, body_bytes));
        }
    }
    group.finish();
}

fn rooms(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("rooms");
    for (rooms, members) in [(1, 200), (100, 10), (1_000, 10)] {
        for body_bytes in [64, 1024] {
            let id = BenchmarkId::new(format!("{rooms}_rooms_of_{members}"), format!("{body_bytes}_bytes"));
            group.throughput(Throughput::Elements(Routing::batch_messages_in_rooms(members) as u64));
            bench(&mut group, id, || Routing::in_rooms(rooms, members, body_bytes));
        }
    }
    group.finish();
}

criterion_group!(benches, direct, rooms);
criterion_main!(benches);
