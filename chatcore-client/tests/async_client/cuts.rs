//! Connections that break anywhere, and programs that drop futures at any time.

use std::collections::BTreeMap;
use std::future::ready;

use chatcore_client::chatcore::Backoff;
use chatcore_client::{AsyncClient, ClientConfig, Dial, Event};
use tokio::task::yield_now;
use tokio::time::{Duration, sleep};

use super::memory_hub::MemoryHub;
use super::{Draw, next, on_virtual_time};

/// A client that soon tries again.
fn config() -> ClientConfig {
    let reconnect = Backoff::default().with_first(Duration::from_millis(2)).with_max(Duration::from_millis(50));
    ClientConfig::default().with_reconnect(Some(reconnect))
}

/// The next event, for a program that drops the future of `next` at any time, and calls the others in between.
async fn interrupted_next<D: Dial>(client: &mut AsyncClient<D>, draw: &mut Draw) -> Event {
    loop {
        match draw.below(6) {
            0 => return next(client).await,
            1 => tokio::select! { biased; event = client.next() => return event.unwrap(), () = ready(()) => {} },
            2 => tokio::select! { biased; event = client.next() => return event.unwrap(), () = yield_now() => {} },
            3 => {
                let time = Duration::from_micros(draw.below(20_000));
                tokio::select! { event = client.next() => return event.unwrap(), () = sleep(time) => {} }
            }
            4 => tokio::select! { biased; done = client.flush() => done.unwrap(), () = yield_now() => {} },
            _ => tokio::select! { biased; done = client.ready() => done.unwrap(), () = ready(()) => {} },
        }
    }
}

async fn registered<D: Dial>(dial: D, name: &str) -> AsyncClient<D> {
    let mut client = AsyncClient::connect(dial, config()).await.unwrap();
    client.register(name, b"").unwrap();
    assert!(matches!(next(&mut client).await, Event::Registered { .. }));
    client
}

/// Alice sends to Bob and to a room of both, while both lose their connections all the time.
async fn every_message_comes_once(seed: u64) {
    const COUNT: u64 = 1_500;
    const CUTS: u32 = 120;
    let hub = MemoryHub::start(seed);
    let program = async {
        let mut alice = registered(hub.dialer(), "alice").await;
        let mut bob = registered(hub.dialer(), "bob").await;
        for client in [&mut alice, &mut bob] {
            client.join("#room").unwrap();
            while !matches!(next(client).await, Event::Done { number: 1, .. }) {}
        }
        hub.cut(CUTS);
        let sending = async {
            let mut draw = Draw(!seed);
            let (mut sent, mut accepted, mut resumed) = (0, BTreeMap::new(), 0);
            while (accepted.len() as u64) < COUNT {
                while sent < COUNT && sent < accepted.len() as u64 + 1 + draw.below(30) {
                    let body = format!("{sent}{}", "-".repeat(usize::try_from(draw.below(60)).unwrap()));
                    let to = if sent.is_multiple_of(3) { "#room" } else { "bob" };
                    assert_eq!(alice.send(to, body.as_bytes()), Ok(sent + 2));
                    sent += 1;
                }
                match interrupted_next(&mut alice, &mut draw).await {
                    Event::Accepted { number, id, .. } => assert_eq!(accepted.insert(number, id), None, "once"),
                    Event::Reconnecting { .. } | Event::Joined { .. } => {}
                    Event::Resumed => resumed += 1,
                    other => panic!("{other:?}"),
                }
            }
            alice.flush().await.unwrap();
            assert!(alice.client().is_drained());
            (accepted.into_values().collect::<Vec<_>>(), resumed)
        };
        let receiving = async {
            let mut draw = Draw(seed);
            let (mut received, mut resumed) = (Vec::new(), 0);
            while (received.len() as u64) < COUNT {
                match interrupted_next(&mut bob, &mut draw).await {
                    Event::Message { id, body, room, .. } => {
                        let body = String::from_utf8(body).unwrap();
                        assert_eq!(body.trim_end_matches('-').parse(), Ok(received.len()), "in order");
                        assert_eq!(room.is_some(), received.len().is_multiple_of(3));
                        received.push(id);
                    }
                    Event::Reconnecting { .. } => {}
                    Event::Resumed => resumed += 1,
                    other => panic!("{other:?}"),
                }
            }
            (received, resumed)
        };
        let ((accepted, alice_resumed), (received, bob_resumed)) = tokio::join!(sending, receiving);
        assert_eq!(accepted, received, "both know the same ids");
        assert!(alice_resumed > 20 && bob_resumed > 20, "{alice_resumed} {bob_resumed}");
    };
    hub.while_serving(program).await;
    assert_eq!(hub.cuts(), CUTS);
}

