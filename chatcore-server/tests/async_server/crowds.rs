//! How many connections one origin may have.

use std::net::IpAddr;
use std::time::Duration;

use chatcore_server::chatcore::{Event, Limits, QuotaKey, Rate, RefusalCode};
use chatcore_server::{AsyncConfig, AsyncServer, Origin, StartError};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::time::Instant;

use super::user::User;
use super::{PIPE_BYTES, on_virtual_time, opening};

fn connect_from(server: &AsyncServer, origin: impl Into<Origin> + 'static) -> DuplexStream {
    let (ours, theirs) = duplex(PIPE_BYTES);
    tokio::spawn(server.serve_connection(theirs, origin));
    ours
}

fn address(address: &str) -> IpAddr {
    address.parse().expect("it is an address")
}

fn start(config: AsyncConfig) -> AsyncServer {
    AsyncServer::start(config, ()).expect("it can start")
}

/// What somebody is told who sends nothing, until the server closes.
async fn told(mut client: DuplexStream) -> String {
    let mut said = Vec::new();
    client.read_to_end(&mut said).await.expect("the server ends its direction");
    String::from_utf8_lossy(&said).into_owned()
}

#[test]
fn connections_of_an_origin_are_bounded_and_who_is_over_it_is_told() {
    on_virtual_time(async || {
        let server = start(AsyncConfig::default().with_connections_of_origin_max(2));
        let [one, other] = ["192.0.2.1", "192.0.2.2"].map(address);
        let mut alice = User::registered(|| connect_from(&server, one), "alice").await;
        let bob = User::registered(|| connect_from(&server, one), "bob").await;
        let refused = User::connect(|| connect_from(&server, one)).register("carol", b"").await;
        let Event::Refused { code, detail, wait, .. } = refused else { panic!("{refused:?}") };
        assert_eq!((code, wait.is_some()), (RefusalCode::HubFull, true));
        assert!(detail.contains("this address has 2 connections"), "{detail}");
        // It was the address, and not the server.
        let _dave = User::registered(|| connect_from(&server, other), "dave").await;
        drop(bob);
        // The server hears of it before it hears the message.
        alice.tell_oneself("alice").await;
        let _carol = User::registered(|| connect_from(&server, one), "carol").await;
    });
}

#[test]
fn connections_of_an_origin_that_have_no_name_yet_are_bounded() {
    on_virtual_time(async || {
        let server = start(AsyncConfig::default().with_handshakes_of_origin_max(1));
        let one = address("192.0.2.1");
        let mut alice = User::connect(|| connect_from(&server, one));
        let mut refused = told(connect_from(&server, one)).await;
        assert!(refused.contains("this address has 1 connections that have no name yet"), "{refused}");
        let registered = alice.register("alice", b"").await;
        assert!(matches!(registered, Event::Registered { .. }), "{registered:?}");
        // She has a name, and makes room.
        let silent = connect_from(&server, one);
        alice.tell_oneself("alice").await;
        refused = told(connect_from(&server, one)).await;
        assert!(refused.contains("no name yet"), "{refused}");
        drop(silent);
        alice.tell_oneself("alice").await;
        let _bob = User::registered(|| connect_from(&server, one), "bob").await;
    });
}

#[test]
fn a_site_has_some_times_as_many_connections_as_an_origin_and_no_more() {
    on_virtual_time(async || {
        let server = start(AsyncConfig::default().with_connections_of_origin_max(1).with_site_factor(2));
        let of_network = |network: u16| connect_from(&server, address(&format!("2001:db8:0:{network:x}::1")));
        let mut alice = User::registered(|| of_network(1), "alice").await;
        let _bob = User::registered(|| of_network(2), "bob").await;
        let refused = told(of_network(3)).await;
        assert!(refused.contains("this address has 2 connections"), "{refused}");
        let _carol = User::registered(|| connect_from(&server, address("2001:db8:1::1")), "carol").await;
        alice.tell_oneself("alice").await;
    });
}

#[test]
fn a_site_has_some_times_as_many_sessions_as_an_origin_and_no_more() {
    on_virtual_time(async || {
        let limits = Limits::default().with_sessions_of_origin_max(1);
        let server = start(AsyncConfig::default().with_limits(limits).with_site_factor(2));
        let of_network = |network: u16| connect_from(&server, address(&format!("2001:db8:0:{network:x}::1")));
        let _alice = User::registered(|| of_network(1), "alice").await;
        let _bob = User::registered(|| of_network(2), "bob").await;
        let refused = User::connect(|| of_network(3)).register("carol", b"").await;
        let Event::Refused { detail, .. } = refused else { panic!("{refused:?}") };
        assert!(detail.contains("this address has 2 sessions"), "{detail}");
        let _carol = User::registered(|| connect_from(&server, address("2001:db8:1::1")), "carol").await;
    });
}

