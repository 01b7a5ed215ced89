//! How many lines of one kind there may be. Whoever makes the server log something can do it as often as he likes, so
//! the rest is counted, and told in one line.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Level, Metadata};

use super::event::{Content, ORIGIN, Value};

/// The time in which lines are counted, and after which the rest is told.
pub(super) const WINDOW: Duration = Duration::from_secs(1);

/// Kinds of lines of an origin whose rates are known at a time, at the most. Beyond it, only the rate of the kind
/// counts.
const ORIGINS_MAX: usize = 4096;

/// Lines in a second. 0 bounds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RateLimits {
    /// Of one kind.
    pub(crate) kind: u32,
    /// Of one kind, about one origin.
    pub(crate) origin: u32,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self { kind: 100, origin: 10 }
    }
}

/// The rates of all kinds of lines. Those for debugging have none.
#[derive(Debug)]
pub(super) struct Rates(Mutex<State>);

#[derive(Debug)]
struct State {
    limits: RateLimits,
    kinds: HashMap<Identifier, Window>,
    origins: HashMap<(Identifier, String), Window>,
}

#[derive(Debug)]
struct Window {
    since: Instant,
    lines: u32,
    /// Not told yet.
    left_out: u64,
    metadata: &'static Metadata<'static>,
    /// What the last of them said.
    message: String,
}

/// What was left out, as an event.
#[derive(Debug)]
pub(super) struct Rest {
    pub(super) metadata: &'static Metadata<'static>,
    pub(super) content: Content,
}

impl Rates {
    pub(super) fn new(limits: RateLimits) -> Self {
        Self(Mutex::new(State { limits, kinds: HashMap::new(), origins: HashMap::new() }))
    }

    pub(super) fn set_limits(&self, limits: RateLimits) {
        self.state().limits = limits;
    }

    /// Whether an event may be a line of its own.
    pub(super) fn admits(&self, now: Instant, metadata: &'static Metadata<'static>, content: &Content) -> bool {
        if *metadata.level() > Level::INFO {
            return true;
        }
        let origin = content.origin();
        let mut state = self.state();
        let State { limits, kinds, origins } = &mut *state;
        let kind = metadata.callsite();
        let window = || Window { since: now, lines: 0, left_out: 0, metadata, message: String::new() };
        let mut of_origin = match origin.map(|origin| (kind.clone(), origin)) {
            Some(key) if origins.len() < ORIGINS_MAX || origins.contains_key(&key) => {
                Some(origins.entry(key).or_insert_with(window))
            }
            _ => None,
        };
        if let Some(of_origin) = &mut of_origin
            && !of_origin.has_room(now, limits.origin)
        {
            of_origin.leave_out(content);
            return false;
        }
        let of_kind = kinds.entry(kind).or_insert_with(window);
        if !of_kind.has_room(now, limits.kind) {
            of_kind.leave_out(content);
            return false;
        }
        of_kind.lines += 1;
        if let Some(of_origin) = of_origin {
            of_origin.lines += 1;
        }
        true
    }

