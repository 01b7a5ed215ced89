//! What TLS agrees on: the protocol above it, and the way back into a session of TLS.

use std::io::Read;
use std::sync::Arc;

use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, HandshakeKind};

use crate::client_certificates::Authority;
use crate::support::Peer;
use crate::tls::{Stream, TlsServer};

/// A user over a new connection with this configuration, which keeps the tickets that come.
fn register(tls: &TlsServer, config: &Arc<ClientConfig>, name: &str) -> Peer<Stream> {
    Peer::registered_over(tls.connect_with(config), name)
}

fn kind_of(peer: &Peer<Stream>) -> HandshakeKind {
    peer.stream.conn.handshake_kind().expect("the handshake is over")
}

#[test]
fn a_client_that_comes_back_resumes_by_its_ticket() {
    for version in [&TLS12, &TLS13] {
        let tls = TlsServer::start(&[]);
        let config = tls.identity.client(version);
        let kinds = ["first", "second"].map(|name| kind_of(&register(&tls, &config, name)));
        assert_eq!(kinds, [HandshakeKind::Full, HandshakeKind::Resumed], "{version:?}");
    }
}

#[test]
fn a_ticket_is_of_no_use_after_another_certificate_was_read() {
    let mut tls = TlsServer::start(&[]);
    let config = tls.identity.client(&TLS13);
    assert_eq!(kind_of(&register(&tls, &config, "alice")), HandshakeKind::Full);
    tls.server.signal("HUP");
    tls.server.logged(&["the certificate was read again"]);
    assert_eq!(kind_of(&register(&tls, &config, "bob")), HandshakeKind::Full);
}

#[test]
fn where_clients_are_asked_for_certificates_each_handshake_looks_at_them() {
    let (authority, folder) = (Authority::new(), tempfile::tempdir().expect("there is a place for temporary files"));
    for flags in [&["--certificate-users", "yes"][..], &["--tls-client-auth", "required"]] {
        for version in [&TLS12, &TLS13] {
            let tls = authority.server(&folder, flags);
            let (certificate, key) = authority.certify("alice");
            let config = tls.identity.client_builder(rustls::crypto::ring::default_provider(), version);
            let config = Arc::new(config.with_client_auth_cert(vec![certificate], key).expect("they belong together"));
            for name in ["first", "second"] {
                assert_eq!(kind_of(&register(&tls, &config, name)), HandshakeKind::Full, "{version:?} {flags:?}");
            }
        }
    }
}

#[test]
fn by_alpn_a_client_gets_what_it_asks_for_and_nothing_else_is_spoken() {
    for version in [&TLS12, &TLS13] {
        let tls = TlsServer::start(&[]);
        let with_alpn = |protocols: &[&str]| {
            let mut config = (*tls.identity.client(version)).clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
            Arc::new(config)
        };
        let ours = (&["chatcore/1"][..], Some("chatcore/1"));
        for (number, (asked, agreed)) in [ours, (&["h2", "http/1.1"], Some("http/1.1")), (&[], None)].iter().enumerate()
        {
            let user = register(&tls, &with_alpn(asked), &format!("user{number}"));
            assert_eq!(user.stream.conn.alpn_protocol(), agreed.map(str::as_bytes), "{asked:?}");
        }
        let mut stranger = tls.connect_with(&with_alpn(&["h2"]));
        let error = stranger.read(&mut [0]).expect_err("nobody speaks it here");
        assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    }
}
