//! How far the connection is, as whoever looks on is told: it is being made, or it stands and the server has not
//! answered.

use std::time::{Duration, Instant};

use chatcore::Transport;

use super::parts::{Session, Stage};
use super::waits::ToldLink;
use crate::program::failure::Failure;
use crate::program::report::{LinkState, Report};

/// After so long it is also told where no status tells it all the time.
const LONG_AFTER: Duration = Duration::from_secs(1);

impl Session {
    /// Tells a person how far the connection is, if that has changed, or takes long.
    pub(super) fn tell_link(&mut self) -> Result<(), Failure> {
        if !self.tells_link() {
            return Ok(());
        }
        let (state, now) = (self.link_state(), Instant::now());
        let told = self.link.filter(|told| told.state == state);
        let is_long = told.is_some();
        let told = match told {
            None => ToldLink { state, since: now, is_long_told: false },
            Some(told) if told.long_at().is_some_and(|at| at <= now) => ToldLink { is_long_told: true, ..told },
            Some(_) => return Ok(()),
        };
        self.link = Some(told);
        let Some(state) = state else { return Ok(()) };
        self.show(&Report::Link { to: self.address(), state, is_long })
    }

    /// When [`tell_link`](Self::tell_link) has something to do, if nothing else happens.
    pub(super) fn link_told_at(&self) -> Option<Instant> {
        self.link.filter(|_| self.tells_link())?.long_at()
    }

    /// Who leaves is told of that.
    fn tells_link(&self) -> bool {
        self.console.is_interactive() && !matches!(self.stage, Stage::Quitting | Stage::Over)
    }

    /// None while the next attempt is waited for, of which others tell.
    fn link_state(&self) -> Option<LinkState> {
        if self.restoring.is_some() || self.connecting.is_some() {
            return Some(LinkState::Connecting);
        }
        let Some(driver) = &self.driver else { return Some(LinkState::Settled) };
        match driver.client().transport() {
            Transport::Connect { .. } => Some(LinkState::Connecting),
            Transport::Drop => None,
            Transport::Use if self.stage == Stage::Registering || self.lost.is_some() => Some(LinkState::Unanswered),
            Transport::Use => Some(LinkState::Settled),
        }
    }
}

impl ToldLink {
    /// When it takes long, which is told once.
    fn long_at(&self) -> Option<Instant> {
        let is_under_way = self.state.is_some_and(|state| state != LinkState::Settled);
        (is_under_way && !self.is_long_told).then(|| self.since + LONG_AFTER)
    }
}
