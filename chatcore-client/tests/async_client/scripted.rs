//! What the client does at each step of a hub that does what the test wants.

use std::cell::Cell;
use std::future::{pending, ready};
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::time::Duration;

use chatcore_client::chatcore::wire::{Ack, Deliver, Goodbye, HubMessage, Kind, Message, Ping, Pong, ReconnectHint};
use chatcore_client::chatcore::{GoodbyeCode, MessageId};
use chatcore_client::{AsyncClient, ClientConfig, ClientError, Closed, Dial, Event, Private};
use futures_core::Stream;
use tokio::io::{BufWriter, DuplexStream};
use tokio::task::{LocalSet, coop, spawn_local, yield_now};
use tokio::time::{Instant, advance, timeout};

use super::scripted_hub::{HubEnd, ScriptedHub, register};
use super::{next, on_virtual_time};

fn config() -> ClientConfig {
    ClientConfig::default()
}

fn deliver(id: u64) -> HubMessage<'static> {
    HubMessage::Deliver(Deliver { id: MessageId(id), from: "bob", body: b"hello" })
}

#[test]
fn an_acknowledgement_alone_makes_a_request_fit() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        let body = vec![b'x'; 60_000];
        let mut sent = 0;
        let full = loop {
            match alice.send("bob", &body) {
                Ok(number) => sent = number,
                Err(error) => break error,
            }
        };
        assert!(matches!(full, ClientError::OutboxFull { .. }), "{full:?}");
        let hub = async {
            // What is acknowledged must be written first.
            for _ in 0..sent {
                end.expect(Kind::SEND).await;
            }
            end.say(&HubMessage::Ack(Ack { count: sent })).await;
        };
        let ready = async {
            while alice.send("bob", &body).is_err() {
                alice.ready().await.unwrap();
            }
        };
        tokio::join!(hub, ready);
    });
}

#[test]
fn flushed_is_what_the_hub_has_acknowledged() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        alice.flush().await.unwrap();
        alice.send("bob", b"hello").unwrap();
        let second = Duration::from_secs(1);
        assert!(timeout(second, alice.flush()).await.is_err(), "it is written, and nobody has acknowledged it");
        end.expect(Kind::SEND).await;
        let acknowledging = async { end.say(&HubMessage::Ack(Ack { count: 1 })).await };
        let ((), flushed) = tokio::join!(acknowledging, alice.flush());
        assert_eq!(flushed, Ok(()));
    });
}

#[test]
fn what_was_sent_goes_out_before_an_event_that_waits_is_taken() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        end.say(&deliver(1)).await;
        end.say(&deliver(2)).await;
        assert!(matches!(next(&mut alice).await, Event::Message { .. }));
        alice.send("bob", b"at once").unwrap();
        assert!(matches!(next(&mut alice).await, Event::Message { .. }));
        end.expect(Kind::SEND).await;
        assert_eq!(alice.try_next(), None);
    });
}

#[test]
fn a_program_that_takes_its_time_for_each_event_still_answers_pings() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        for id in 1..=100 {
            end.say(&deliver(id)).await;
        }
        assert!(matches!(next(&mut alice).await, Event::Message { .. }));
        end.say(&HubMessage::Ping(Ping { nonce: 7 })).await;
        for _ in 0..50 {
            advance(Duration::from_secs(1)).await;
            assert!(matches!(next(&mut alice).await, Event::Message { .. }));
        }
        timeout(Duration::ZERO, end.expect(Kind::PONG)).await.expect("it has come");
    });
}

#[test]
fn signs_of_life_count_however_late_they_are_looked_at() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        end.say(&HubMessage::Ping(Ping { nonce: 7 })).await;
        advance(Duration::from_secs(300)).await;
        assert!(timeout(Duration::from_secs(1), alice.next()).await.is_err(), "it is not over");
        end.expect(Kind::PONG).await;
    });
}

