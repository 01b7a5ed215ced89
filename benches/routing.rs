//! What it costs to route: bytes of senders in, bytes of recipients out, through a hub, without sockets.

use chatcore_bench::{BATCH_MESSAGES, Routing};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn routing(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("routing");
    group.throughput(Throughput::Elements(BATCH_MESSAGES as u64));
    for users in [10, 1_000, 100_000] {
        for body_bytes in [16, 64, 1024] {
            let id = BenchmarkId::new(format!("{users}_users"), format!("{body_bytes}_bytes"));
            let mut routing = None;
            group.bench_function(id, |bencher| {
                // Made only if this bench is asked for, and then once.
                let routing = routing.get_or_insert_with(|| Routing::new(users, body_bytes));
                bencher.iter(|| routing.route_batch());
                routing.check();
            });
        }
    }
    group.finish();
}

criterion_group!(benches, routing);
criterion_main!(benches);
