//! What a message costs through each driver of the client, over TCP to a server on another thread: a user sends so many
//! messages to itself, takes each of them and each answer, and begins anew. The time is the processor's for the
//! client's thread, where the system tells it.

use std::hint::black_box;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use chatcore::{Event, Limits, Rate};
use chatcore_client::{AsyncClient, ClientConfig, Driver, Tcp};
use chatcore_server::{Config, Handle, Server};
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use mio::{Events, Interest, Poll, Token};
use tokio::runtime::{Builder, Runtime};

/// Messages of a round: one, which waits for its way to the server and back, and as many as the load bench has under
/// way.
const ROUNDS: [u64; 2] = [1, 64];

const BODY: [u8; 64] = [b'x'; 64];

/// A server without rates, which is stopped when this is dropped.
struct Running {
    address: String,
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

impl Running {
    fn start() -> Self {
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let config = Config::default().with_listen(["127.0.0.1:0"]).with_limits(limits);
        let server = Server::bind(config).expect("there is a port");
        let (address, handle) = (server.local_addrs()[0].to_string(), server.handle());
        let thread = thread::spawn(move || server.run().expect("the system can poll"));
        Self { address, handle, thread: Some(thread) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.handle.shut_down();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

/// What is still to come of a round.
struct Round {
    messages: u64,
    answers: u64,
}

impl Round {
    const fn of(messages: u64) -> Self {
        Self { messages, answers: messages }
    }

    const fn is_over(&self) -> bool {
        self.messages == 0 && self.answers == 0
    }

    fn take(&mut self, event: &Event) {
        match event {
            Event::Message { body, .. } => {
                black_box(body);
                self.messages -= 1;
            }
            Event::Accepted { .. } => self.answers -= 1,
            other => panic!("{other:?}"),
        }
    }
}

/// The processor time of this thread.
#[cfg(target_os = "linux")]
fn time() -> Duration {
    let time = nix::time::clock_gettime(nix::time::ClockId::CLOCK_THREAD_CPUTIME_ID);
    time.expect("every thread has such a clock").into()
}

/// The time that has passed.
#[cfg(not(target_os = "linux"))]
fn time() -> Duration {
    static BEGUN: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
    BEGUN.elapsed()
}

struct OnMio {
    driver: Driver,
    poll: Poll,
    events: Events,
}

impl OnMio {
    fn connect(server: &Running, name: &str) -> Self {
        let address: std::net::SocketAddr = server.address.parse().expect("it is one");
        let mut driver = Driver::connect(address, ClientConfig::default()).expect("there is a socket");
        let poll = Poll::new().expect("the system can poll");
        let registry = poll.registry();
        registry.register(&mut driver, Token(0), Interest::READABLE | Interest::WRITABLE).expect("it can be polled");
        driver.register(name, b"").expect("a fresh client may register");
        let mut on_mio = Self { driver, poll, events: Events::with_capacity(8) };
        while on_mio.driver.client().limits().is_none() {
            on_mio.turn();
        }
        while on_mio.driver.poll_event().is_some() {}
        on_mio
    }

    fn turn(&mut self) {
        if !self.driver.drive().expect("it has connected") {
            self.poll.poll(&mut self.events, self.driver.timeout()).expect("the system can poll");
        }
    }

    fn run(&mut self, messages: u64, rounds: u64) -> Duration {
        let begun = time();
        for _ in 0..rounds {
            for _ in 0..messages {
                self.driver.send("mio", &BODY).expect("there is room for a round");
            }
            let mut round = Round::of(messages);
            while !round.is_over() {
                self.turn();
                while let Some(event) = self.driver.poll_event() {
                    round.take(&event);
                }
            }
        }
        time().saturating_sub(begun)
    }
}

struct OnTokio {
    client: AsyncClient<Tcp>,
    runtime: Runtime,
}

impl OnTokio {
    fn connect(server: &Running, name: &str) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("there is a runtime");
        let client = runtime.block_on(async {
            let connecting = AsyncClient::connect(Tcp::new(&server.address), ClientConfig::default());
            let mut client = connecting.await.expect("it listens");
            client.register(name, b"").expect("a fresh client may register");
            assert!(matches!(client.next().await, Some(Event::Registered { .. })));
            client
        });
        Self { client, runtime }
    }

    /// Waits for each event, or takes at once those that wait already.
    fn run(&mut self, messages: u64, rounds: u64, takes_all: bool) -> Duration {
        let client = &mut self.client;
        self.runtime.block_on(async {
            let begun = time();
            for _ in 0..rounds {
                for _ in 0..messages {
                    client.send("tokio", &BODY).expect("there is room for a round");
                }
                let mut round = Round::of(messages);
                while !round.is_over() {
                    round.take(&client.next().await.expect("it goes on"));
                    while takes_all && let Some(event) = client.try_next() {
                        round.take(&event);
                    }
                }
            }
            time().saturating_sub(begun)
        })
    }
}

fn clients(criterion: &mut Criterion) {
    let server = Running::start();
    let mut mio = OnMio::connect(&server, "mio");
    let mut tokio = OnTokio::connect(&server, "tokio");
    let mut group = criterion.benchmark_group("clients");
    for messages in ROUNDS {
        let id = |name| BenchmarkId::new(name, format!("{messages}_at_once"));
        group.throughput(Throughput::Elements(messages));
        group.bench_function(id("mio"), |bencher| bencher.iter_custom(|rounds| mio.run(messages, rounds)));
        for (name, takes_all) in [("tokio", false), ("tokio_try_next", true)] {
            group.bench_function(id(name), |bencher| {
                bencher.iter_custom(|rounds| tokio.run(messages, rounds, takes_all));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, clients);
criterion_main!(benches);