#[test]
fn events_that_wait_do_not_keep_other_tasks_waiting() {
    on_virtual_time(async || {
        LocalSet::new()
            .run_until(async {
                let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
                for id in 1..=1_000 {
                    end.say(&deliver(id)).await;
                }
                let turns = Rc::new(Cell::new(0));
                let counted = Rc::clone(&turns);
                spawn_local(async move {
                    loop {
                        counted.set(counted.get() + 1);
                        yield_now().await;
                    }
                });
                for _ in 1..=1_000 {
                    assert!(matches!(next(&mut alice).await, Event::Message { .. }));
                }
                assert!(turns.get() > 2, "{turns:?}");
            })
            .await;
    });
}

#[test]
fn it_goes_where_the_hub_says() {
    on_virtual_time(async || {
        let hub = ScriptedHub::default();
        let (mut alice, mut end) = hub.alice(config()).await;
        let hint = ReconnectHint { after_ms: 1_000, address: Some("elsewhere:1") };
        let goodbye = Goodbye { code: GoodbyeCode::ShuttingDown, detail: "bye", reconnect: Some(hint) };
        end.say(&HubMessage::Goodbye(goodbye)).await;
        let begun = Instant::now();
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { attempt: 1, .. }));
        end.rest().await; // the old connection is closed
        let (address, second) = loop {
            assert!(timeout(Duration::from_millis(100), alice.next()).await.is_err(), "nothing to tell");
            if let Some(conn) = hub.accept() {
                break conn;
            }
        };
        assert_eq!(address.as_deref(), Some("elsewhere:1"));
        assert!(begun.elapsed() >= Duration::from_secs(1));
        // It did not help: the first place may know a newer one.
        drop(second);
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { attempt: 2, .. }));
        assert!(timeout(Duration::from_secs(1), alice.next()).await.is_err(), "nothing to tell");
        assert_eq!(hub.accept().expect("it has connected").0, None);
    });
}

#[test]
fn a_server_that_is_gone_for_good_is_tried_without_end_and_less_and_less_often() {
    on_virtual_time(async || {
        let (stream, mut end) = HubEnd::pair(1 << 20);
        let mut first = Some(stream);
        let dial = move |_: Option<String>| ready(first.take().ok_or_else(|| io::ErrorKind::ConnectionRefused.into()));
        let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
        register(&mut alice, &mut end).await;
        drop(end);
        let mut waits = Vec::new();
        for expected in 1..=20 {
            match next(&mut alice).await {
                Event::Reconnecting { why: Closed::Disconnected, attempt, after, .. } if attempt == expected => {
                    waits.push(after);
                }
                other => panic!("{other:?}"),
            }
        }
        assert!(waits[0] <= Duration::from_millis(200) && waits[19] >= Duration::from_secs(15), "{waits:?}");
        assert!(!alice.connected());
        alice.send("bob", b"it waits").unwrap();
        // Without a connection nobody can be told.
        assert_eq!(alice.close().await, Ok(()));
        assert_eq!(next(&mut alice).await, Event::Closed(Closed::Left));
        assert_eq!(alice.next().await, None);
        assert_eq!(alice.next().await, None);
    });
}

#[test]
fn without_reconnecting_a_lost_connection_is_the_end_and_every_call_tells_why() {
    on_virtual_time(async || {
        let (mut alice, end) = ScriptedHub::default().alice(config().with_reconnect(None)).await;
        drop(end);
        let over = Closed::Disconnected;
        assert_eq!(alice.ready().await, Err(over.clone()));
        assert_eq!(alice.flush().await, Err(over.clone()));
        assert_eq!(alice.close().await, Err(over.clone()));
        assert_eq!(next(&mut alice).await, Event::Closed(over));
        assert_eq!(alice.next().await, None);
        assert_eq!(alice.send("bob", b"hello"), Err(ClientError::Closed));
    });
}

