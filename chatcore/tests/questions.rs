//! What a program decides itself: questions, answers, and what waits for them.

mod world;

use std::time::Duration;

use chatcore::wire::{ClientMessage, HubMessage, Join, Watch};
use chatcore::{Asking, Event, Hub, Limits, Question, Received, RejectCode, Requested, UnknownQuestion};
use proptest::prelude::*;
use serde_json::json;
use world::{World, bodies, decode_all, encode_all, events, goodbye, nth, send};

fn world(asking: Asking, limits: Limits) -> World {
    let mut world = World::new(limits.clone());
    world.hub = Hub::new(limits, [7; 32]).with_asking(asking);
    world
}

fn questions(world: &mut World) -> Vec<Question> {
    std::iter::from_fn(|| world.hub.poll_question()).collect()
}

fn answer(world: &mut World, question: &Question, answer: Result<(), RejectCode>) {
    world.hub.answer(world.now, question.id, answer).expect("it waits for its answer");
    world.drain();
}

fn rejected(number: u64, code: RejectCode) -> Event {
    let event = json!({"rejected": {"number": number, "code": u16::from(code)}});
    serde_json::from_value(event).expect("there is such an event")
}

fn join(room: &str) -> ClientMessage<'_> {
    ClientMessage::Join(Join { room })
}

