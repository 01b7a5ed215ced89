//! Connections that proxies carry: whose they are is in a header that comes before all else.

use chatcore::{Hub, Instant, Refusal};
use chatcore_transport::ProxyError;
use tracing::{debug, info};

use crate::config::DriverLimits;
use crate::connection::Stage;
use crate::peer::Peer;
use crate::table::Table;
use crate::{closing, handshakes};

/// What those are told who are no proxies, whatever they speak.
const WORDS: &[u8] =
    b"Connections come to this port through a proxy, which sends a header of the PROXY protocol first.\n";

/// A proxy has come: the header is read before all else.
pub(crate) fn begin(table: &mut Table, key: usize) {
    if let Stage::Handshaking(handshaking) = &mut table.at(key).stage {
        handshaking.proxy = Some(Box::default());
    }
}

/// Turns away who has come to an address for proxies, and is none.
pub(crate) fn refuse_stranger(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    let reason = "it comes from no address of a proxy: who runs the server can add it to proxy_from";
    refuse(hub, table, limits, now, key, &reason);
}

fn refuse(
    hub: &mut Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    key: usize,
    reason: &dyn std::fmt::Display,
) {
    let peer = table.at(key).peer;
    handshakes::charge_turned_away(hub, table, limits, now, &peer);
    let connection = table.at(key);
    info!(peer = %connection.peer, %reason, "closed before it had a name");
    // Whoever does not take it at once is not waited for.
    let _ = connection.transport.say_below(WORDS);
    closing::linger(table, limits, now, key);
}

/// There is no room for one more connection from where this one comes.
fn turn_away(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize, refusal: &Refusal) {
    let peer = table.at(key).peer;
    handshakes::charge_turned_away(hub, table, limits, now, &peer);
    let connection = table.at(key);
    info!(peer = %connection.peer, reason = %refusal, "turned away");
    if let Stage::Handshaking(handshaking) = &mut connection.stage {
        handshaking.handshake.turn_away(refusal);
        connection.transport.turn_away(handshaking.handshake.transmit());
    }
    closing::linger_turned_away(table, limits, now, key);
}

/// Takes the header, if one is to come. Whether more may be read now.
pub(crate) fn take_header(
    hub: &mut Hub,
    table: &mut Table,
    (limits, room): (&DriverLimits, usize),
    now: Instant,
    key: usize,
) -> bool {
    let connection = table.at(key);
    let Stage::Handshaking(handshaking) = &mut connection.stage else { return true };
    let Some(reader) = &mut handshaking.proxy else { return true };
    match connection.transport.read_proxy_header(reader) {
        Ok(None) => {
            connection.readiness.readable = false;
            false
        }
        Ok(Some(proxied)) => {
            handshaking.proxy = None;
            handshaking.is_proxied = true;
            handshaking.is_encrypted_before = proxied.is_encrypted;
            if let Some(source) = proxied.source {
                debug!(peer = %source, proxy = %connection.peer, "comes through a proxy");
                let peer = Peer::from(source).named_by(&connection.peer);
                let has_room = table.census.check(&peer, limits, room);
                table.set_peer(key, peer, limits);
                if let Err(refusal) = has_room {
                    turn_away(hub, table, limits, now, key, &refusal);
                    return false;
                }
            } else {
                // The proxy speaks for itself, or for nobody that it knows: for no user of this machine.
                let peer = connection.peer.without_user();
                table.set_peer(key, peer, limits);
            }
            handshakes::charge(hub, table, limits, now, key)
        }
        Err(ProxyError::Broken(error)) => {
            closing::broke(table, key, Err(error));
            false
        }
        // Proxies look in this way whether a server is there.
        Err(ProxyError::Cut) if reader.is_empty() => {
            closing::broke(table, key, Ok(()));
            false
        }
        Err(error) => {
            refuse(hub, table, limits, now, key, &error);
            false
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;
    use std::net::SocketAddr;
    use std::os::unix::net::UnixStream;

    use chatcore::{CONNECTION_COST, Handshake, Limits, Rate};
    use chatcore_transport::{Socket, Transport};

    use super::*;
    use crate::connection::Connection;

    const NOW: Instant = Instant::from_millis(1);

    #[test]
    fn who_is_turned_away_costs_its_origin_a_connection() {
        let rate = Rate { per_s: 10, burst: CONNECTION_COST + 10 };
        let (peer, limits) = (Peer::from(SocketAddr::from(([192, 0, 2, 7], 1))), DriverLimits::default());
        let ways: [fn(&mut Hub, &mut Table, &DriverLimits, usize); 2] = [
            |hub, table, limits, key| refuse_stranger(hub, table, limits, NOW, key),
            |hub, table, limits, key| turn_away(hub, table, limits, NOW, key, &Refusal::ConnectionsReserved),
        ];
        for way in ways {
            let mut hub = Hub::new(Limits::default().with_origin_rate(rate), [7; 32]);
            let mut table = Table::default();
            let (ours, _theirs) = UnixStream::pair().expect("the system has sockets");
            let transport = Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
            let key = table.insert(Connection::new(NOW, transport, peer, Handshake::new(NOW, hub.limits())));
            way(&mut hub, &mut table, &limits, key);
            let origin = table.census.origin(&peer);
            assert!(hub.charge_origin(NOW, origin, CONNECTION_COST) > Some(NOW), "there was enough for one");
        }
    }

    #[test]
    fn a_proxy_over_a_unix_socket_that_speaks_for_itself_is_counted_as_one_program_of_this_machine() {
        let mut hub = Hub::new(Limits::default(), [7; 32]);
        let (mut table, limits) = (Table::default(), DriverLimits::default());
        let (ours, mut theirs) = UnixStream::pair().expect("the system has sockets");
        ours.set_nonblocking(true).expect("a socket may be told not to block");
        let transport = Transport::Plain(Socket::Unix(mio::net::UnixStream::from_std(ours)));
        let peer = Peer::Local { uid: Some(1_000) };
        let key = table.insert(Connection::new(NOW, transport, peer, Handshake::new(NOW, hub.limits())));
        begin(&mut table, key);
        // A header of version 2 for LOCAL, without addresses.
        theirs.write_all(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0").expect("there is room");
        assert!(take_header(&mut hub, &mut table, (&limits, 10), NOW, key));
        assert_eq!(table.at(key).peer, Peer::Local { uid: None });
        assert!(table.at(key).is_origin_shared, "many may come through it");
        table.remove(key);
        assert!(table.census.is_empty(), "{:?}", table.census);
    }
}