#[test]
fn a_first_connection_that_cannot_be_made_is_an_error() {
    on_virtual_time(async || {
        let refused = |_: Option<String>| ready(Err::<DuplexStream, _>(io::ErrorKind::ConnectionRefused.into()));
        let error = AsyncClient::connect(refused, config()).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
        let begun = Instant::now();
        let hangs = |_: Option<String>| pending::<io::Result<DuplexStream>>();
        let error = AsyncClient::connect(hangs, config()).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed()), (io::ErrorKind::TimedOut, config().answer_time_max));
    });
}

#[test]
fn who_keeps_trying_makes_the_first_connection_like_all_others() {
    on_virtual_time(async || {
        let (hub, attempts) = (ScriptedHub::default(), Rc::new(Cell::new(0)));
        let (mut connect, count) = (hub.dialer(), Rc::clone(&attempts));
        let dial = move |address: Option<String>| {
            count.set(count.get() + 1);
            // The first cannot be made, and the second is never made.
            let attempt = count.get();
            let connecting = (attempt > 2).then(|| connect(address));
            async move {
                match connecting {
                    Some(connecting) => connecting.await,
                    None if attempt == 1 => Err(io::ErrorKind::ConnectionRefused.into()),
                    None => pending().await,
                }
            }
        };
        let config = config().with_keeps_trying(true);
        let mut alice = AsyncClient::connect(Private(dial), config).await.unwrap();
        assert!(timeout(Duration::from_secs(100), alice.next()).await.is_err(), "there is nothing to ask for");
        assert_eq!((attempts.get(), alice.connected()), (0, false));
        alice.register("alice", b"secret").unwrap();
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { why: Closed::Disconnected, attempt: 1, .. }));
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { why: Closed::TimedOut, attempt: 2, .. }));
        assert!(timeout(Duration::from_secs(1), alice.next()).await.is_err(), "nothing to tell");
        let (_, mut end) = hub.accept().expect("it has connected");
        let ((), event) = tokio::join!(end.welcome(), next(&mut alice));
        assert!(matches!(event, Event::Registered { .. }), "{event:?}");
        assert_eq!(attempts.get(), 3);
    });
}

#[test]
fn a_connection_that_takes_too_long_to_be_made_is_given_up() {
    on_virtual_time(async || {
        let (stream, mut end) = HubEnd::pair(1 << 20);
        let mut first = Some(stream);
        let attempts = Rc::new(());
        let seen = Rc::clone(&attempts);
        let dial = move |_: Option<String>| {
            let (stream, attempt) = (first.take(), Rc::clone(&attempts));
            async move {
                let Some(stream) = stream else { return pending().await };
                drop(attempt);
                Ok(stream)
            }
        };
        let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
        register(&mut alice, &mut end).await;
        drop(end);
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { why: Closed::Disconnected, attempt: 1, .. }));
        let begun = Instant::now();
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { why: Closed::TimedOut, attempt: 2, .. }));
        assert!(begun.elapsed() >= config().answer_time_max);
        assert!(timeout(Duration::ZERO, alice.next()).await.is_err(), "nothing to tell");
        assert_eq!(Rc::strong_count(&seen), 2, "the attempt is dropped");
    });
}

#[test]
fn a_connection_that_is_being_made_goes_on_when_a_future_is_dropped() {
    on_virtual_time(async || {
        let hub = ScriptedHub::default();
        let (mut connect, dialed) = (hub.dialer(), Rc::new(Cell::new(0)));
        let count = Rc::clone(&dialed);
        let dial = move |address: Option<String>| {
            count.set(count.get() + 1);
            let connecting = connect(address);
            async move {
                for _ in 0..5 {
                    yield_now().await;
                }
                connecting.await
            }
        };
        let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
        let (_, mut end) = hub.accept().unwrap();
        register(&mut alice, &mut end).await;
        drop(end);
        assert!(matches!(next(&mut alice).await, Event::Reconnecting { .. }));
        advance(Duration::from_secs(1)).await;
        for _ in 0..10 {
            tokio::select! { biased; event = alice.next() => panic!("{event:?}"), () = yield_now() => {} }
        }
        assert!(alice.connected());
        assert_eq!(dialed.get(), 2);
    });
}