#[test]
fn a_hub_that_asks_about_nothing_asks_nothing() {
    let mut world = World::new(Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    alice.client.join(world.now, "#lobby").unwrap();
    alice.client.send(world.now, "bob", b"hello").unwrap();
    world.carry(&mut alice);
    world.carry(&mut bob);
    assert_eq!(questions(&mut world), []);
    assert_eq!(bodies(&mut bob), ["hello"]);
}

#[test]
fn a_join_waits_for_its_answer_and_so_does_what_follows_it() {
    let mut world = world(Asking::new().joins(), Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    bob.client.send(world.now, "alice", b"not asked about").unwrap();
    world.carry(&mut bob);
    alice.client.join(world.now, "#Staff").unwrap();
    alice.client.send(world.now, "#staff", b"hello").unwrap();
    alice.client.who(world.now, 0).unwrap();
    world.carry(&mut alice);
    assert_eq!(bodies(&mut alice), ["not asked about"]);
    let asked = questions(&mut world);
    let [question] = &asked[..] else { panic!("one question: {asked:?}") };
    assert_eq!(
        (question.user.as_str(), &question.request),
        ("alice", &Requested::Join { room: "#staff".parse().unwrap() })
    );
    assert_eq!(world.hub.user_of(question.session), Some(&question.user));
    assert_eq!(world.hub.rooms(), 0);
    answer(&mut world, question, Ok(()));
    world.carry(&mut alice);
    let told = events(&mut alice);
    let [Event::Done { number: 1 }, Event::Accepted { number: 2, .. }, Event::Online { number: 3, .. }] = told[..]
    else {
        panic!("in the order in which they were asked: {told:?}")
    };
    // No is an answer, too.
    bob.client.join(world.now, "#staff").unwrap();
    bob.client.send(world.now, "#staff", b"let me in").unwrap();
    world.carry(&mut bob);
    let asked = questions(&mut world);
    answer(&mut world, &asked[0], Err(RejectCode::Denied));
    world.carry(&mut bob);
    let told = events(&mut bob);
    assert_eq!(told[1..], [rejected(2, RejectCode::Denied), rejected(3, RejectCode::NotAMember)]);
    assert_eq!(world.hub.rooms(), 1);
}

#[test]
fn answers_may_come_in_any_order_and_messages_keep_theirs() {
    let mut world = world(Asking::new().sends(), Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    for body in ["one", "two", "three"] {
        alice.client.send(world.now, "Bob", body.as_bytes()).unwrap();
    }
    world.carry(&mut alice);
    let asked = questions(&mut world);
    let body = |question: &Question| match &question.request {
        Requested::SendToUser { to, body } if to.as_str() == "bob" => String::from_utf8(body.clone()).unwrap(),
        other => panic!("{other:?}"),
    };
    assert_eq!(asked.iter().map(body).collect::<Vec<_>>(), ["one", "two", "three"]);
    answer(&mut world, &asked[2], Ok(()));
    answer(&mut world, &asked[1], Err(RejectCode::Denied));
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), [""; 0], "the first is not decided");
    answer(&mut world, &asked[0], Ok(()));
    world.carry(&mut bob);
    world.carry(&mut alice);
    assert_eq!(bodies(&mut bob), ["one", "three"]);
    let accepted = |number, id| Event::Accepted { number, id };
    let rejected = rejected(2, RejectCode::Denied);
    assert_eq!(events(&mut alice), [accepted(1, nth(1)), rejected, accepted(3, nth(2))]);
}

#[test]
fn rooms_and_watches_are_asked_about_by_name() {
    let mut world = world(Asking::new().sends().watches(), Limits::default());
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for conn in [alice, bob] {
        let _ = world.say(conn, &[join("#lobby")]);
        world.written(conn);
    }
    let watch = ClientMessage::Watch(Watch { names: vec!["Alice", "carol"] });
    let _ = world.say(bob, &[send("#LOBBY", b"hello"), watch, send("no name", b"x")]);
    let asked = questions(&mut world);
    let requests: Vec<_> = asked.iter().map(|question| question.request.clone()).collect();
    let said = Requested::SendToRoom { room: "#lobby".parse().unwrap(), body: b"hello".into() };
    let watched = Requested::Watch { names: vec!["alice".parse().unwrap(), "carol".parse().unwrap()] };
    // What can be nobody's name is rejected in its place, without a question.
    assert_eq!(requests, [said, watched]);
    for question in &asked {
        answer(&mut world, question, Ok(()));
    }
    let bytes = world.written(bob);
    let mut messages = decode_all(&bytes);
    messages.retain(|message| !matches!(message, HubMessage::Ack(_)));
    let [
        HubMessage::Accepted(_),
        HubMessage::Presence(_),
        HubMessage::Presence(_),
        HubMessage::Done(_),
        HubMessage::Rejected(rejected),
    ] = &messages[..]
    else {
        panic!("{messages:?}")
    };
    assert_eq!((rejected.number, rejected.code), (4, RejectCode::NoSuchUser));
}

#[test]
fn who_answers_wrongly_is_told() {
    let mut world = world(Asking::new().joins(), Limits::default());
    let alice = world.join("alice");
    let _ = world.say(alice, &[join("#one"), join("#two")]);
    let asked = questions(&mut world);
    answer(&mut world, &asked[0], Ok(()));
    let unknown = |question: &Question| Err(UnknownQuestion(question.id));
    assert_eq!(world.hub.answer(world.now, asked[0].id, Ok(())), unknown(&asked[0]), "twice");
    world.hub.kick(world.now, &"alice".parse().unwrap());
    assert_eq!(world.hub.answer(world.now, asked[1].id, Ok(())), unknown(&asked[1]), "nobody's");
    let text = UnknownQuestion(asked[1].id).to_string();
    assert!(text.contains("its session has ended"), "{text}");
}

#[test]
fn a_late_answer_for_the_hub_before_a_restart_decides_nothing() {
    let asked = |seed| {
        let mut world = World::new(Limits::default());
        world.hub = Hub::new(Limits::default(), seed).with_asking(Asking::new().joins());
        let alice = world.join("alice");
        let _ = world.say(alice, &[join("#lobby")]);
        let [question] = &questions(&mut world)[..] else { panic!("one question") };
        (world, question.clone())
    };
    let ((before, old), (mut world, new)) = (asked([1; 32]), asked([2; 32]));
    drop(before);
    assert_eq!(old.id.to_string(), new.id.to_string(), "they are in the same place");
    assert_eq!(world.hub.answer(world.now, old.id, Ok(())), Err(UnknownQuestion(old.id)));
    assert_eq!(world.hub.rooms(), 0);
    answer(&mut world, &new, Ok(()));
    assert_eq!(world.hub.rooms(), 1);
    assert_eq!(asked([1; 32]).1.id, old.id, "the same seed, the same ids");
}

#[test]
fn a_question_without_an_answer_is_rejected_in_time() {
    let limits = Limits::default().with_decision_time_max(Duration::from_secs(2));
    let mut world = world(Asking::new().joins(), limits);
    let mut alice = world.connect("alice");
    alice.client.join(world.now, "#lobby").unwrap();
    world.carry(&mut alice);
    world.pass(Duration::from_millis(1_999));
    world.carry(&mut alice);
    assert_eq!(events(&mut alice), []);
    world.pass(Duration::from_millis(1));
    world.carry(&mut alice);
    assert_eq!(events(&mut alice), [rejected(1, RejectCode::Unavailable)]);
    assert!(world.hub.has_questions(), "nobody has looked");
    alice.client.join(world.now, "#other").unwrap();
    world.carry(&mut alice);
    let asked = questions(&mut world);
    assert!(
        matches!(&asked[..], [Question { request: Requested::Join { room, .. }, .. }] if room.as_str() == "#other")
    );
}

#[test]
fn an_answered_question_leaves_nothing_to_be_due() {
    let limits = Limits::default().with_decision_time_max(Duration::from_secs(1));
    let mut world = world(Asking::new().joins(), limits);
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    for conn in [alice, bob] {
        let _ = world.say(conn, &[join("#lobby")]);
        world.written(conn);
    }
    let asked = questions(&mut world);
    let due = world.hub.poll_timeout();
    assert_eq!(due, Some(world.now + Duration::from_secs(1)));
    answer(&mut world, &asked[0], Ok(()));
    assert_eq!(world.hub.poll_timeout(), due, "the other one waits");
    world.hub.kick(world.now, &"bob".parse().unwrap());
    world.written(bob);
    assert!(world.hub.poll_timeout() > due, "{:?}", world.hub.poll_timeout());
}

#[test]
fn what_waits_is_bounded_and_beyond_that_the_connection_is_paused() {
    let limits = Limits::default().with_waiting_of_session_max(3).with_waiting_max(4);
    let mut world = world(Asking::new().sends(), limits);
    let (alice, bob) = (world.join("alice"), world.join("bob"));
    let all = world::encode_all(&[send("bob", b"1"), send("bob", b"2"), send("bob", b"3"), send("bob", b"4")]);
    let mut rest = &all[..];
    let until = match world.hub.receive(world.now, alice, &mut rest).unwrap() {
        Received::Paused { until } => until,
        other => panic!("{other:?}"),
    };
    assert!(until > world.now && rest.len() == all.len() / 4);
    // There is room for one more in all.
    let two = world::encode_all(&[send("alice", b"1"), send("alice", b"2")]);
    let mut of_bob = &two[..];
    assert!(matches!(world.hub.receive(world.now, bob, &mut of_bob), Ok(Received::Paused { .. })));
    assert_eq!(of_bob.len(), two.len() / 2);
    let asked = questions(&mut world);
    assert_eq!(asked.len(), 4);
    answer(&mut world, &asked[0], Ok(()));
    world.now = until;
    assert_eq!(world.hub.receive(world.now, alice, &mut rest), Ok(Received::NeedInput));
    let asked = questions(&mut world);
    assert_eq!((asked.len(), rest.len()), (1, 0));
}

#[test]
fn an_origin_whose_requests_wait_holds_up_no_other() {
    let mut world = world(Asking::new().sends(), Limits::default().with_waiting_of_origin_max(2));
    let [alice, bob, carol] =
        [("alice", 1), ("bob", 1), ("carol", 2)].map(|(name, origin)| world.join_from(name, origin));
    let asks = |world: &mut World, conn| {
        let one = encode_all(&[send("dave", b"1")]);
        let mut rest = &one[..];
        let received = world.hub.receive(world.now, conn, &mut rest).unwrap();
        (rest.is_empty(), matches!(received, Received::Paused { .. }))
    };
    assert_eq!([asks(&mut world, alice), asks(&mut world, alice)], [(true, false); 2]);
    assert_eq!(asks(&mut world, bob), (false, true), "two of its origin wait");
    assert_eq!(asks(&mut world, carol), (true, false));
    let asked = questions(&mut world);
    answer(&mut world, &asked[0], Ok(()));
    assert_eq!(asks(&mut world, bob), (true, false));
    // What ends takes its requests with it.
    world.hub.kick(world.now, &"alice".parse().unwrap());
    assert_eq!(asks(&mut world, bob), (true, false));
    assert_eq!(asks(&mut world, bob), (false, true));
}

#[test]
fn what_waits_counts_as_memory_and_is_given_back() {
    let mut world = world(Asking::new().sends(), Limits::default());
    let (mut alice, mut bob) = (world.connect("alice"), world.connect("bob"));
    alice.client.send(world.now, "bob", &[b'.'; 10_000]).unwrap();
    world.carry(&mut alice);
    assert!(world.hub.memory().partial >= 20_000, "{:?}", world.hub.memory());
    // Nor is it forgotten while the session has no connection.
    world.cut(&mut alice);
    assert!(world.hub.memory().partial >= 20_000, "{:?}", world.hub.memory());
    let asked = questions(&mut world);
    answer(&mut world, &asked[0], Ok(()));
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob).len(), 1);
    assert_eq!(world.hub.memory().partial, 0);
    world.reconnect(&mut alice).unwrap();
    world.carry(&mut alice);
    assert!(matches!(events(&mut alice)[..], [.., Event::Accepted { number: 1, .. }]));
    alice.client.send(world.now, "bob", &[b'.'; 10_000]).unwrap();
    world.carry(&mut alice);
    world.hub.kick(world.now, &"alice".parse().unwrap());
    world.carry_closed(&mut alice);
    assert_eq!(world.hub.memory().partial, 0, "nobody waits any more");
}

