//! From the hub, or a handshake, to the transport.

use chatcore::{Hub, Instant};

use crate::closing;
use crate::connection::Stage;
use crate::table::Table;
use chatcore_transport::{Flushed, Written};

/// Bytes that are written to one connection before others have their turn.
const WRITE_BYTES_MAX: usize = 256 << 10;

/// The same while others wait who have little to read. One such write goes after each eight of theirs, and the system
/// may take 10 µs for a KiB when its memory is short.
const PIECE_BYTES_MAX: usize = 32 << 10;

/// Writes as much as the transport takes now, up to a bound. When it takes more, it tells, and this is to be called
/// again.
pub(crate) fn write(hub: &mut Hub, table: &mut Table, now: Instant, key: usize) {
    let connection = table.at(key);
    if connection.readiness.blocked {
        return;
    }
    let mut bytes_max = if hub.has_short_writes() { PIECE_BYTES_MAX } else { WRITE_BYTES_MAX };
    loop {
        let chunks = match &connection.stage {
            Stage::Handshaking(handshaking) => Some(handshaking.handshake.transmit()),
            Stage::Open(conn) => Some(hub.transmit(*conn)),
            Stage::Lingering { .. } => None,
            Stage::Broken { .. } => return,
        };
        let Some(chunks) = chunks.filter(|chunks| !chunks.is_empty()) else {
            // The transport may keep what it took before.
            match connection.transport.flush() {
                #[cfg(feature = "websocket")]
                Flushed::All if connection.transport.response().is_some_and(|response| !response.is_sent()) => {
                    return table.write_later(key);
                }
                Flushed::All => return table.said_all(key),
                Flushed::Blocked => {
                    connection.readiness.blocked = true;
                    return;
                }
                Flushed::Broken(error) => return closing::broke(table, key, Err(error)),
            }
        };
        if bytes_max == 0 {
            return table.write_later(key);
        }
        match connection.transport.write(chunks, bytes_max) {
            Written::Bytes(count) => {
                bytes_max -= count;
                match &mut connection.stage {
                    Stage::Handshaking(handshaking) => handshaking.handshake.transmitted(count),
                    Stage::Open(conn) => {
                        hub.transmitted(now, *conn, count).expect("the hub has just given what to write");
                    }
                    Stage::Broken { .. } | Stage::Lingering { .. } => return,
                }
            }
            Written::Blocked => {
                connection.readiness.blocked = true;
                return;
            }
            Written::Broken(error) => return closing::broke(table, key, Err(error)),
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Read;
    use std::net::TcpListener;

    use chatcore::wire::{ClientMessage, Message, Send};
    use chatcore::{Action, Handshake, Limits, Received};
    use mio::net::TcpStream;
    use socket2::SockRef;

    use super::*;
    use crate::connection::Connection;
    use crate::peer::Peer;
    use crate::reading::tests::admit;
    use chatcore_transport::{Socket, Transport};

    const NOW: Instant = Instant::from_millis(1);

    #[test]
    fn a_long_outbox_is_written_in_pieces_and_in_small_ones_while_others_wait() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = listener.local_addr().expect("it listens");
        let mut peer = std::net::TcpStream::connect(address).expect("it listens");
        let (stream, _) = listener.accept().expect("somebody connects");
        stream.set_nonblocking(true).expect("a socket may be told not to block");
        SockRef::from(&stream).set_send_buffer_size(4 * WRITE_BYTES_MAX).expect("the system has that much");

        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let alice = admit(&mut hub, "alice");
        fill(&mut hub, alice, "alice", 3 * (WRITE_BYTES_MAX >> 14));
        let mut table = Table::default();
        let handshake = Handshake::new(NOW, hub.limits());
        let transport = Transport::Plain(Socket::Tcp(TcpStream::from_std(stream)));
        let key = table.insert(Connection::new(NOW, transport, address.into(), handshake));
        table.open(key, alice);
        assert_eq!(hub.poll_action(), Some(Action::Write { conn: alice }));
        let mut arrived = vec![0; WRITE_BYTES_MAX];
        let mut written = |hub: &mut Hub| {
            let before = hub.transmit(alice).bytes();
            write(hub, &mut table, NOW, key);
            let left = hub.transmit(alice).bytes();
            peer.read_exact(&mut arrived[..before - left]).expect("this has been written");
            assert_eq!(table.next_to_write(), (left > 0).then_some(key), "what is left has its turn later");
            before - left
        };
        assert_eq!(written(&mut hub), WRITE_BYTES_MAX);
        let bob = admit(&mut hub, "bob");
        assert_eq!([written(&mut hub), written(&mut hub)], [PIECE_BYTES_MAX; 2]);
        assert_eq!(hub.poll_action(), Some(Action::Write { conn: bob }));
        assert_eq!(written(&mut hub), WRITE_BYTES_MAX);
        assert!(written(&mut hub) < WRITE_BYTES_MAX, "that was the rest");
    }

    /// What its user says to itself: so many bytes are for it to be written.
    fn fill(hub: &mut Hub, user: chatcore::ConnId, name: &str, bodies: usize) {
        let mut said = Vec::new();
        for _ in 0..bodies {
            ClientMessage::Send(Send { to: name, body: &[0; 16 << 10] }).encode(&mut said);
        }
        let mut input = &said[..];
        while hub.receive(NOW, user, &mut input) == Ok(Received::More) {}
        assert_eq!(input, b"", "all is taken");
    }

    #[cfg(all(unix, feature = "tls"))]
    #[test]
    fn what_tls_keeps_goes_out_when_the_hub_has_nothing_more() {
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let alice = admit(&mut hub, "alice");
        let (transport, mut peer) = tls_pair();
        let mut table = Table::default();
        let handshake = Handshake::new(NOW, hub.limits());
        let key = table.insert(Connection::new(NOW, transport, Peer::Local { uid: None }, handshake));
        table.open(key, alice);
        fill(&mut hub, alice, "alice", 1);
        let bytes = hub.transmit(alice).bytes();
        write(&mut hub, &mut table, NOW, key);
        assert_eq!(hub.transmit(alice).bytes(), 0, "TLS has it all");
        assert!(table.at(key).readiness.blocked, "and its socket does not");
        // The peer takes some, and the system tells of that, until all has come.
        let mut arrived = 0;
        while arrived < bytes {
            peer.conn.read_tls(&mut peer.sock).expect("more is on its way");
            let state = peer.conn.process_new_packets().expect("the two speak TLS");
            let mut piece = vec![0; state.plaintext_bytes_to_read()];
            peer.conn.reader().read_exact(&mut piece).expect("it is there");
            arrived += piece.len();
            table.writable(key);
            while let Some(key) = table.next_to_write() {
                write(&mut hub, &mut table, NOW, key);
            }
        }
        assert!(!table.at(key).readiness.blocked);
    }

    /// A server's end that holds little, and a client's end that waits.
    #[cfg(all(unix, feature = "tls"))]
    pub(crate) fn tls_pair()
    -> (Transport, rustls::StreamOwned<rustls::ClientConnection, std::os::unix::net::UnixStream>) {
        use std::os::unix::net::UnixStream;
        use std::sync::Arc;

        use chatcore_transport::{Input, TlsStream};
        use rustls::crypto::ring;
        use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
        use rustls::{ClientConfig, ClientConnection, RootCertStore, ServerConfig};

        let signed = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it is a name");
        let certificate = CertificateDer::from(signed.cert.der().to_vec());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signed.signing_key.serialize_der()));
        let provider = Arc::new(ring::default_provider());
        let server = ServerConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.clone()], key)
            .expect("they belong together");
        let mut roots = RootCertStore::empty();
        roots.add(certificate).expect("it is a certificate");
        let client = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider speaks them")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("it is a name");
        let client = ClientConnection::new(Arc::new(client), name).expect("the configuration is right");

        let (ours, theirs) = UnixStream::pair().expect("the system has sockets");
        ours.set_nonblocking(true).expect("a socket may be told not to block");
        SockRef::from(&ours).set_send_buffer_size(4 << 10).expect("it may be small");
        let socket = Socket::Unix(mio::net::UnixStream::from_std(ours));
        let server = TlsStream::server(socket, Arc::new(server)).expect("there is randomness");
        let mut server = Transport::Tls(Box::new(server));
        let mut client = rustls::StreamOwned::new(client, theirs);
        while client.conn.is_handshaking() || server.tls_session().is_some_and(|session| session.is_handshaking()) {
            while client.conn.wants_write() {
                client.conn.write_tls(&mut client.sock).expect("it is open");
            }
            let input = server.read(&mut [0]);
            assert!(!matches!(input, Input::End(_)), "{input:?}");
            if client.conn.is_handshaking() {
                client.conn.read_tls(&mut client.sock).expect("it is open");
                client.conn.process_new_packets().expect("the two speak TLS");
            }
        }
        (server, client)
    }
}