#[test]
fn a_stream_that_keeps_what_is_written_is_flushed() {
    on_virtual_time(async || {
        let (stream, mut end) = HubEnd::pair(1 << 20);
        let mut first = Some(stream);
        let dial = move |_: Option<String>| ready(Ok(BufWriter::new(first.take().expect("there is one connection"))));
        let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
        register(&mut alice, &mut end).await;
        alice.send("bob", b"hello").unwrap();
        let heard = async { end.expect(Kind::SEND).await };
        tokio::select! { () = heard => {}, event = alice.next() => panic!("{event:?}") }
    });
}

/// Has a connection, and no other, that holds little, and sends more than that.
async fn narrow() -> (AsyncClient<impl Dial>, HubEnd) {
    let (stream, mut end) = HubEnd::pair(1_000);
    let mut first = Some(stream);
    let dial = move |_: Option<String>| ready(Ok(first.take().expect("there is one connection")));
    let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
    register(&mut alice, &mut end).await;
    alice.send("bob", &vec![b'x'; 60_000]).unwrap();
    (alice, end)
}

#[test]
fn a_hub_that_writes_before_it_reads_does_not_stop_a_program_that_sends() {
    on_virtual_time(async || {
        let (mut alice, mut end) = narrow().await;
        let hub = async {
            for id in 1..=1_000 {
                end.say(&deliver(id)).await;
            }
            end.expect(Kind::SEND).await;
            end.say(&HubMessage::Ack(Ack { count: 1 })).await;
        };
        let ((), flushed) = tokio::join!(hub, alice.flush());
        assert_eq!(flushed, Ok(()));
        assert_eq!(std::iter::from_fn(|| alice.try_next()).count(), 1_000);
    });
}

#[test]
fn closing_says_goodbye_after_everything_and_waits_for_the_answer() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        alice.send("bob", b"the last word").unwrap();
        let hub = async {
            end.expect(Kind::SEND).await;
            end.expect(Kind::GOODBYE).await;
            end.say(&deliver(1)).await;
            let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
            end.say(&HubMessage::Goodbye(goodbye)).await;
            end.rest().await
        };
        let (rest, closed) = tokio::join!(hub, alice.close());
        assert_eq!((rest, closed), (Vec::new(), Ok(())));
        assert!(matches!(next(&mut alice).await, Event::Message { .. }), "what came last is still there");
        assert_eq!(next(&mut alice).await, Event::Closed(Closed::Left));
        assert_eq!((alice.next().await, alice.close().await), (None, Ok(())));
    });
}

#[test]
fn closing_ends_in_time_whatever_the_hub_does() {
    on_virtual_time(async || {
        // It does not answer.
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        let begun = Instant::now();
        assert_eq!(alice.close().await, Ok(()));
        assert_eq!(begun.elapsed(), config().flush_time_max);
        end.expect(Kind::GOODBYE).await;
        // It does not read.
        let (mut alice, _end) = narrow().await;
        let begun = Instant::now();
        assert_eq!(alice.close().await, Err(Closed::TimedOut));
        assert_eq!(begun.elapsed(), config().flush_time_max);
    });
}

#[test]
fn a_close_that_was_dropped_goes_on_with_the_next_one() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        tokio::select! { biased; _ = alice.close() => panic!("the hub has not answered"), () = yield_now() => {} }
        assert_eq!(alice.send("bob", b"too late"), Err(ClientError::Closed));
        end.expect(Kind::GOODBYE).await;
        let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
        end.say(&HubMessage::Goodbye(goodbye)).await;
        assert_eq!(alice.close().await, Ok(()));
        assert_eq!(end.rest().await, b"");
    });
}

#[test]
fn a_program_that_only_waits_for_the_end_closes_the_connection_with_it() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        alice.start_close();
        let hub = async {
            end.expect(Kind::GOODBYE).await;
            let goodbye = Goodbye { code: GoodbyeCode::Left, detail: "", reconnect: None };
            end.say(&HubMessage::Goodbye(goodbye)).await;
        };
        let ((), event) = tokio::join!(hub, next(&mut alice));
        assert_eq!(event, Event::Closed(Closed::Left));
        assert_eq!((alice.next().await, alice.connected()), (None, false));
        assert_eq!(end.rest().await, b"");
    });
}

