//! A bad connection between a client and a server: what passes through can be cut at any byte.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use socket2::SockRef;

/// Bytes between two cuts, at the most, if nothing else is said.
const BUDGET_MAX: u64 = 4_000;

/// Listens where clients connect to, and passes everything on. Cloning gives another handle on it.
#[derive(Clone)]
pub(crate) struct Proxy {
    pub(crate) address: String,
    shared: Arc<Mutex<Shared>>,
    /// What the server says last, before all is held back.
    last_words: Arc<Mutex<Option<String>>>,
    /// Whether what comes is held back, and that this has changed.
    frozen: Arc<(Mutex<bool>, Condvar)>,
}

struct Shared {
    /// Where to connect to.
    server: String,
    /// How often to cut still.
    cuts_left: u32,
    /// Bytes between two cuts, at the most.
    budget_max: u64,
    /// What is drawn from.
    seed: u64,
    /// The sockets of all connections.
    open: Vec<Arc<Wire>>,
}

/// A connection through the proxy.
struct Wire {
    client: TcpStream,
    server: TcpStream,
    /// Bytes until it is cut; none if it is not.
    budget: Mutex<Option<u64>>,
}

impl Shared {
    /// A number that looks random (`SplitMix64`).
    fn draw(&mut self) -> u64 {
        self.seed = self.seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.seed ^ (self.seed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

impl Proxy {
    /// Cuts so often, after numbers of bytes that depend on the seed.
    pub(crate) fn start(server: &str, cuts: u32, seed: u64) -> Self {
        Self::start_with(server, cuts, seed, BUDGET_MAX)
    }

    /// The same with this many bytes between two cuts, at the most.
    pub(crate) fn start_with(server: &str, cuts: u32, seed: u64, budget_max: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("there is a port");
        let address = listener.local_addr().expect("it is bound").to_string();
        let shared = Shared { server: server.to_owned(), cuts_left: cuts, budget_max, seed, open: Vec::new() };
        let shared = Arc::new(Mutex::new(shared));
        let proxy = Self { address, shared, last_words: Arc::default(), frozen: Arc::default() };
        let serving = proxy.clone();
        thread::spawn(move || {
            while let Ok((client, _)) = listener.accept() {
                serving.serve(client);
            }
        });
        proxy
    }

    /// How often it will still cut.
    pub(crate) fn cuts_left(&self) -> u32 {
        self.shared.lock().unwrap().cuts_left
    }

    /// From now on leads elsewhere.
    pub(crate) fn lead_to(&self, server: &str) {
        server.clone_into(&mut self.shared.lock().unwrap().server);
    }

    /// How many connections it has made that were not cut.
    pub(crate) fn open(&self) -> usize {
        self.shared.lock().unwrap().open.len()
    }

    /// From now on holds back all that comes.
    pub(crate) fn freeze(&self) {
        *self.frozen.0.lock().unwrap() = true;
    }

    /// The same after the server has said this, which still passes.
    pub(crate) fn freeze_after(&self, words: &str) {
        *self.last_words.lock().unwrap() = Some(words.to_owned());
    }

    fn freeze_if_said(&self, bytes: &[u8]) {
        let is_said = |words: &mut String| bytes.windows(words.len()).any(|part| part == words.as_bytes());
        if self.last_words.lock().unwrap().take_if(is_said).is_some() {
            self.freeze();
        }
    }

    /// Passes on what it has held back, where the connection still stands, and what comes.
    pub(crate) fn thaw(&self) {
        *self.frozen.0.lock().unwrap() = false;
        self.frozen.1.notify_all();
    }

    /// Cuts all connections.
    pub(crate) fn cut(&self) {
        for wire in self.shared.lock().unwrap().open.drain(..) {
            wire.cut(false);
        }
    }

    fn serve(&self, client: TcpStream) {
        let mut shared = self.shared.lock().unwrap();
        // Without a server, the client finds its connection closed.
        let Ok(server) = TcpStream::connect(&shared.server) else { return };
        let budget = (shared.cuts_left > 0).then(|| shared.draw() % shared.budget_max);
        let wire = Arc::new(Wire { client, server, budget: Mutex::new(budget) });
        shared.open.push(Arc::clone(&wire));
        drop(shared);
        for from_client in [true, false] {
            let (proxy, wire) = (self.clone(), Arc::clone(&wire));
            thread::spawn(move || proxy.carry(&wire, from_client));
        }
    }

    fn carry(&self, wire: &Wire, from_client: bool) {
        let (mut from, mut to) = if from_client { (&wire.client, &wire.server) } else { (&wire.server, &wire.client) };
        let mut buffer = [0; 1024];
        loop {
            let count = from.read(&mut buffer).unwrap_or(0);
            if count == 0 {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            drop(self.frozen.1.wait_while(self.frozen.0.lock().unwrap(), |is_frozen| *is_frozen).unwrap());
            // Both directions draw on one budget; what is left of it passes.
            let (passes, is_cut) = {
                let mut budget = wire.budget.lock().unwrap();
                match &mut *budget {
                    Some(left) if *left <= count as u64 => (std::mem::take(left), true),
                    Some(left) => {
                        *left -= count as u64;
                        (count as u64, false)
                    }
                    None => (count as u64, false),
                }
            };
            let passes = usize::try_from(passes).expect("it is at most the buffer");
            if !from_client {
                // Before it passes: what is said to it does not.
                self.freeze_if_said(&buffer[..passes]);
            }
            let failed = to.write_all(&buffer[..passes]).is_err();
            if is_cut {
                let mut shared = self.shared.lock().unwrap();
                // The other direction may have spent the budget at the same time.
                if wire.budget.lock().unwrap().take().is_some() {
                    shared.cuts_left = shared.cuts_left.saturating_sub(1);
                }
                let is_reset = shared.draw().is_multiple_of(2);
                drop(shared);
                wire.cut(is_reset);
            }
            if is_cut || failed {
                return;
            }
        }
    }
}

impl Wire {
    /// Ends both sides; with a reset, what is on its way is lost as well.
    fn cut(&self, is_reset: bool) {
        for stream in [&self.client, &self.server] {
            if is_reset {
                let _ = SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
            }
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
}
