//! A server from outside: it is connected to, crashes, is stopped, and does what is due.

use alloc::format;
use core::mem;
use core::time::Duration;

use super::around::Around;
use super::connection::{Entrance, PendingConn};
use super::parts::Server;
use super::program::Program;
use super::work::{new_hub, of_call_max};
use crate::sim::links::Links;
use crate::sim::names::{name_of, spelling_of, user_with_name};
use crate::sim::network::{End, WireId};
use crate::sim::violation::{Property, Violation};
use crate::{Admission, Handshake, Instant, Reconnect, RenameError, UserName};

impl Server {
    /// A connection was made to it.
    pub(in crate::sim) fn accept(&mut self, around: &mut Around<'_>, wire: WireId, entrance: Entrance) {
        if self.is_up() {
            let admission = if entrance.is_vouched { Admission::TakeOver } else { self.admission };
            let handshake = Handshake::new(around.now, &self.limits);
            self.pending_conns.insert(wire, PendingConn::new(handshake, entrance, admission));
        } else {
            around.network.close(around.now, wire, End::Server);
        }
    }

    /// It dies. After some time there is another one, which knows nothing of this.
    pub(in crate::sim) fn crash(&mut self, around: &mut Around<'_>, up_at: Instant) {
        around.trace.note(around.now, format_args!("the hub is gone until {up_at}"));
        self.hub = None;
        self.strangers = 0;
        self.debts.clear();
        self.is_stopping = false;
        self.drain_by = None;
        self.bans.clear();
        if let Some(program) = &mut self.program {
            program.forget();
        }
        // Ids of messages hold the time, and rise from one hub to the next.
        self.up_at = up_at.max(around.now + Duration::from_millis(2));
        for wire in mem::take(&mut self.pending_conns).into_keys().chain(mem::take(&mut self.members).into_keys()) {
            around.network.abandon(wire, End::Server);
            around.network.close(around.now, wire, End::Server);
        }
        self.wires.clear();
        self.writing.clear();
        around.oracle.hub_is_gone();
    }

    /// It stops as a server does that is told to, and is started again later.
    pub(in crate::sim) fn stop(&mut self, around: &mut Around<'_>, back_after: Duration) -> Result<(), Violation> {
        let Some(hub) = self.hub.as_mut().filter(|_| !self.is_stopping) else { return Ok(()) };
        let hint = Reconnect::new(back_after);
        self.is_stopping = true;
        self.up_at = around.now + back_after;
        hub.shut_down(around.now, Some(&hint));
        around.oracle.stops();
        for (wire, mut pending) in mem::take(&mut self.pending_conns) {
            pending.handshake.shut_down(Some(&hint));
            pending.flush(around, wire);
            around.network.close(around.now, wire, End::Server);
        }
        self.drain(around)
    }

    /// An operator renames a user, if it is there.
    pub(in crate::sim) fn rename(
        &mut self,
        around: &mut Around<'_>,
        from: &UserName,
        number: usize,
    ) -> Result<(), Violation> {
        let Some(hub) = &mut self.hub else { return Ok(()) };
        let renamed = hub.rename(around.now, from, &spelling_of(number), "as it likes");
        around.trace.note(around.now, format_args!("hub: {from} becomes {}: {renamed:?}", name_of(number)));
        match renamed {
            Ok(()) => {
                self.counts.renames += 1;
                around.oracle.renames(user_with_name(number), number);
            }
            Err(RenameError::NoSuchUser | RenameError::Unavailable) => {}
            Err(error) => {
                let detail = format!("{from} cannot be {}: {error}", name_of(number));
                return Err(Violation { property: Property::Isolation, detail, at: around.now });
            }
        }
        self.count_work(around, of_call_max(&self.limits))?;
        self.drain(around)
    }

    /// When there is something for it to do.
    pub(in crate::sim) fn due(&self, network: &Links) -> Option<Instant> {
        let Some(hub) = &self.hub else { return Some(self.up_at) };
        let members = self.members.iter().filter_map(|(wire, member)| member.due(network, *wire));
        let heard = self.pending_conns.keys().filter_map(|wire| network.readable_at(*wire, End::Server));
        let pending = self.pending_conns.values().map(|pending| match &pending.undecided {
            Some((decide_at, _)) => *decide_at,
            None => pending.handshake.poll_timeout().unwrap_or(Instant::MAX),
        });
        let pending = pending.chain(heard);
        let writable = self.writing.iter().any(|wire| network.is_writable(*wire, End::Server)).then_some(Instant::ZERO);
        let program = self.program.as_ref().and_then(Program::due);
        let due = members.chain(pending).chain(hub.poll_timeout()).chain(writable).chain(self.drain_by).chain(program);
        let due = due.chain(self.bans.iter().map(|(until, _)| *until));
        let due = due.min();
        self.pace.due(due)
    }

    /// Does all that there is to do now: takes in what has come, then looks at the time.
    pub(in crate::sim) fn work(&mut self, around: &mut Around<'_>) -> Result<(), Violation> {
        if self.hub.is_none() {
            if self.up_at > around.now {
                return Ok(());
            }
            let hub = new_hub(&self.limits, &mut self.random);
            self.hub = Some(match &self.program {
                Some(program) => program.asked_by(hub),
                None => hub,
            });
        }
        self.report(around.now);
        self.lift_bans(around);
        if self.pace.takes_time() {
            self.turn(around)?;
        } else {
            self.work_at_once(around)?;
        }
        let is_empty = self.hub.as_ref().is_some_and(|hub| hub.users() == 0 && hub.connections() == 0);
        let is_over = self.is_stopping && is_empty;
        if is_over {
            let up_at = self.up_at;
            self.crash(around, up_at);
        }
        self.check_bounds(around)
    }
}