/// What waits counts as input that is left, but it is none that comes again.
#[test]
fn each_new_byte_of_a_client_that_waits_for_an_answer_is_a_sign_of_life() {
    let hour = Duration::from_secs(3_600);
    let limits = Limits::default().with_decision_time_max(hour).with_stall_time_max(hour);
    let mut world = world(Asking::new().sends(), limits.with_resume_time_max(Duration::ZERO));
    let alice = world.join("alice");
    let _ = world.say(alice, &[send("bob", &[b'.'; 10_000])]);
    let frame = encode_all(&[send("bob", &[b'.'; 100])]);
    for bytes in 1..frame.len() {
        assert_eq!(world.hub.receive(world.now, alice, &mut &frame[..bytes]), Ok(Received::NeedInput));
        world.pass(Duration::from_secs(1));
        world.written(alice);
    }
    assert!(world.hub.name(alice).is_some());
}

#[test]
fn a_goodbye_waits_for_what_was_requested_before_it() {
    let mut world = world(Asking::new().sends(), Limits::default());
    let (alice, mut bob) = (world.join("alice"), world.connect("bob"));
    let all = world::encode_all(&[send("bob", b"the last word"), goodbye()]);
    let mut rest = &all[..];
    let received = world.hub.receive(world.now, alice, &mut rest).unwrap();
    assert!(matches!(received, Received::Paused { .. }) && !rest.is_empty());
    let asked = questions(&mut world);
    answer(&mut world, &asked[0], Ok(()));
    assert_eq!(world.hub.receive(world.now, alice, &mut rest), Ok(Received::Closed));
    world.carry(&mut bob);
    assert_eq!(bodies(&mut bob), ["the last word"]);
}