#[test]
fn an_origin_that_many_share_is_not_bounded_in_number() {
    on_virtual_time(async || {
        let limits = Limits::default().with_sessions_of_origin_max(1);
        let config = AsyncConfig::default().with_limits(limits).with_connections_of_origin_max(1);
        let server = start(config.with_handshakes_of_origin_max(1));
        let shared = [
            Origin::from(address("127.0.0.1")),
            Origin::from(address("::1")),
            Origin::from(QuotaKey(0)),
            Origin::from(address("192.0.2.1")).shared(),
        ];
        let (server, mut users) = (&server, Vec::new());
        for (index, origin) in shared.into_iter().enumerate() {
            let silent = connect_from(server, origin);
            for name in [format!("alice{index}"), format!("bob{index}")] {
                users.push(User::registered(move || connect_from(server, origin), &name).await);
            }
            drop(silent);
        }
    });
}

#[test]
fn connections_of_a_site_cost_it_what_an_origin_may_as_many_times_as_its_factor_says() {
    on_virtual_time(async || {
        // Four connections at once for an origin, or two registrations, and twice that for a site.
        let limits = Limits::default().with_origin_rate(Rate { per_s: 1, burst: 320 });
        let server = start(AsyncConfig::default().with_limits(limits).with_site_factor(2));
        let of_network = |network: u16| connect_from(&server, address(&format!("2001:db8:0:{network:x}::1")));
        let mut users = Vec::new();
        for (network, name) in (1..).zip(["alice", "bob", "carol", "dave"]) {
            users.push(User::registered(move || of_network(network), name).await);
        }
        let _elsewhere = User::registered(|| connect_from(&server, address("2001:db8:1::1")), "erin").await;
        // A client waits for its answer while nothing is read of it.
        let mut frank = User::connect(|| of_network(6));
        frank.ask("frank", b"");
        let asked = Instant::now();
        let _ = frank.event().await;
        assert!(asked.elapsed() > Duration::from_secs(1), "its site has used up its rate: {:?}", asked.elapsed());
    });
}

/// Of sixteen connections the last two are a reserve, since it is an eighth at most.
#[test]
fn the_last_connections_are_for_those_who_come_back() {
    on_virtual_time(async || {
        let server = &start(AsyncConfig::default().with_connections_max(16));
        let anybody = QuotaKey(0);
        let mut users = Vec::new();
        for number in 0..14 {
            users.push(User::registered(|| connect_from(server, anybody), &format!("user{number}")).await);
        }
        // Another one is told so, and its connection is closed at once.
        let begun = Instant::now();
        let mut newcomer = connect_from(server, anybody);
        newcomer.write_all(&opening("newcomer", 0)).await.expect("it is connected");
        let refused = told(newcomer).await;
        assert!(refused.contains("keeps what is left for users who come back"), "{refused}");
        assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        // One who came before and comes back has a place, though a silent stranger has the other one.
        let silent = connect_from(server, anybody);
        let mut back = users.pop().expect("there are some");
        back.tell_oneself("user13").await;
        let other = connect_from(server, anybody);
        back.hang_up();
        let resumed = loop {
            match back.event().await {
                Event::Reconnecting { .. } => {}
                event => break event,
            }
        };
        assert!(matches!(resumed, Event::Resumed), "{resumed:?}");
        drop((silent, other, users.pop()));
        // There is room for another one.
        let _newcomer = User::registered(|| connect_from(server, anybody), "newcomer").await;
    });
}

#[test]
fn who_is_turned_away_takes_nobody_s_place_and_few_are_told_at_a_time() {
    /// So many are told at a time.
    const TOLD: usize = 64;
    on_virtual_time(async || {
        let server = start(AsyncConfig::default().with_connections_max(2));
        let one = address("192.0.2.1");
        let mut alice = User::registered(|| connect_from(&server, one), "alice").await;
        let refused: Vec<_> = (0..TOLD + 5).map(|_| connect_from(&server, one)).collect();
        alice.tell_oneself("alice").await;
        // The server waits for those that it has told, and one is half of all already.
        let _bob = User::registered(|| connect_from(&server, address("192.0.2.2")), "bob").await;
        let mut told_count = 0;
        for client in refused {
            told_count += usize::from(!told(client).await.is_empty());
        }
        assert_eq!(told_count, TOLD);
    });
}

#[test]
fn bounds_of_zero_are_refused() {
    on_virtual_time(async || {
        for (config, name) in [
            (AsyncConfig::default().with_connections_of_origin_max(0), "connections_of_origin_max"),
            (AsyncConfig::default().with_handshakes_of_origin_max(0), "handshakes_of_origin_max"),
            (AsyncConfig::default().with_site_factor(0), "site_factor"),
        ] {
            let error = AsyncServer::start(config, ()).expect_err("nobody could come");
            assert!(matches!(error, StartError::Zero { name: zero } if zero == name), "{error}");
        }
    });
}
