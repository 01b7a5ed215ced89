//! A hub of the core behind streams in memory, which can be cut at any byte.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::IoSlice;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use chatcore_client::Dial;
use chatcore_client::chatcore::{Action, Hub, HubConnection, Instant, Limits, Next, QuotaKey, Rate};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream, ReadBuf, duplex};
use tokio::task::yield_now;
use tokio::time::{Instant as TokioInstant, Sleep, sleep_until};

use super::Draw;

/// What a stream holds on its way: little, so that frames come and go in pieces.
const PIPE_BYTES: usize = 300;

/// Bytes between two cuts, at the most.
const CUT_BYTES_MAX: u64 = 1_500;

/// A hub on the same thread as its clients. Cloning gives another handle on it.
#[derive(Clone)]
pub(crate) struct MemoryHub {
    shared: Rc<RefCell<Shared>>,
    cuts: Rc<Cell<u32>>,
}

struct Shared {
    hub: Hub,
    epoch: TokioInstant,
    conns: Vec<Conn>,
    /// Of the task in which the hub is served.
    waker: Option<Waker>,
    draw: Draw,
    /// How many connections are still to be cut.
    cuts_left: u32,
}

struct Conn {
    core: HubConnection,
    stream: DuplexStream,
    wants_input: bool,
    goes_on: bool,
    /// Bytes in both directions until it is cut; none if it is not.
    budget: Option<u64>,
}

impl MemoryHub {
    /// A hub whose cuts depend on the seed.
    pub(crate) fn start(seed: u64) -> Self {
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let shared = Shared {
            hub: Hub::new(limits, [7; 32]),
            epoch: TokioInstant::now(),
            conns: Vec::new(),
            waker: None,
            draw: Draw(seed),
            cuts_left: 0,
        };
        Self { shared: Rc::new(RefCell::new(shared)), cuts: Rc::default() }
    }

    /// From now on connections are cut, until there were this many cuts.
    pub(crate) fn cut(&self, cuts: u32) {
        let mut shared = self.shared.borrow_mut();
        let Shared { conns, draw, cuts_left, .. } = &mut *shared;
        *cuts_left = cuts;
        for conn in conns {
            conn.budget = new_budget(cuts_left, draw);
        }
    }

    /// How many connections it has cut.
    pub(crate) fn cuts(&self) -> u32 {
        self.cuts.get()
    }

    /// Makes connections to it, which takes some time.
    pub(crate) fn dialer(&self) -> impl Dial + use<> {
        let shared = Rc::clone(&self.shared);
        move |_: Option<String>| {
            let shared = Rc::clone(&shared);
            async move {
                let turns = shared.borrow_mut().draw.below(4);
                for _ in 0..turns {
                    yield_now().await;
                }
                Ok(shared.borrow_mut().connect())
            }
        }
    }

    /// Serves its clients as long as the program waits for something.
    pub(crate) async fn while_serving<T>(&self, program: impl Future<Output = T>) -> T {
        let mut timer: Option<Pin<Box<Sleep>>> = None;
        let serve = poll_fn(|cx| {
            let mut shared = self.shared.borrow_mut();
            while shared.serve(cx, &self.cuts) {}
            shared.waker = Some(cx.waker().clone());
            if let Some(due) = shared.due() {
                timer = Some(Box::pin(sleep_until(shared.epoch + due.as_duration())));
                if timer.as_mut().is_some_and(|timer| timer.as_mut().poll(cx).is_ready()) {
                    cx.waker().wake_by_ref();
                }
            }
            Poll::<()>::Pending
        });
        tokio::select! {
            biased;
            () = serve => unreachable!("it serves without end"),
            done = program => done,
        }
    }
}

impl Shared {
    fn now(&self) -> Instant {
        Instant::from_duration(self.epoch.elapsed())
    }

    fn connect(&mut self) -> DuplexStream {
        let (stream, theirs) = duplex(PIPE_BYTES);
        let core = HubConnection::new(self.now(), &mut self.hub, QuotaKey::default());
        let budget = new_budget(&mut self.cuts_left, &mut self.draw);
        self.conns.push(Conn { core, stream, wants_input: true, goes_on: false, budget });
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
        theirs
    }