/// Lists of names that it takes long to map. Without the tables of Unicode there are none.
#[cfg(feature = "unicode")]
mod lists {
    use chatcore::wire::Ping;
    use chatcore::{ConnId, Rate};

    use super::*;

    /// Units that one call costs at the most: those that it begins with, and one name.
    const CALL_COST_MAX: u32 = 4_096 + 512 + 1;

    /// Spellings that each cost 340 units to map, and the names that they are mapped to.
    fn costly_names(count: usize) -> [Vec<String>; 2] {
        ["\u{ff41}", "a"].map(|letter| (0..count).map(|n| letter.repeat(27) + &format!("-{n:03}")).collect())
    }

    fn watch(names: &[String]) -> Vec<u8> {
        encode_all(&[ClientMessage::Watch(Watch { names: names.iter().map(String::as_str).collect() })])
    }

    /// Gives the hub an input as it takes it. Returns in how many calls, and what that cost.
    fn put_all(world: &mut World, conn: ConnId, mut input: &[u8]) -> (u32, u32) {
        let mut cost = 0;
        for calls in 1..1_000 {
            let received = world.hub.receive(world.now, conn, &mut input).unwrap();
            assert!(world.hub.last_cost() <= CALL_COST_MAX, "one call costs {}", world.hub.last_cost());
            cost += world.hub.last_cost();
            if received != Received::More {
                assert_eq!((received, input), (Received::NeedInput, &b""[..]));
                return (calls, cost);
            }
        }
        panic!("the hub never takes it");
    }

