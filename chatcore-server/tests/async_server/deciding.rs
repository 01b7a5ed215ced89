//! Who gets a name is decided later, and elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chatcore_server::chatcore::wire::{
    self, ClientMessage, HubMessage, Message, PREFACE_BYTES, Preface, Resume, Token,
};
use chatcore_server::chatcore::{
    Admission, Closed, Event, GoodbyeCode, Limits, QuotaKey, Refusal, RefusalCode, Registration,
};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks, Origin};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{mpsc, oneshot};

use super::user::User;
use super::{connect, connect_from, on_virtual_time};

/// What a test sees of the decisions.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    /// It is asked about this name.
    Asked(String),
    /// The decision about it was dropped.
    Dropped(String),
}

type Decision = oneshot::Receiver<Result<(), Refusal>>;

/// Names whose decision a test makes. All others are admitted.
#[derive(Clone)]
struct Waiting {
    decisions: Arc<Mutex<HashMap<String, Decision>>>,
    seen: mpsc::UnboundedSender<Seen>,
}

struct Told {
    name: String,
    seen: mpsc::UnboundedSender<Seen>,
    is_over: bool,
}

impl Drop for Told {
    fn drop(&mut self) {
        if !self.is_over {
            let _ = self.seen.send(Seen::Dropped(self.name.clone()));
        }
    }
}

impl Waiting {
    fn new() -> (Self, mpsc::UnboundedReceiver<Seen>) {
        let (seen, told) = mpsc::unbounded_channel();
        (Self { decisions: Arc::default(), seen }, told)
    }

    /// Lets a name wait for its decision.
    fn hold(&self, name: &str) -> oneshot::Sender<Result<(), Refusal>> {
        let (decide, decision) = oneshot::channel();
        self.decisions.lock().unwrap().insert(name.into(), decision);
        decide
    }
}

impl Hooks for Waiting {
    async fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
        let name = registration.name().as_str().to_owned();
        assert_ne!(name, "panic", "a hook may panic");
        let decision = self.decisions.lock().unwrap().remove(&name);
        let Some(decision) = decision else { return Ok(Admission::NewUser) };
        let mut told = Told { name: name.clone(), seen: self.seen.clone(), is_over: false };
        let _ = self.seen.send(Seen::Asked(name));
        let decision = decision.await.expect("the test decides");
        told.is_over = true;
        decision.map(|()| Admission::NewUser)
    }
}

fn start(config: AsyncConfig) -> (AsyncServer<Waiting>, Waiting, mpsc::UnboundedReceiver<Seen>) {
    let (hooks, seen) = Waiting::new();
    (AsyncServer::start(config, hooks.clone()).expect("it can start"), hooks, seen)
}

fn asked(name: &str) -> Seen {
    Seen::Asked(name.into())
}

fn dropped(name: &str) -> Seen {
    Seen::Dropped(name.into())
}

/// What is seen next.
async fn next(seen: &mut mpsc::UnboundedReceiver<Seen>) -> Seen {
    seen.recv().await.expect("the hooks are there")
}

#[test]
fn a_decision_may_come_late_and_nobody_else_waits_for_it() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default());
        let decide = hooks.hold("slow");
        let mut slow = User::connect(|| connect(&server));
        slow.ask("slow", b"");
        let (event, ()) = tokio::join!(slow.event(), async {
            assert_eq!(next(&mut seen).await, asked("slow"));
            User::registered(|| connect(&server), "quick").await.tell_oneself("quick").await;
            decide.send(Err(Refusal::Denied)).expect("it waits");
        });
        assert!(matches!(event, Event::Refused { code: RefusalCode::Denied, .. }), "{event:?}");
        let event = slow.register("another", b"").await;
        assert!(matches!(event, Event::Registered { .. }), "it may try another name: {event:?}");
        slow.tell_oneself("another").await;
    });
}

#[test]
fn what_a_client_says_before_the_decision_is_taken_after_it() {
    on_virtual_time(async || {
        use chatcore_server::chatcore::wire::{ClientMessage, Message, Preface, Register, Send};
        let (server, hooks, mut seen) = start(AsyncConfig::default());
        let decide = hooks.hold("alice");
        let mut bob = User::registered(|| connect(&server), "bob").await;
        let mut alice = connect(&server);
        let mut said = Preface::OURS.encode().to_vec();
        ClientMessage::Register(Register { name: "alice", credential: b"", frame_bytes_max: u32::MAX })
            .encode(&mut said);
        for number in 0..200_u32 {
            ClientMessage::Send(Send { to: "bob", body: &[&[7; 100][..], &number.to_le_bytes()].concat() })
                .encode(&mut said);
        }
        alice.write_all(&said).await.expect("the pipe takes it");
        assert_eq!(next(&mut seen).await, asked("alice"));
        decide.send(Ok(())).expect("it waits");
        for number in 0..200_u32 {
            bob.message(&[&[7; 100][..], &number.to_le_bytes()].concat()).await;
        }
    });
}

