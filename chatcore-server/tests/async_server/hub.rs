//! The hub, asked and commanded from outside; and what its hooks hear.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chatcore_server::chatcore::{
    Audience, CloseReason, Closed, Event, GoodbyeCode, HubEvent, Limits, RefusalCode, Registration, RejectCode,
    UserLimits, UserName,
};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{advance, sleep};

use super::user::User;
use super::{Hears, connect, on_virtual_time, opening};

fn start() -> AsyncServer {
    AsyncServer::start(AsyncConfig::default(), ()).expect("it can start")
}

#[test]
fn a_user_is_kicked_from_outside() {
    on_virtual_time(async || {
        let server = start();
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let name: UserName = "alice".parse().expect("it can be a name");
        assert!(server.with_hub(|hub, now| hub.kick(now, &name)));
        let event = alice.event().await;
        assert!(matches!(event, Event::Closed(Closed::Goodbye { code: GoodbyeCode::Kicked, .. })), "{event:?}");
        assert_eq!(server.with_hub(|hub, _| hub.users()), 0);
    });
}

#[test]
fn a_panic_of_who_asks_leaves_the_server_whole() {
    on_virtual_time(async || {
        let server = start();
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let panicked = catch_unwind(AssertUnwindSafe(|| server.with_hub(|_, _| panic!("a question may panic"))));
        assert!(panicked.is_err());
        alice.tell_oneself("alice").await;
    });
}

#[test]
fn a_hub_that_panics_ends_its_connections_and_the_server() {
    on_virtual_time(async || {
        let (events, mut heard) = mpsc::unbounded_channel();
        let server = AsyncServer::start(AsyncConfig::default(), Hears(events)).expect("it can start");
        let mut stranger = connect(&server);
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let Some(HubEvent::SessionStarted { conn, .. }) = heard.recv().await else { panic!("a session began") };
        // The connection is to be written to. Before that happens, somebody takes it away from its future.
        server.with_hub(|hub, now| hub.kick(now, &"alice".parse().expect("it can be a name")));
        server.with_hub(|hub, now| hub.disconnect(now, conn)).expect("it is there");
        let event = alice.event().await;
        assert!(matches!(event, Event::Reconnecting { .. } | Event::Closed(_)), "{event:?}");
        let begun = tokio::time::Instant::now();
        server.stopped().await;
        assert_eq!(stranger.read_to_end(&mut Vec::new()).await.expect("it is closed"), 0);
        assert!(begun.elapsed() < Duration::from_secs(1), "at once: {:?}", begun.elapsed());
        assert!(catch_unwind(AssertUnwindSafe(|| server.with_hub(|hub, _| hub.users()))).is_err());
    });
}

#[test]
fn events_are_heard_in_order_and_a_panic_there_is_passed_over() {
    struct Counts(AtomicU32);
    impl Hooks for Counts {
        fn event(&self, event: &HubEvent) {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            match (count, event) {
                (0 | 2, HubEvent::SessionStarted { .. }) | (1 | 3, HubEvent::SessionEnded { .. }) => {}
                _ => panic!("{count}: {event:?}"),
            }
            assert_ne!(count, 0, "a hook may panic");
        }
    }
    on_virtual_time(async || {
        let counts = Arc::new(Counts(AtomicU32::new(0)));
        let server = AsyncServer::start(AsyncConfig::default(), Arc::clone(&counts)).expect("it can start");
        for _ in 0..2 {
            let mut alice = User::registered(|| connect(&server), "alice").await;
            server.with_hub(|hub, now| hub.kick(now, &"alice".parse().expect("it can be a name")));
            assert!(matches!(alice.event().await, Event::Closed(_)));
        }
        sleep(Duration::from_millis(10)).await;
        assert_eq!(counts.0.load(Ordering::Relaxed), 4, "all are heard, after the panic too");
    });
}