#[test]
fn a_hub_that_breaks_the_protocol_is_told_how() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        end.say(&HubMessage::Ack(Ack { count: 99 })).await;
        assert!(matches!(next(&mut alice).await, Event::Closed(Closed::ProtocolError(_))));
        end.expect(Kind::ERROR).await;
        assert!(matches!(alice.close().await, Err(Closed::ProtocolError(_))));
    });
}

#[test]
fn what_the_hub_said_before_it_went_is_heard_even_if_nothing_can_be_written() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        let goodbye = Goodbye { code: GoodbyeCode::Kicked, detail: "out", reconnect: None };
        end.say(&HubMessage::Goodbye(goodbye)).await;
        drop(end);
        alice.send("bob", b"hello").unwrap();
        let closed = next(&mut alice).await;
        assert!(matches!(closed, Event::Closed(Closed::Goodbye { code: GoodbyeCode::Kicked, .. })), "{closed:?}");
    });
}

#[test]
fn a_hub_that_never_pauses_is_heard_to_the_end_and_others_have_their_turn() {
    on_virtual_time(async || {
        let (stream, mut end) = HubEnd::pair(1 << 25);
        let mut first = Some(stream);
        let dial = move |_: Option<String>| ready(Ok(first.take().expect("there is one connection")));
        let mut alice = AsyncClient::connect(dial, config()).await.unwrap();
        register(&mut alice, &mut end).await;
        let mut pongs = Vec::new();
        while pongs.len() < 1 << 16 {
            HubMessage::Pong(Pong { nonce: 7 }).encode(&mut pongs);
        }
        for _ in 0..300 {
            end.write(&pongs).await;
        }
        end.say(&deliver(1)).await;
        // Without tokio's own budget, so that the stream is never the one that pauses.
        let mut turns = 0;
        let event = coop::unconstrained(async {
            loop {
                tokio::select! { biased; event = next(&mut alice) => break event, () = ready(()) => turns += 1 }
                yield_now().await;
            }
        });
        assert!(matches!(event.await, Event::Message { .. }));
        assert!(turns > 0);
        // And if it is waited for without a break.
        for _ in 0..300 {
            end.write(&pongs).await;
        }
        end.say(&deliver(2)).await;
        let begun = Instant::now();
        assert!(matches!(coop::unconstrained(next(&mut alice)).await, Event::Message { .. }));
        assert_eq!(begun.elapsed(), Duration::ZERO, "at once, and not only when something else is due");
    });
}

#[test]
fn it_is_a_stream_of_events() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config().with_reconnect(None)).await;
        end.say(&deliver(1)).await;
        drop(end);
        let mut events = Vec::new();
        while let Some(event) = std::future::poll_fn(|cx| Pin::new(&mut alice).poll_next(cx)).await {
            events.push(event);
        }
        assert!(matches!(&events[..], [Event::Message { .. }, Event::Closed(Closed::Disconnected)]), "{events:?}");
    });
}

#[test]
fn a_client_shows_neither_the_token_nor_the_credential() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(config()).await;
        // The start of a frame is kept until the rest comes: here, of a welcome.
        end.write(&[17, 0, 0, 0, 2, 7, 7, 7, 7, 7]).await;
        assert!(timeout(Duration::from_secs(1), alice.next()).await.is_err(), "nothing to tell");
        assert_eq!(alice.client().ticket().map(|ticket| *ticket.token.as_bytes()), Some([7; 16]));
        for printed in [format!("{alice:?}"), format!("{alice:#?}")] {
            let printed: String = printed.split_whitespace().collect();
            assert!(!printed.contains("7,7,7,7") && !printed.contains("115,101,99,114"), "{printed}");
        }
    });
}