    /// The names of which a client is told how it stands with them.
    fn told_of(world: &mut World, conn: ConnId) -> Vec<String> {
        let written = world.written(conn);
        let of_name = |message: &HubMessage<'_>| match message {
            HubMessage::Presence(presence) => Some(presence.name.to_owned()),
            _ => None,
        };
        decode_all(&written).iter().filter_map(of_name).collect()
    }

    #[test]
    fn a_list_of_costly_names_that_is_asked_about_takes_several_calls_and_is_mapped_once() {
        const NAMES: usize = 200;
        let [spellings, names] = costly_names(NAMES);
        let mapping: u32 = spellings.iter().map(|name| 4 * u32::try_from(name.len()).unwrap()).sum();
        // Enough for mapping the list and for watching it, and not for mapping it again.
        let session_rate = Rate { per_s: 1, burst: mapping / 4 * 5 };
        let mut world = world(Asking::new().watches(), Limits::default().with_session_rate(session_rate));
        let alice = world.join("alice");
        let list = watch(&spellings);
        let (calls, cost) = put_all(&mut world, alice, &list);
        assert!(calls > mapping / CALL_COST_MAX, "{calls} calls");
        let [frame, names_of_list] = [1 + list.len() / 1024, NAMES].map(|count| u32::try_from(count).unwrap());
        assert_eq!(cost, frame + names_of_list + mapping);
        let asked = questions(&mut world);
        let wanted = names.iter().map(|name| name.parse().unwrap()).collect();
        assert_eq!(
            asked.iter().map(|question| &question.request).collect::<Vec<_>>(),
            [&Requested::Watch { names: wanted }]
        );
        answer(&mut world, &asked[0], Ok(()));
        assert_eq!(told_of(&mut world, alice), names);
        let ping = encode_all(&[ClientMessage::Ping(Ping { nonce: 1 })]);
        assert_eq!(world.hub.receive(world.now, alice, &mut &ping[..]), Ok(Received::NeedInput), "it is not paused");
    }

    #[test]
    fn the_names_of_a_list_count_as_memory_while_it_is_begun_and_while_it_waits() {
        const NAMES: usize = 200;
        const NAME_BYTES_MIN: usize = 24;
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let mut world = world(Asking::new().watches(), limits);
        let alice = world.join("alice");
        let list = watch(&costly_names(NAMES)[0]);
        let mut rest = &list[..];
        assert_eq!(world.hub.receive(world.now, alice, &mut rest), Ok(Received::More));
        let kept = |world: &World| usize::try_from(world.hub.memory().partial).unwrap();
        assert!(kept(&world) >= list.len() + NAME_BYTES_MIN, "{} bytes, and {} of the frame", kept(&world), list.len());
        put_all(&mut world, alice, rest);
        assert!(kept(&world) >= 2 * (list.len() - 5 + NAMES * NAME_BYTES_MIN), "{} bytes", kept(&world));
        let asked = questions(&mut world);
        answer(&mut world, &asked[0], Ok(()));
        assert_eq!(kept(&world), 0, "all of it is given back");
        // What was begun of a list is given back when its connection is gone.
        let _ = world.hub.receive(world.now, alice, &mut &watch(&costly_names(NAMES)[0])[..]);
        assert!(kept(&world) > list.len());
        world.hub.disconnect(world.now, alice).unwrap();
        assert_eq!(kept(&world), 0);
    }

    #[test]
    fn a_list_that_waits_is_not_the_one_that_is_begun_meanwhile() {
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let mut world = world(Asking::new().watches(), limits);
        let alice = world.join("alice");
        let [spellings, names] = costly_names(40);
        put_all(&mut world, alice, &watch(&spellings[..20]));
        let asked = questions(&mut world);
        let second = watch(&spellings[20..]);
        let mut rest = &second[..];
        assert_eq!(world.hub.receive(world.now, alice, &mut rest), Ok(Received::More), "it is begun");
        assert_eq!(questions(&mut world), [], "it is not whole");
        answer(&mut world, &asked[0], Ok(()));
        assert_eq!(told_of(&mut world, alice), names[..20]);
        put_all(&mut world, alice, rest);
        let asked = questions(&mut world);
        answer(&mut world, &asked[0], Ok(()));
        assert_eq!(told_of(&mut world, alice), names[20..]);
    }
}

