//! Connections without a name: from the first byte to the hub's decision.

use std::time::Duration;

use chatcore::{
    Admission, CONNECTION_COST, ConnId, Handshake, HandshakeError, Hub, Instant, Reconnect, Refusal, Registration,
};
use tracing::info;

#[cfg(feature = "tls")]
use crate::client_certificate::ClientCertificate;
use crate::closing;
use crate::config::DriverLimits;
use crate::connection::{Connection, Handshaking, Stage};
use crate::counts::Place;
#[cfg(feature = "websocket")]
use crate::file_responses;
use crate::log_in::{Decision, Facts, Pool};
use crate::peer::Peer;
use crate::table::Table;
use crate::writing;
use chatcore_transport::Transport;

/// Takes a handshake as far as the input goes. When the hub admits the connection, the rest of the input is the hub's.
/// Returns until when nothing more is read: if the origin has used up its rate with names that cannot be, or if
/// something is to be decided first.
pub(crate) fn drive_handshake(
    hub: &mut Hub,
    table: &mut Table,
    (limits, pool): (&DriverLimits, Option<&Pool>),
    now: Instant,
    key: usize,
    input: &mut &[u8],
) -> Result<Option<Instant>, HandshakeError> {
    let is_in_reserve = table.is_in_reserve();
    let peer = table.at(key).peer;
    let place = table.census.place(&peer, !limits.is_counted(&peer));
    let source = place.source(limits.site_factor);
    let connection = table.at(key);
    let Stage::Handshaking(handshaking) = &mut connection.stage else { return Ok(None) };
    loop {
        let received = handshaking.handshake.receive(now, input);
        let paused_until = match handshaking.handshake.take_cost() {
            0 => None,
            cost => hub.charge_origin(now, source, cost),
        };
        let Some(registration) = received? else { return Ok(paused_until) };
        let mut registration = registration.with_source(source);
        if let Some(time) = handshaking.resume_time_max {
            registration = registration.with_resume_time_max(time).expect("a listener has no longer one");
        }
        // Whoever refuses it, and if nobody decides before it is gone.
        if let Err(refusal) = hub.charge_registration(now, &mut registration) {
            handshaking.handshake.refuse(now, &refusal)?;
            continue;
        }
        if is_in_reserve && !registration.is_resumption() {
            handshaking.handshake.refuse(now, &Refusal::ConnectionsReserved)?;
            continue;
        }
        let facts = facts(connection.peer, place, &connection.transport, handshaking);
        let deciding = pool.filter(|_| !registration.is_resumption());
        let outcome = match deciding.map(|pool| (pool, pool.decide_at_once(&registration, &facts))) {
            None => admit(hub, pool, now, registration, Admission::NewUser),
            Some((_, Some(Ok(admission)))) => admit(hub, pool, now, registration, admission),
            Some((_, Some(Err(refusal)))) => Err(refusal),
            Some((pool, None)) => match pool.ask(key, place, registration, facts) {
                Ok(undecided) => {
                    handshaking.undecided = Some(undecided);
                    let until = handshaking.handshake.poll_timeout().unwrap_or(Instant::MAX);
                    // The decision may have less time than the handshake had.
                    arm(table, key);
                    return Ok(Some(until));
                }
                Err(refusal) => Err(refusal),
            },
        };
        let refusal = match outcome {
            Ok(conn) => {
                table.open(key, conn);
                return Ok(None);
            }
            Err(refusal) => refusal,
        };
        handshaking.handshake.refuse(now, &refusal)?;
    }
}

/// What whoever decides about a name may know of its connection.
fn facts(peer: Peer, place: Place, transport: &Transport, handshaking: &Handshaking) -> Facts {
    Facts {
        peer,
        place,
        is_proxied: handshaking.is_proxied,
        is_encrypted: transport.is_encrypted() || handshaking.is_encrypted_before,
        #[cfg(feature = "tls")]
        certificate: transport
            .tls_session()
            .and_then(|session| session.peer_certificates()?.first())
            .map(ClientCertificate::new),
    }
}

/// What the server keeps in the hub with a user that has an owner, who may come back to it.
const OWNED: u64 = 1;

/// Lets the hub have a client that was decided about.
fn admit(
    hub: &mut Hub,
    pool: Option<&Pool>,
    now: Instant,
    registration: Registration,
    admission: Admission,
) -> Result<ConnId, Refusal> {
    let is_owner = admission != Admission::NewUser && pool.is_some_and(|pool| pool.do_guests_make_way);
    let owned = is_owner.then(|| registration.name().clone());
    if let Some(name) = &owned
        && hub.user_value(name) != OWNED
    {
        // A guest makes way for an owner who gets in. The owner's origin has been charged already.
        hub.check_origin(&registration)?;
        hub.kick_because(now, name, "the owner of the name has logged in");
    }
    let conn = hub.admit_as(now, registration, admission).map_err(|not_admitted| not_admitted.refusal)?;
    if let Some(name) = &owned {
        hub.set_user_value(name, OWNED);
    }
    Ok(conn)
}

