//! What it costs to write and to read one frame.

use chatcore_bench::Coding;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

fn codec(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("codec");
    for body_bytes in [16, 64, 1024] {
        let body = vec![b'x'; body_bytes];
        for (name, mut coding) in Coding::all(&body) {
            let has_body = matches!(name, "send" | "deliver");
            if !has_body && body_bytes > 16 {
                continue;
            }
            let id = if has_body { format!("{name}/{body_bytes}_bytes") } else { name.to_owned() };
            group.throughput(Throughput::Bytes(coding.frame_bytes() as u64));
            group.bench_function(BenchmarkId::new("encode", &id), |bencher| bencher.iter(|| coding.encode()));
            group.bench_function(BenchmarkId::new("decode", &id), |bencher| bencher.iter(|| coding.decode()));
        }
    }
    group.finish();
}

criterion_group!(benches, codec);
criterion_main!(benches);
