//! The client for tokio: in memory on virtual time, and over real sockets.

#[path = "../announced/mod.rs"]
mod announced;
mod bot;
mod credentials;
mod cuts;
mod memory_hub;
mod restarts;
mod scripted;
mod scripted_hub;
mod sockets;
mod waiting;
mod websocket;

#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../../chatcore-server/examples/axum_websocket.rs"]
mod axum_websocket;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/tokio_bot.rs"]
mod tokio_bot;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/tokio_websocket.rs"]
mod tokio_websocket;

use std::panic::resume_unwind;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use chatcore_client::{AsyncClient, Dial, Event};
use tokio::time::timeout;

/// After which a test on virtual time fails. When all wait, the clock jumps there.
const PATIENCE: Duration = Duration::from_secs(3_600);

/// After which a test fails that waits for nothing and does not end.
const REAL_PATIENCE: Duration = Duration::from_secs(60);

/// Runs a test on virtual time, which goes on when all wait.
fn on_virtual_time<T: Future<Output = ()>>(test: impl FnOnce() -> T + Send + 'static) {
    let (ended, end) = channel::<()>();
    let running = thread::spawn(move || {
        let _ended = ended;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        runtime.expect("there is a runtime").block_on(async { timeout(PATIENCE, test()).await.expect("it ends") });
    });
    assert_eq!(end.recv_timeout(REAL_PATIENCE), Err(RecvTimeoutError::Disconnected), "it ends");
    if let Err(panic) = running.join() {
        resume_unwind(panic);
    }
}

/// The next event, which comes in time.
#[track_caller]
fn next<D: Dial>(client: &mut AsyncClient<D>) -> impl Future<Output = Event> {
    let caller = std::panic::Location::caller();
    async move {
        let event = timeout(PATIENCE, client.next()).await.unwrap_or_else(|_| panic!("{caller}: no event comes"));
        event.unwrap_or_else(|| panic!("{caller}: the client has ended"))
    }
}

/// Numbers that look random (`SplitMix64`).
#[derive(Clone)]
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }
}