/// A decision has been made. Its connection may be gone by now.
pub(crate) fn decided(
    hub: &mut Hub,
    table: &mut Table,
    pool: &Pool,
    limits: &DriverLimits,
    now: Instant,
    decision: Decision,
) {
    let key = decision.key;
    let Some(Stage::Handshaking(handshaking)) = table.get_mut(key).map(|connection| &mut connection.stage) else {
        return;
    };
    if handshaking.undecided.take_if(|undecided| decision.is_for(undecided)).is_none() {
        return;
    }
    let Decision { registration, outcome, .. } = decision;
    let refusal = match outcome {
        Ok(admission) => match admit(hub, Some(pool), now, registration, admission) {
            Ok(conn) => {
                table.open(key, conn);
                return table.end_pause(now, key);
            }
            Err(refusal) => refusal,
        },
        Err(refusal) => refusal,
    };
    match handshaking.handshake.refuse(now, &refusal) {
        Ok(()) => {
            writing::write(hub, table, now, key);
            // Writing may have found that it broke.
            if table.get_mut(key).is_some() {
                table.end_pause(now, key);
            }
        }
        Err(error) => end(hub, table, limits, now, key, &error),
    }
}

/// The cost of the opening of a WebSocket for its origin, in the units of protocol.md, *Cost*: its head is parsed and
/// its key is hashed, which takes some 10 µs.
const OPENING_COST: u32 = 16;

/// What it costs to begin a connection, if a handshake of TLS costs so much.
const fn cost(transport: &Transport, tls_handshake_cost: u32) -> u32 {
    // Another crate of the same build may give the type kinds that this one does not make.
    let tls = if transport.is_encrypted() { tls_handshake_cost } else { 0 };
    let opening = if transport.is_websocket() { OPENING_COST } else { 0 };
    CONNECTION_COST.saturating_add(tls).saturating_add(opening)
}

/// Takes in a connection, and gives its key. Its session waits for this time when it breaks, or for the hub's.
pub(crate) fn open(
    hub: &Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    transport: Transport,
    peer: Peer,
    resume_time_max: Option<Duration>,
) -> usize {
    let handshake = Handshake::new(now, hub.limits());
    let mut connection = Connection::new(now, transport, peer, handshake);
    connection.is_origin_shared = !limits.is_counted(&peer);
    if let Stage::Handshaking(handshaking) = &mut connection.stage {
        handshaking.resume_time_max = resume_time_max;
    }
    table.insert(connection)
}

/// Charges a new connection to its origin. Whether something is read of it now.
pub(crate) fn charge(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) -> bool {
    let tls_handshake_cost = table.tls_handshake_cost;
    let connection = table.at(key);
    let (peer, cost) = (connection.peer, cost(&connection.transport, tls_handshake_cost));
    let Some(until) = hub.charge_origin(now, table.census.source(&peer, limits), cost) else { return true };
    table.pause(key, until);
    false
}

/// Charges a connection that is turned away to its origin. Nothing above its socket is done.
pub(crate) fn charge_turned_away(hub: &mut Hub, table: &Table, limits: &DriverLimits, now: Instant, peer: &Peer) {
    // There is nothing of it that could wait.
    let _ = hub.charge_origin(now, table.census.source(peer, limits), CONNECTION_COST);
}

/// Enters the deadline of a handshake among those of the driver.
fn arm(table: &mut Table, key: usize) {
    table.change(key, |connection| {
        if let Stage::Handshaking(handshaking) = &mut connection.stage {
            handshaking.armed = handshaking.handshake.poll_timeout().unwrap_or(Instant::MAX);
        }
    });
}

/// Looks at a handshake whose time has come.
pub(crate) fn handle_timeout(hub: &mut Hub, table: &mut Table, limits: &DriverLimits, now: Instant, key: usize) {
    let Stage::Handshaking(handshaking) = &mut table.at(key).stage else { return };
    match handshaking.handshake.handle_timeout(now) {
        // A refusal has moved the deadline since it was entered.
        Ok(()) => arm(table, key),
        #[cfg(feature = "websocket")]
        Err(_) if file_responses::cut(table, limits, now, key) => {}
        Err(error) => end(hub, table, limits, now, key, &error),
    }
}

/// A handshake has failed: what it has to say is written as far as that is possible at once.
pub(crate) fn end(
    hub: &mut Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    key: usize,
    error: &HandshakeError,
) {
    info!(peer = %table.at(key).peer, reason = %error, "closed before it had a name");
    writing::write(hub, table, now, key);
    closing::linger(table, limits, now, key);
}

/// Closes a connection without a name because others need its place.
pub(crate) fn make_room(hub: &mut Hub, table: &mut Table, now: Instant, key: usize) {
    let connection = table.at(key);
    let Stage::Handshaking(handshaking) = &mut connection.stage else { return };
    handshaking.handshake.turn_away(&Refusal::ConnectionsReserved);
    info!(peer = %connection.peer, reason = %Refusal::ConnectionsReserved, "closed before it had a name");
    writing::write(hub, table, now, key);
    // Writing may have found that it broke. What is unread of it is not waited for.
    if let Some(connection) = table.get_mut(key) {
        let _ = connection.transport.make_room();
        table.remove(key);
    }
}

/// Ends all handshakes because the server stops.
pub(crate) fn shut_down(
    hub: &mut Hub,
    table: &mut Table,
    limits: &DriverLimits,
    now: Instant,
    reconnect: Option<&Reconnect>,
) {
    for key in table.keys() {
        if let Stage::Handshaking(handshaking) = &mut table.at(key).stage {
            handshaking.handshake.shut_down(reconnect);
            writing::write(hub, table, now, key);
            closing::go_away(table, limits, now, key);
        }
    }
}

#[cfg(all(test, unix))]
mod tests;