    /// What was left out since this was last asked. What has been quiet for long is forgotten.
    pub(super) fn take_rests(&self, now: Instant) -> Vec<Rest> {
        let mut state = self.state();
        let mut rests = Vec::new();
        let State { kinds, origins, .. } = &mut *state;
        kinds.retain(|_, window| {
            rests.extend(window.take_rest(None));
            !window.is_over(now)
        });
        origins.retain(|(_, origin), window| {
            rests.extend(window.take_rest(Some(origin)));
            !window.is_over(now)
        });
        rests
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has left it whole.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Window {
    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= WINDOW
    }

    fn has_room(&mut self, now: Instant, lines_max: u32) -> bool {
        if self.is_over(now) {
            (self.since, self.lines) = (now, 0);
        }
        lines_max == 0 || self.lines < lines_max
    }

    fn leave_out(&mut self, content: &Content) {
        self.left_out += 1;
        self.message.clone_from(&content.message);
    }

    fn take_rest(&mut self, origin: Option<&str>) -> Option<Rest> {
        let left_out = std::mem::take(&mut self.left_out);
        if left_out == 0 {
            return None;
        }
        let fields = origin.map(|origin| (ORIGIN, Value::Text(origin.into()))).into_iter().collect();
        let message = format!("{}: and {left_out} more", self.message);
        Some(Rest { metadata: self.metadata, content: Content { message, fields } })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kinds of events, as `tracing` makes them.
    macro_rules! kind {
        ($level:expr, $name:literal) => {{
            use tracing::callsite::Callsite;
            static CALLSITE: tracing::callsite::DefaultCallsite = {
                static META: Metadata<'static> = tracing::metadata! {
                    name: $name,
                    target: "here",
                    level: $level,
                    fields: &[],
                    callsite: &CALLSITE,
                    kind: tracing::metadata::Kind::EVENT,
                };
                tracing::callsite::DefaultCallsite::new(&META)
            };
            CALLSITE.metadata()
        }};
    }

    fn about(peer: &str) -> Content {
        Content { message: "joined".into(), fields: vec![("peer", Value::Text(peer.into()))] }
    }

    fn told(rates: &Rates, now: Instant) -> Vec<String> {
        let rests = rates.take_rests(now).into_iter();
        let told = rests.map(|Rest { content, .. }| match &content.fields[..] {
            [(_, Value::Text(origin))] => format!("{} {origin}", content.message),
            _ => content.message,
        });
        let mut told: Vec<_> = told.collect();
        told.sort();
        told
    }

    #[test]
    fn an_origin_has_its_lines_and_the_rest_is_told_as_one() {
        let kind = kind!(Level::INFO, "joined");
        let rates = Rates::new(RateLimits { kind: 100, origin: 3 });
        let mut now = Instant::now();
        let admitted = |now, peer: &str| (0..10).filter(|_| rates.admits(now, kind, &about(peer))).count();
        assert_eq!(admitted(now, "192.0.2.1:1"), 3);
        assert_eq!(admitted(now, "192.0.2.1:2"), 0, "another port is the same origin");
        assert_eq!(admitted(now, "192.0.2.2:1"), 3, "another origin has its own");
        assert_eq!(told(&rates, now), ["joined: and 17 more 192.0.2.1", "joined: and 7 more 192.0.2.2"]);
        assert_eq!(admitted(now, "192.0.2.1:1"), 0, "the second is not over");
        now += WINDOW;
        assert_eq!(admitted(now, "192.0.2.1:1"), 3);
        assert_eq!(told(&rates, now), ["joined: and 17 more 192.0.2.1"]);
        now += WINDOW;
        assert_eq!(told(&rates, now), [""; 0]);
        assert!(rates.state().origins.is_empty() && rates.state().kinds.is_empty(), "nothing is kept of the quiet");
    }

    #[test]
    fn who_has_many_networks_of_ipv6_is_one_origin_by_whatever_name() {
        let kind = kind!(Level::INFO, "joined");
        let rates = Rates::new(RateLimits { kind: 100, origin: 3 });
        let now = Instant::now();
        let of_peers = (0..10_000).map(|i| about(&format!("[2001:db8:1:{i:x}::1]:1")));
        let origin = |i: u32| format!("2001:db8:1:{i:x}::/64");
        let of_origins =
            (0..10).map(|i| Content { message: "joined".into(), fields: vec![("origin", Value::Text(origin(i)))] });
        assert_eq!(of_peers.chain(of_origins).filter(|content| rates.admits(now, kind, content)).count(), 3);
        assert_eq!(rates.state().origins.len(), 1);
        assert!(rates.admits(now, kind, &about("[2001:db8:2::1]:1")), "another site has its own");
        assert_eq!(told(&rates, now), ["joined: and 10007 more 2001:db8:1::/48"]);
    }

    #[test]
    fn a_kind_has_its_lines_whoever_makes_them_and_other_kinds_have_theirs() {
        let (joined, left) = (kind!(Level::INFO, "joined"), kind!(Level::WARN, "left"));
        let rates = Rates::new(RateLimits { kind: 20, origin: 3 });
        let now = Instant::now();
        let peer = |i: usize| about(&format!("192.0.2.{i}:1"));
        assert_eq!((0..100).filter(|i| rates.admits(now, joined, &peer(*i))).count(), 20);
        let nobody = Content { message: "left".into(), fields: Vec::new() };
        assert_eq!((0..100).filter(|_| rates.admits(now, left, &nobody)).count(), 20);
        assert_eq!(told(&rates, now), ["joined: and 80 more", "left: and 80 more"]);
    }

    #[test]
    fn lines_for_debugging_are_not_counted_and_a_limit_of_0_is_none() {
        let (debug, info) = (kind!(Level::DEBUG, "debug"), kind!(Level::INFO, "info"));
        let rates = Rates::new(RateLimits { kind: 1, origin: 1 });
        let now = Instant::now();
        assert_eq!((0..100).filter(|_| rates.admits(now, debug, &about("192.0.2.1:1"))).count(), 100);
        rates.set_limits(RateLimits { kind: 0, origin: 0 });
        assert_eq!((0..100).filter(|_| rates.admits(now, info, &about("192.0.2.1:1"))).count(), 100);
    }

    #[test]
    fn very_many_origins_take_no_more_memory() {
        let kind = kind!(Level::INFO, "joined");
        let rates = Rates::new(RateLimits { kind: 0, origin: 1 });
        let now = Instant::now();
        for i in 0..2 * ORIGINS_MAX {
            rates.admits(now, kind, &about(&format!("[2001:{:x}:db8::1]:1", i + 1)));
        }
        assert_eq!(rates.state().origins.len(), ORIGINS_MAX);
        now.checked_add(WINDOW).map(|later| rates.take_rests(later));
        assert_eq!(rates.state().origins.len(), 0);
    }
}
