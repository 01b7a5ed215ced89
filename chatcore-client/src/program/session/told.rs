//! What events tell by themselves.

use crate::{Event, UserName};
use chatcore::DeliveryStatus;

use crate::program::report::{Body, Id, Named, Report};

/// The report of an event that needs nothing but itself and our name, with its spelling if that is another. None if
/// what it tells depends on what was asked for before.
pub(crate) fn told(event: Event, own_name: &str, own_spelling: Option<&str>) -> Option<Report> {
    let named = |name: UserName| {
        let spelling = own_spelling.filter(|_| name.as_str() == own_name);
        Named::new(name.as_str(), spelling.map(str::to_owned))
    };
    Some(match event {
        Event::Message { id, from, room, body, .. } => {
            let to = room.map_or_else(|| own_name.to_owned(), |room| room.to_string());
            let time = id.unix_time().as_millis();
            Report::Message { id: id.into(), time, from: named(from), to, body: Body::new(body) }
        }
        Event::Sent { id, to, body, .. } => {
            let (time, to) = (id.unix_time().as_millis(), to.to_string());
            Report::Sent { id: id.into(), time, to, body: Body::new(body) }
        }
        Event::Report { status, to, ids, .. } => {
            let (to, ids) = (to.to_string(), ids.into_iter().map(Id::from).collect());
            match status {
                DeliveryStatus::Undelivered => Report::Undelivered { to, ids },
                _ => Report::Unconfirmed { to, ids },
            }
        }
        Event::Renamed { from, name, display_name, detail, .. } => {
            Report::Renamed { from: from.to_string(), name: name.to_string(), display_name, detail }
        }
        Event::Joined { room, name, display_name, .. } => {
            Report::Joined { room: room.to_string(), name: name.to_string(), display_name }
        }
        Event::Left { room, name, code, .. } => {
            Report::Left { room: room.to_string(), name: named(name), reason: code.to_string() }
        }
        Event::Missed { room, first_id, last_id, count, .. } => {
            let (first_id, last_id) = (first_id.into(), last_id.into());
            Report::Missed { room: room.to_string(), count, first_id, last_id }
        }
        Event::Stale { room, .. } => Report::Stale { room: room.to_string() },
        Event::Presence { name, online, display_name, .. } => {
            Report::Presence { name: name.to_string(), online, display_name }
        }
        _ => return None,
    })
}
