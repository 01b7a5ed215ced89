//! A server that is started again under the bot of the examples, and is not always there.

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use chatcore_client::{AsyncClient, ClientConfig, Dial, Event};
use chatcore_server::chatcore::{Limits, QuotaKey};
use chatcore_server::{AsyncConfig, AsyncServer};
use tokio::io::{DuplexStream, duplex};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{next, on_virtual_time, tokio_bot};

/// Bytes that wait on a connection in each direction.
const PIPE_BYTES: usize = 64 << 10;

/// A place at which a server is, or is not.
#[derive(Clone, Default)]
struct Place(Rc<Inner>);

#[derive(Default)]
struct Inner {
    server: RefCell<Option<AsyncServer>>,
    connections: RefCell<JoinSet<()>>,
    /// Rung when somebody has found no server.
    missed: Notify,
    /// The bot does not find it.
    is_hidden: Cell<bool>,
}

impl Place {
    fn start(&self) {
        let server = AsyncServer::start(AsyncConfig::default(), ()).expect("it can start");
        assert!(self.0.server.replace(Some(server)).is_none(), "one at a time");
    }

    /// The process ends at once, and all that it knows is gone.
    fn kill(&self) {
        self.0.server.take().expect("it runs");
        self.0.connections.take().abort_all();
    }

    /// The server says goodbye, and not when to come again.
    async fn stop(&self) {
        let server = self.0.server.take().expect("it runs");
        server.shut_down(None);
        server.stopped().await;
    }

    fn connect(&self) -> io::Result<DuplexStream> {
        let server = self.0.server.borrow();
        let Some(server) = server.as_ref() else { return Err(io::ErrorKind::ConnectionRefused.into()) };
        let (ours, theirs) = duplex(PIPE_BYTES);
        self.0.connections.borrow_mut().spawn(server.serve_connection(theirs, QuotaKey(1)));
        Ok(ours)
    }

    fn dialer(&self) -> impl Dial + use<> {
        let place = self.clone();
        move |_: Option<String>| {
            let stream =
                if place.0.is_hidden.get() { Err(io::ErrorKind::ConnectionRefused.into()) } else { place.connect() };
            if stream.is_err() {
                place.0.missed.notify_one();
            }
            std::future::ready(stream)
        }
    }

    async fn user(&self, name: &str) -> AsyncClient<impl Dial + use<>> {
        let place = self.clone();
        let dial = move |_: Option<String>| std::future::ready(place.connect());
        let mut client = AsyncClient::connect(dial, ClientConfig::default()).await.expect("there is a server");
        client.register(name, b"").expect("a new client may register");
        let event = next(&mut client).await;
        assert!(matches!(event, Event::Registered { .. }), "{event:?}");
        client
    }

    /// Waits until the bot has greeted somebody.
    async fn is_greeted(&self) {
        let mut guest = self.user("guest").await;
        let mut visitor = self.user("visitor").await;
        guest.join("#lobby").expect("it has a session");
        loop {
            match next(&mut guest).await {
                Event::Joined { name, .. } if name.as_str() == "greeter" => {
                    visitor.join("#lobby").expect("it has a session");
                    visitor.flush().await.expect("it is not over");
                }
                Event::Message { from, body, .. } => {
                    assert_eq!(from.as_str(), "greeter");
                    return assert!(body.starts_with(b"welcome, "), "{body:?}");
                }
                // If the bot was there first, it greets the guest.
                Event::Done { .. } | Event::Joined { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn the_bot_stays_whatever_happens_to_the_server() {
    on_virtual_time(async || {
        let place = Place::default();
        let script = async {
            // The server is not up yet.
            for _ in 0..3 {
                place.0.missed.notified().await;
            }
            place.start();
            place.is_greeted().await;

            // It is killed.
            place.kill();
            place.0.missed.notified().await;
            place.start();
            place.is_greeted().await;

            // It stops as a server does, without a hint.
            place.stop().await;
            place.0.missed.notified().await;
            place.start();
            place.is_greeted().await;

            // It has a session of the bot of which this process knows nothing.
            place.0.is_hidden.set(true);
            place.kill();
            place.start();
            let mut before = place.user("greeter").await;
            before.flush().await.expect("it is not over");
            before.detach();
            let begun = Instant::now();
            place.0.is_hidden.set(false);
            place.is_greeted().await;
            assert!(begun.elapsed() >= Limits::default().resume_time_max, "the name was in use for that long");
        };
        let running = Box::pin(tokio_bot::run(place.dialer(), "#lobby", script));
        running.await.expect("it is stopped, and not refused");
    });
}
