//! Where a server's advice leads a client that is connected over TLS.

use std::io::ErrorKind;

use serde_json::json;

use crate::programs::proxy::Proxy;
use crate::programs::{Program, Server};
use crate::tls::TlsServer;
use crate::{listen, registered};

const HOSTS: [&str; 2] = ["localhost", "127.0.0.1"];

/// A server that advises its clients to go elsewhere when it stops, what leads to it, and a client.
fn advised(to: &str) -> (TlsServer, Proxy, Program) {
    let tls = TlsServer::for_hosts(&HOSTS, &["--reconnect-after", "0s", "--reconnect-to", to]);
    let proxy = Proxy::start(tls.server.address.strip_prefix("tls://").unwrap(), 0, 0);
    let address = format!("tls://{}", proxy.address);
    let alice = tls.server.client_at(&address, &["--ca", &tls.ca, "--json", "--name", "alice", "--stay"]);
    alice.expect(&registered("alice"));
    (tls, proxy, alice)
}

/// The next thing that a client tells beside its attempts to connect.
fn news(client: &Program) -> serde_json::Value {
    loop {
        let event = client.event();
        if event["event"] != "reconnecting" {
            return event;
        }
    }
}

#[track_caller]
fn arrives(client: &Program) {
    assert_eq!(news(client), json!({"event": "session_lost"}), "the other server does not know it");
    assert_eq!(news(client), json!({"event": "registered", "name": "alice"}));
}

#[test]
fn advice_that_leads_out_of_tls_is_not_followed() {
    let (trap, port) = listen();
    let (tls, proxy, alice) = advised(&format!("tcp://127.0.0.1:{port}"));
    // Where it was before, there is somebody.
    let second = tls.another(&HOSTS, &[]);
    proxy.lead_to(second.address.strip_prefix("tls://").unwrap());
    tls.server.program.signal("TERM");
    arrives(&alice);
    trap.set_nonblocking(true).unwrap();
    assert_eq!(trap.accept().unwrap_err().kind(), ErrorKind::WouldBlock, "nobody came there");
}

#[test]
fn advice_without_a_scheme_is_meant_over_tls() {
    let second = TlsServer::start();
    // The same authority vouches for both.
    let place = second.server.address.strip_prefix("tls://").unwrap();
    let first = second.another(&HOSTS, &["--reconnect-after", "0s", "--reconnect-to", place]);
    let alice = first.client(&["--ca", &second.ca, "--json", "--name", "alice", "--stay"]);
    alice.expect(&registered("alice"));
    first.program.signal("TERM");
    arrives(&alice);
    let bob = second.server.client_at(&second.tcp, &["--json", "--name", "bob"]);
    bob.expect(&registered("bob"));
    let mut bob = bob;
    bob.write("/who\n");
    bob.expect(r#"{"event":"online","names":["alice","bob"]}"#);
}

#[test]
fn who_is_advised_must_show_a_certificate_for_the_host_of_the_advice() {
    // Somebody whom the client does not trust, with a certificate for the right host.
    let stranger = TlsServer::start();
    let (tls, proxy, alice) = advised(stranger.server.address.strip_prefix("tls://").unwrap());
    let second: Server = tls.another(&HOSTS, &[]);
    proxy.lead_to(second.address.strip_prefix("tls://").unwrap());
    tls.server.program.signal("TERM");
    arrives(&alice);
    let mut bob = second.client_at(&second.address, &["--ca", &tls.ca, "--json", "--name", "bob"]);
    bob.expect(&registered("bob"));
    bob.write("/who\n");
    bob.expect(r#"{"event":"online","names":["alice","bob"]}"#);
}