#[test]
fn a_decision_is_dropped_with_its_connection() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default());
        for name in ["gone", "gone2"] {
            let _decide = hooks.hold(name);
            let mut user = User::connect(|| connect(&server));
            user.ask(name, b"");
            tokio::select! {
                event = user.event() => panic!("{event:?}"),
                told = next(&mut seen) => assert_eq!(told, asked(name)),
            }
            let begun = tokio::time::Instant::now();
            drop(user);
            assert_eq!(next(&mut seen).await, dropped(name));
            assert!(begun.elapsed() < Duration::from_secs(1), "long before its time is over: {:?}", begun.elapsed());
        }
        assert_eq!(server.with_hub(|hub, _| hub.users()), 0);
    });
}

#[test]
fn a_decision_is_dropped_when_its_time_is_over_and_the_client_is_told() {
    on_virtual_time(async || {
        // The client itself has more patience.
        let time_max = Duration::from_secs(5);
        let limits = Limits::default().with_decision_time_max(time_max);
        let (server, hooks, mut seen) = start(AsyncConfig::default().with_limits(limits));
        let _decide = hooks.hold("never");
        let begun = tokio::time::Instant::now();
        let mut user = User::connect(|| connect(&server));
        let event = user.register("never", b"").await;
        let Event::Closed(Closed::Goodbye { code: GoodbyeCode::TimedOut, detail, .. }) = event else {
            panic!("{event:?}")
        };
        assert!(detail.contains("not decided in time"), "{detail}");
        assert!((time_max..time_max + Duration::from_secs(1)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
        assert_eq!((next(&mut seen).await, next(&mut seen).await), (asked("never"), dropped("never")));
    });
}

#[test]
fn a_decision_is_dropped_when_the_server_stops_and_the_client_is_told() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default());
        let _decide = hooks.hold("late");
        let mut user = User::connect(|| connect(&server));
        user.ask("late", b"");
        let (event, ()) = tokio::join!(user.event(), async {
            assert_eq!(next(&mut seen).await, asked("late"));
            server.shut_down(None);
            assert_eq!(next(&mut seen).await, dropped("late"));
        });
        assert!(matches!(event, Event::Closed(Closed::Goodbye { code: GoodbyeCode::ShuttingDown, .. })), "{event:?}");
        server.stopped().await;
    });
}

#[test]
fn only_so_many_are_decided_about_at_a_time_and_the_others_wait_in_a_line() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default().with_undecided_max(2));
        let names = ["a", "b", "c", "d"];
        let mut decide: Vec<_> = names.iter().map(|name| hooks.hold(name)).collect();
        let mut users = Vec::new();
        for name in names {
            let mut user = User::connect(|| connect(&server));
            user.ask(name, b"");
            // They ask one after another.
            tokio::select! {
                event = user.event() => panic!("{event:?}"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            users.push(user);
        }
        assert_eq!((next(&mut seen).await, next(&mut seen).await), (asked("a"), asked("b")));
        assert!(seen.try_recv().is_err(), "two are decided about");
        // Whoever waits in the line and goes is not asked about.
        drop(users.remove(2));
        tokio::time::sleep(Duration::from_millis(1)).await;
        decide.remove(0).send(Ok(())).expect("it waits");
        assert_eq!(next(&mut seen).await, asked("d"));
        assert!(matches!(users[0].event().await, Event::Registered { .. }));
    });
}

#[test]
fn origins_take_turns_and_of_a_shared_one_more_may_wait() {
    on_virtual_time(async || {
        let config = AsyncConfig::default().with_undecided_max(1).with_undecided_of_origin_max(1);
        let (server, hooks, mut seen) = start(config);
        let shared = Origin::from(QuotaKey(1)).shared();
        let asking = [("a", shared), ("b", shared), ("c", shared), ("d", Origin::from(QuotaKey(2)))];
        let mut decide: Vec<_> = asking.iter().map(|(name, _)| Some(hooks.hold(name))).collect();
        let (mut users, server) = (Vec::new(), &server);
        for (name, origin) in asking {
            let mut user = User::connect(move || connect_from(server, origin));
            user.ask(name, b"");
            // They ask one after another.
            tokio::select! {
                event = user.event() => panic!("{event:?}"),
                () = tokio::time::sleep(Duration::from_millis(1)) => {}
            }
            users.push(user);
        }
        for (number, name) in [(0, "a"), (1, "b"), (3, "d"), (2, "c")] {
            assert_eq!(next(&mut seen).await, asked(name));
            let decide = decide[number].take().expect("it is decided about once");
            decide.send(Ok(())).expect("it waits");
            assert!(matches!(users[number].event().await, Event::Registered { .. }));
        }
    });
}