#[test]
fn hooks_give_users_limits_of_their_own_and_hear_who_joins_which_room() {
    struct Rules(mpsc::UnboundedSender<HubEvent>);
    impl Hooks for Rules {
        fn limits(&self, registration: &Registration) -> Option<UserLimits> {
            let rooms_max = |rooms| Some(UserLimits::default().with_rooms_of_user_max(rooms));
            match registration.name().as_str() {
                "bot" => rooms_max(1_000),
                "guest" => rooms_max(1),
                "broken" => Some(UserLimits::default().with_sessions_of_user_max(0)),
                _ => None,
            }
        }

        fn wants_room_events(&self) -> bool {
            true
        }

        fn event(&self, event: &HubEvent) {
            if let HubEvent::RoomJoined { .. } | HubEvent::RoomLeft { .. } = event {
                let _ = self.0.send(event.clone());
            }
        }
    }
    on_virtual_time(async || {
        let (events, mut heard) = mpsc::unbounded_channel();
        let server = AsyncServer::start(AsyncConfig::default(), Arc::new(Rules(events))).expect("it can start");
        let rooms_max = Limits::default().rooms_of_user_max;
        for (name, expected) in [("bot", 1_000), ("alice", rooms_max), ("guest", 1)] {
            let mut user = User::connect(|| connect(&server));
            let event = user.register(name, b"").await;
            let Event::Registered { limits, .. } = event else { panic!("{event:?}") };
            assert_eq!(limits.rooms_max, expected, "{name}");
            user.join("#lobby").await;
            let joined = heard.recv().await;
            assert!(
                matches!(&joined, Some(HubEvent::RoomJoined { room, name: who, .. })
                    if room.as_str() == "#lobby" && who.as_str() == name),
                "{joined:?}"
            );
            user.ask_to_join("#kitchen");
            let event = user.event().await;
            let is_rejected = matches!(event, Event::Rejected { code: RejectCode::TooManyRooms, .. });
            assert_eq!(is_rejected, name == "guest", "{event:?}");
            server.with_hub(|hub, now| hub.kick(now, &name.parse().expect("it can be a name")));
            let in_rooms = if is_rejected { 1 } else { 2 };
            for _ in 0..in_rooms {
                while !matches!(heard.recv().await.expect("it goes on"), HubEvent::RoomLeft { .. }) {}
            }
        }
        // Limits that cannot be are the program's fault: nobody gets others instead.
        let mut broken = User::connect(|| connect(&server));
        let event = broken.register("broken", b"").await;
        assert!(matches!(event, Event::Refused { code: RefusalCode::Denied, .. }), "{event:?}");
        let event = broken.register("alice", b"").await;
        assert!(matches!(event, Event::Registered { .. }), "it may try another name: {event:?}");
    });
}

#[test]
fn what_is_said_to_all_goes_out_without_any_input() {
    on_virtual_time(async || {
        let server = start();
        let mut alice = User::registered(|| connect(&server), "alice").await;
        let mut bob = User::registered(|| connect(&server), "bob").await;
        let operator: UserName = "operator".parse().expect("it can be a name");
        server.with_hub(|hub, now| hub.say(now, &operator, Audience::All, b"closing at nine")).expect("it may");
        alice.message(b"closing at nine").await;
        bob.message(b"closing at nine").await;
    });
}

#[test]
fn a_session_whose_user_does_not_come_back_ends_by_itself() {
    on_virtual_time(async || {
        let server = start();
        let alice = User::registered(|| connect(&server), "alice").await;
        let mut bob = User::registered(|| connect(&server), "bob").await;
        bob.tell_oneself("bob").await;
        let mut alice = alice;
        alice.tell_oneself("alice").await;
        drop(alice);
        sleep(Duration::from_millis(10)).await;
        assert_eq!(server.with_hub(|hub, _| (hub.users(), hub.connections())), (2, 1));
        sleep(Limits::default().resume_time_max).await;
        assert_eq!(server.with_hub(|hub, _| hub.users()), 1, "the hub's task has looked, without any input");
    });
}

#[test]
fn who_has_spoken_while_the_server_slept_is_not_timed_out() {
    on_virtual_time(async || {
        let (events, mut heard) = mpsc::unbounded_channel();
        let server = AsyncServer::start(AsyncConfig::default(), Hears(events)).expect("it can start");
        let mut alice = connect(&server);
        alice.write_all(&opening("alice", 0)).await.expect("the pipe takes it");
        assert!(matches!(heard.recv().await, Some(HubEvent::SessionStarted { .. })));
        let before = alice.read(&mut [0; 1024]).await.expect("there is a welcome");
        assert!(before > 0);
        // The machine sleeps. When it wakes, the hub's time is over, and then the message is there.
        let away = Limits::default().idle_time_max * 2;
        let bytes = opening("alice", 1).split_off(opening("alice", 0).len());
        let speaking = tokio::spawn(async move {
            sleep(away).await;
            // The network needs a moment longer than the server to wake.
            for _ in 0..3 {
                tokio::task::yield_now().await;
            }
            alice.write_all(&bytes).await.expect("the pipe takes it");
            alice
        });
        tokio::task::yield_now().await;
        advance(away).await;
        let _alice = speaking.await.expect("it does not panic");
        sleep(Duration::from_secs(1)).await;
        assert!(heard.try_recv().is_err(), "it is not detached");
        // Who is silent is.
        advance(Limits::default().idle_time_max * 2).await;
        let event = heard.recv().await;
        assert!(
            matches!(
                event,
                Some(HubEvent::Detached { reason: CloseReason::TimedOut, .. } | HubEvent::SessionEnded { .. })
            ),
            "{event:?}"
        );
    });
}