#[test]
fn every_message_comes_once_and_in_order_whatever_breaks_and_whichever_future_is_dropped() {
    on_virtual_time(async || {
        for seed in 0..8 {
            every_message_comes_once(seed).await;
        }
    });
}

/// Registers bob, who acknowledges at once, and sends him five messages.
async fn bob_with_five_messages(hub: &MemoryHub) -> AsyncClient<impl Dial + use<>> {
    let mut bob = AsyncClient::connect(hub.dialer(), config().with_ack_frames(1)).await.unwrap();
    bob.register("bob", b"").unwrap();
    assert!(matches!(next(&mut bob).await, Event::Registered { .. }));
    let mut alice = registered(hub.dialer(), "alice").await;
    for number in 1..=5 {
        assert_eq!(alice.send("bob", &[number]), Ok(number.into()));
    }
    alice.flush().await.unwrap();
    bob
}

async fn body<D: Dial>(client: &mut AsyncClient<D>) -> u8 {
    match next(client).await {
        Event::Message { body, .. } => body[0],
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_program_that_dies_gets_again_what_it_had_not_taken() {
    on_virtual_time(async || {
        let hub = MemoryHub::start(7);
        let program = async {
            let mut bob = bob_with_five_messages(&hub).await;
            for expected in 1..=3 {
                assert_eq!(body(&mut bob).await, expected);
            }
            // All five have come by now. The third may not be acknowledged: no later call has shown that the program is
            // done with it.
            let ticket = bob.client().ticket().unwrap().clone();
            bob.detach();
            let mut bob = AsyncClient::resume(hub.dialer(), config(), ticket, b"").await.unwrap();
            assert_eq!(next(&mut bob).await, Event::Resumed);
            for expected in 3..=5 {
                assert_eq!(body(&mut bob).await, expected);
            }
        };
        hub.while_serving(program).await;
    });
}

#[test]
fn what_a_later_call_has_acknowledged_does_not_come_again() {
    on_virtual_time(async || {
        let hub = MemoryHub::start(7);
        let program = async {
            let mut bob = bob_with_five_messages(&hub).await;
            for expected in 1..=5 {
                assert_eq!(body(&mut bob).await, expected);
            }
            bob.flush().await.unwrap();
            let ticket = bob.client().ticket().unwrap().clone();
            bob.detach();
            let mut bob = AsyncClient::resume(hub.dialer(), config(), ticket, b"").await.unwrap();
            assert_eq!(next(&mut bob).await, Event::Resumed);
            bob.send("bob", &[6]).unwrap();
            assert_eq!(body(&mut bob).await, 6);
        };
        hub.while_serving(program).await;
    });
}

#[test]
fn a_program_that_takes_later_says_what_it_has_taken() {
    on_virtual_time(async || {
        let hub = MemoryHub::start(7);
        let program = async {
            let config = config().with_takes_later(true).with_ack_frames(1);
            let mut bob = AsyncClient::connect(hub.dialer(), config.clone()).await.unwrap();
            bob.register("bob", b"").unwrap();
            assert!(matches!(next(&mut bob).await, Event::Registered { .. }));
            for number in 1..=3 {
                bob.send("bob", &[number]).unwrap();
            }
            let mut stored = None;
            let mut bodies = Vec::new();
            while bodies.len() < 3 {
                if let Event::Message { body, .. } = next(&mut bob).await {
                    bodies.extend(body);
                    stored = stored.or(Some(bob.client().position()));
                }
            }
            bob.take_events(stored.unwrap());
            bob.flush().await.unwrap();
            let ticket = bob.client().ticket().unwrap().clone();
            bob.detach();
            let mut bob = AsyncClient::resume(hub.dialer(), config, ticket, b"").await.unwrap();
            let mut again = Vec::new();
            while again.len() < 2 {
                if let Event::Message { body, .. } = next(&mut bob).await {
                    again.extend(body);
                }
            }
            assert_eq!((bodies, again), (vec![1, 2, 3], vec![2, 3]));
        };
        hub.while_serving(program).await;
    });
}