    /// One turn. True if there may be more to do at once.
    fn serve(&mut self, cx: &mut Context<'_>, cuts: &Cell<u32>) -> bool {
        let now = self.now();
        let Self { hub, conns, draw, .. } = self;
        let mut has_changed = false;
        for conn in conns.iter_mut() {
            has_changed |= conn.read(cx, now, hub);
        }
        if hub.poll_timeout().is_some_and(|due| due <= now) {
            hub.handle_timeout(now);
            has_changed = true;
        }
        while let Some(action) = hub.poll_action() {
            if let Action::Close { conn: id, .. } = action
                && let Some(conn) = conns.iter_mut().find(|conn| conn.core.conn() == Some(id))
            {
                conn.core.close();
            }
        }
        for conn in conns.iter_mut() {
            has_changed |= conn.write(cx, now, hub, draw);
            if conn.budget == Some(0) {
                conn.core.disconnect(now, hub);
                cuts.set(cuts.get() + 1);
                has_changed = true;
            }
        }
        conns.retain(|conn| !conn.core.is_closed());
        has_changed
    }

    fn due(&self) -> Option<Instant> {
        let conns = self.conns.iter().filter_map(|conn| conn.core.poll_timeout());
        conns.chain(self.hub.poll_timeout()).min()
    }
}

/// When a connection is to be cut.
fn new_budget(cuts_left: &mut u32, draw: &mut Draw) -> Option<u64> {
    let is_cut = *cuts_left > 0;
    *cuts_left -= u32::from(is_cut);
    is_cut.then(|| 1 + draw.below(CUT_BYTES_MAX))
}

impl Conn {
    fn follow(&mut self, now: Instant, hub: &mut Hub, mut next: Next) {
        while let Next::Decide(registration) = next {
            next = self.core.admit(now, hub, *registration);
        }
        (self.wants_input, self.goes_on) = (matches!(next, Next::Read), matches!(next, Next::GoOn));
    }

    fn read(&mut self, cx: &mut Context<'_>, now: Instant, hub: &mut Hub) -> bool {
        if self.core.poll_timeout().is_some_and(|due| due <= now) {
            let next = self.core.handle_timeout(now, hub);
            self.follow(now, hub, next);
        }
        if self.goes_on {
            let next = self.core.go_on(now, hub);
            self.follow(now, hub, next);
            return true;
        }
        if !self.wants_input {
            return false;
        }
        let mut buffer = [0; PIPE_BYTES];
        let bytes_max =
            self.budget.map_or(PIPE_BYTES, |left| PIPE_BYTES.min(usize::try_from(left).expect("it is small")));
        let mut buffer = ReadBuf::new(&mut buffer[..bytes_max]);
        match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
            Poll::Pending => return false,
            Poll::Ready(read) => read.expect("a pipe does not fail"),
        }
        if buffer.filled().is_empty() {
            self.core.disconnect(now, hub);
        } else {
            self.spend(buffer.filled().len());
            let next = self.core.receive(now, hub, buffer.filled());
            self.follow(now, hub, next);
        }
        true
    }

    fn write(&mut self, cx: &mut Context<'_>, now: Instant, hub: &mut Hub, draw: &mut Draw) -> bool {
        let mut bytes = self.core.transmit(hub).concat();
        let all = bytes.len();
        bytes.truncate(self.budget.map_or(all, |left| usize::try_from(left).expect("it is small").min(all)));
        if bytes.is_empty() {
            return false;
        }
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, &[IoSlice::new(&bytes)]);
        let count = match written {
            Poll::Pending => return false,
            Poll::Ready(Ok(count)) => count,
            Poll::Ready(Err(_)) => {
                self.core.disconnect(now, hub);
                return true;
            }
        };
        self.spend(count);
        // Sometimes the transport has taken more than it brings to the other end before it breaks.
        let is_lost = self.budget == Some(0) && draw.below(2) == 0;
        self.core.transmitted(now, hub, if is_lost { all } else { count });
        true
    }

    fn spend(&mut self, count: usize) {
        self.budget = self.budget.map(|left| left.saturating_sub(count as u64));
    }
}