#[test]
fn who_resumes_a_session_does_not_wait_behind_those_who_ask_for_names() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default().with_undecided_max(1));
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let _decide = hooks.hold("slow");
        let mut slow = User::connect(|| connect_from(&server, QuotaKey(2)));
        slow.ask("slow", b"");
        tokio::select! {
            event = slow.event() => panic!("{event:?}"),
            told = next(&mut seen) => assert_eq!(told, asked("slow")),
        }
        alice.tell_oneself("alice").await;
        alice.hang_up();
        let begun = tokio::time::Instant::now();
        for expected in ["Reconnecting", "Resumed"] {
            let event = format!("{:?}", alice.event().await);
            assert!(event.starts_with(expected), "{event}");
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "long before the other is over: {:?}", begun.elapsed());
        alice.tell_oneself("alice").await;
    });
}

#[test]
fn an_origin_has_only_so_many_undecided_and_the_next_is_refused_for_a_while() {
    on_virtual_time(async || {
        let (server, hooks, mut seen) = start(AsyncConfig::default().with_undecided_of_origin_max(1));
        let _decide = hooks.hold("first");
        let mut first = User::connect(|| connect_from(&server, QuotaKey(1)));
        first.ask("first", b"");
        tokio::select! {
            event = first.event() => panic!("{event:?}"),
            told = next(&mut seen) => assert_eq!(told, asked("first")),
        }
        let mut second = User::connect(|| connect_from(&server, QuotaKey(1)));
        let event = second.register("second", b"").await;
        assert!(matches!(event, Event::Refused { code: RefusalCode::RateLimited, wait: Some(_), .. }), "{event:?}");
        User::registered(|| connect_from(&server, QuotaKey(2)), "other").await.tell_oneself("other").await;
        drop(first);
        assert_eq!(next(&mut seen).await, dropped("first"));
        let event = second.register("second", b"").await;
        assert!(matches!(event, Event::Registered { .. }), "there is room again: {event:?}");
    });
}

#[test]
fn a_panic_in_a_decision_ends_the_connection_that_asked_and_no_other() {
    on_virtual_time(async || {
        let (server, _hooks, _seen) = start(AsyncConfig::default().with_undecided_of_origin_max(1));
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let mut user = User::connect(|| connect(&server));
        let event = user.register("panic", b"").await;
        assert!(matches!(event, Event::Closed(Closed::Disconnected)), "{event:?}");
        alice.tell_oneself("alice").await;
        User::registered(|| connect(&server), "bob").await.tell_oneself("bob").await;
    });
}

#[test]
fn a_resume_is_decided_about_apart_from_names() {
    struct NoResume(Mutex<u32>);
    impl Hooks for NoResume {
        async fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
            assert!(!registration.is_resumption());
            if registration.credential() == b"right" { Ok(Admission::NewUser) } else { Err(Refusal::Denied) }
        }
        async fn decide_resume(&self, registration: &Registration) -> Result<(), Refusal> {
            assert!(registration.is_resumption() && registration.credential().is_empty());
            *self.0.lock().unwrap() += 1;
            // The first comes too early.
            if *self.0.lock().unwrap() == 1 { Err(Refusal::StaleResume) } else { Ok(()) }
        }
    }
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), NoResume(Mutex::new(0))).expect("it can start");
        let mut alice = User::connect(|| connect(&server));
        assert!(matches!(alice.register("alice", b"wrong").await, Event::Refused { code: RefusalCode::Denied, .. }));
        assert!(matches!(alice.register("alice", b"right").await, Event::Registered { .. }));
        alice.tell_oneself("alice").await;
        alice.hang_up();
        let mut refused = 0;
        loop {
            match alice.event().await {
                Event::Reconnecting { .. } => refused += 1,
                Event::Resumed => break,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(refused, 2, "the break, and the refusal");
        alice.tell_oneself("alice").await;
    });
}

#[test]
fn a_resume_without_a_session_is_refused_and_nobody_is_asked() {
    struct NobodyAsked;
    impl Hooks for NobodyAsked {
        async fn decide_resume(&self, registration: &Registration) -> Result<(), Refusal> {
            unreachable!("asked about {}", registration.name())
        }
    }
    on_virtual_time(async || {
        let server = AsyncServer::start(AsyncConfig::default(), NobodyAsked).expect("it can start");
        let _alice = User::registered(|| connect(&server), "alice").await;
        for name in ["alice", "nobody"] {
            let mut forger = connect(&server);
            let token = Token::from_bytes([7; 16]);
            let resume = Resume { name, token, received: Some(0), attempt: 1, frame_bytes_max: u32::MAX };
            let mut said = Preface::OURS.encode().to_vec();
            ClientMessage::Resume(resume).encode(&mut said);
            forger.write_all(&said).await.expect("there is room");
            forger.shutdown().await.expect("a pipe has two sides");
            let mut told = Vec::new();
            forger.read_to_end(&mut told).await.expect("the server closes");
            let content = wire::take(&mut &told[PREFACE_BYTES..], u32::MAX).expect("it is well-formed");
            let answer = HubMessage::decode(content.expect("it is whole")).expect("it is right");
            let Some(HubMessage::Refused(refused)) = answer else { panic!("{answer:?}") };
            assert_eq!(refused.code, RefusalCode::SessionOver, "{name}");
        }
    });
}