proptest! {
    /// Whatever is asked about, and in whichever order it is answered: what each user says arrives in its order, but
    /// for what is denied, and each request has its answer.
    #[test]
    fn nothing_overtakes_and_nothing_is_forgotten(
        asks in (any::<bool>(), any::<bool>()),
        steps in proptest::collection::vec((0..3_usize, 0..4_u8, any::<u16>()), 1..60),
    ) {
        let mut asking = Asking::new();
        asking = if asks.0 { asking.joins() } else { asking };
        asking = if asks.1 { asking.sends() } else { asking };
        let mut world = world(asking, Limits::default());
        let mut users = ["alice", "bob", "carol"].map(|name| world.connect(name));
        let (mut open, mut denied, mut sent) = (Vec::new(), Vec::new(), [0_u32; 3]);
        let mut requests = [0_usize; 3];
        let mut decide = |world: &mut World, open: &mut Vec<Question>, draw: u16| {
            let question = open.swap_remove(usize::from(draw) % open.len());
            let is_denied = draw.is_multiple_of(3);
            if is_denied && let Requested::SendToUser { body, .. } | Requested::SendToRoom { body, .. } = &question.request {
                denied.push(String::from_utf8(body.clone()).unwrap());
            }
            answer(world, &question, if is_denied { Err(RejectCode::Denied) } else { Ok(()) });
        };
        for (user, what, draw) in steps {
            let (from, now) = (&mut users[user], world.now);
            match what {
                0 => {
                    let _ = from.client.join(now, "#lobby").unwrap();
                    requests[user] += 1;
                }
                1 | 2 => {
                    let body = format!("{user}:{:04}", sent[user]);
                    let to = if what == 1 { "alice" } else { "#lobby" };
                    from.client.send(now, to, body.as_bytes()).unwrap();
                    sent[user] += 1;
                    requests[user] += 1;
                }
                _ if !open.is_empty() => decide(&mut world, &mut open, draw),
                _ => {}
            }
            world.carry(&mut users[user]);
            open.extend(questions(&mut world));
        }
        while !open.is_empty() {
            decide(&mut world, &mut open, 1);
        }
        for user in &mut users {
            world.carry(user);
        }
        for (user, requests) in users.iter_mut().zip(requests) {
            let told = events(user);
            let answers = told.iter().filter(|event| {
                matches!(event, Event::Accepted { .. } | Event::Rejected { .. } | Event::Done { .. })
            });
            prop_assert_eq!(answers.count(), requests);
            for sender in 0..3 {
                let said: Vec<String> = told
                    .iter()
                    .filter_map(|event| match event {
                        Event::Message { body, .. } => Some(String::from_utf8(body.clone()).unwrap()),
                        _ => None,
                    })
                    .filter(|body| body.starts_with(&format!("{sender}:")))
                    .collect();
                prop_assert!(said.is_sorted_by(|one, next| one < next), "{:?}", said);
                prop_assert!(said.iter().all(|body| !denied.contains(body)), "{:?} of {:?}", said, denied);
            }
        }
    }
}
