//! A game's server at 60 turns a second: 1 000 players in memory, and each zone of the world is a room.
//!
//! ```sh
//! cargo run --release -p chatcore --example game_loop -- 600
//! ```
//!
//! It plays that many turns, and shows how long the server's part of a turn takes: to take in what all players have
//! sent, to do what is due, and to write. The players' own part is not in it: in a game, they are somewhere else.

use std::collections::BTreeMap;
use std::mem;
use std::process::ExitCode;
use std::time::Duration;

use chatcore::{
    Action, Client, ClientConfig, ConnId, Event, Hub, HubConnection, Inbox, Instant, Limits, Next, QuotaKey, Rate,
};

const TURNS_PER_S: usize = 60;
pub(crate) const PLAYERS: usize = 1_000;
const ZONES: usize = 50;

/// One turn in six is for those who go to another zone. In the others, players say something.
const MOVE_EVERY: usize = 6;

/// How often the hub's own work and what was left of the input take turns, at the most. The rest waits for the next
/// turn.
const ROUNDS_MAX: u32 = 8;

/// The server's end of a player's connection.
struct Connection {
    core: HubConnection,
    /// When what was left of the input goes on: nothing more is read before.
    goes_on: Option<Instant>,
}

struct Server {
    hub: Hub,
    connections: Vec<Connection>,
    players: BTreeMap<ConnId, usize>,
}

impl Server {
    fn new(now: Instant) -> Self {
        // The players are the game's own: none of them has to be slowed down.
        let limits = Limits::default().with_session_rate(Rate::UNLIMITED).with_origin_rate(Rate::UNLIMITED);
        let mut hub = Hub::new(limits, [7; 32]);
        let connections = (0..PLAYERS).map(|player| Connection {
            core: HubConnection::new(now, &mut hub, QuotaKey(player as u128)),
            goes_on: None,
        });
        Self { connections: connections.collect(), hub, players: BTreeMap::new() }
    }

    /// One turn: what has come, what is due, and what is to be written.
    fn turn(&mut self, now: Instant, links: &mut [Link]) {
        for (player, link) in links.iter_mut().enumerate() {
            self.listen(now, player, link);
        }
        self.drain(now, links);
        for _ in 0..ROUNDS_MAX {
            let is_due = self.hub.poll_timeout().is_some_and(|due| due <= now);
            let late: Vec<_> = (0..PLAYERS).filter(|player| self.connections[*player].goes_on == Some(now)).collect();
            if !is_due && late.is_empty() {
                break;
            }
            if is_due {
                self.hub.handle_timeout(now);
            }
            for player in late {
                self.listen(now, player, &mut links[player]);
            }
            self.drain(now, links);
        }
    }

    /// Gives the hub what has come from a player.
    fn listen(&mut self, now: Instant, player: usize, link: &mut Link) {
        let Connection { core, goes_on } = &mut self.connections[player];
        let mut next = Next::Read;
        if let Some(at) = *goes_on {
            next = if at <= now { core.go_on(now, &mut self.hub) } else { Next::Paused { until: at } };
        } else if core.poll_timeout().is_some_and(|due| due <= now) {
            next = core.handle_timeout(now, &mut self.hub);
        }
        if matches!(next, Next::Read) && !link.up.is_empty() {
            next = core.receive(now, &mut self.hub, &mem::take(&mut link.up));
        }
        while let Next::Decide(registration) = next {
            next = core.admit(now, &mut self.hub, *registration);
            self.players.extend(core.conn().map(|conn| (conn, player)));
        }
        *goes_on = match next {
            Next::GoOn => Some(now),
            Next::Paused { until } => Some(until),
            _ => None,
        };
    }

    /// Does what the hub wants done.
    fn drain(&mut self, now: Instant, links: &mut [Link]) {
        loop {
            let action = self.hub.poll_action();
            // A game would show some of this.
            while self.hub.poll_event().is_some() {}
            let Some(Action::Write { conn } | Action::Close { conn, .. }) = action else { return };
            let Some(player) = self.players.get(&conn) else { continue };
            let (core, down) = (&mut self.connections[*player].core, &mut links[*player].down);
            if let Some(Action::Close { .. }) = action {
                core.close();
                continue;
            }
            let before = down.len();
            for chunk in core.transmit(&self.hub) {
                down.extend_from_slice(chunk);
            }
            core.transmitted(now, &mut self.hub, down.len() - before);
        }
    }
}

/// What is on its way to the server, and from it.
#[derive(Default)]
struct Link {
    up: Vec<u8>,
    down: Vec<u8>,
}

struct Player {
    client: Client,
    inbox: Inbox,
    zone: usize,
    has_entered: bool,
}

impl Player {
    fn new(now: Instant, index: usize) -> Self {
        let mut client = Client::new(now, ClientConfig::default(), index as u64);
        client.register(now, &format!("player{index}"), b"").expect("a new client may register");
        Self { client, inbox: Inbox::new(), zone: index * ZONES / PLAYERS, has_entered: false }
    }

    /// Takes what the server has written, and returns how many messages of others were in it.
    fn hear(&mut self, now: Instant, link: &mut Link) -> u64 {
        let mut heard = 0;
        if !link.down.is_empty() {
            let _ = self.inbox.receive(now, &mut self.client, &mem::take(&mut link.down));
        }
        if self.client.poll_timeout().is_some_and(|due| due <= now) {
            self.client.handle_timeout(now);
        }
        while let Some(event) = self.client.poll_event() {
            match event {
                Event::Registered { .. } => {
                    self.client.join(now, &zone_name(self.zone)).expect("it is online");
                }
                Event::Done { .. } => self.has_entered = true,
                Event::Message { .. } => heard += 1,
                _ => {}
            }
        }
        heard
    }

    /// Goes to the next zone every ten seconds.
    fn move_on(&mut self, now: Instant, zones: &mut [u64; ZONES]) {
        let to = (self.zone + 1) % ZONES;
        self.client.leave(now, &zone_name(self.zone)).expect("it is online");
        self.client.join(now, &zone_name(to)).expect("it is online");
        zones[self.zone] -= 1;
        zones[to] += 1;
        self.zone = to;
    }

    fn say(&mut self, now: Instant) {
        self.client.send(now, &zone_name(self.zone), b"the dragon is behind the hill").expect("it is online");
    }

    fn write(&mut self, now: Instant, link: &mut Link) {
        let before = link.up.len();
        for chunk in self.client.transmit() {
            link.up.extend_from_slice(chunk);
        }
        self.client.transmitted(now, link.up.len() - before);
    }
}

fn zone_name(zone: usize) -> String {
    format!("#zone{zone}")
}

/// What has happened in some turns.
#[derive(Debug)]
pub(crate) struct Report {
    /// How long the server's part of each turn has taken.
    pub(crate) turns: Vec<Duration>,
    /// Messages that players have said.
    pub(crate) said: u64,
    /// Messages that others must have heard, and have heard.
    pub(crate) due: u64,
    pub(crate) heard: u64,
}

/// Plays so many turns, after all players have come. `measure` runs the server's part of a turn, and says how long that
/// took; after each turn, `wait` waits for the next one.
pub(crate) fn play(turns: usize, measure: impl Fn(&mut dyn FnMut()) -> Duration, mut wait: impl FnMut()) -> Report {
    // A turn's time is its number, so that a game can be repeated. Measured is only how long it takes.
    let time_of = |turn: usize| Instant::from_nanos(turn as u64 * 1_000_000_000 / TURNS_PER_S as u64);
    let mut server = Server::new(time_of(0));
    let mut players: Vec<_> = (0..PLAYERS).map(|index| Player::new(time_of(0), index)).collect();
    let mut links: Vec<Link> = (0..PLAYERS).map(|_| Link::default()).collect();
    let mut zones = [0; ZONES];
    for player in &players {
        zones[player.zone] += 1;
    }
    let mut report = Report { turns: Vec::with_capacity(turns), said: 0, due: 0, heard: 0 };
    let (mut turn, mut first) = (0, None);
    loop {
        turn += 1;
        let now = time_of(turn);
        if first.is_none() && players.iter().all(|player| player.has_entered) {
            first = Some(turn);
        }
        // In the last second, what was said is heard, and nobody says anything more.
        let is_playing = first.is_some_and(|first| turn < first + turns);
        if first.is_some_and(|first| turn >= first + turns + TURNS_PER_S) {
            return report;
        }
        for (index, (player, link)) in players.iter_mut().zip(&mut links).enumerate() {
            report.heard += player.hear(now, link);
            // Each of them says something every second, and goes to another zone every ten.
            let slot = index % 50;
            if is_playing && turn % 60 == slot + slot / (MOVE_EVERY - 1) + 1 {
                player.say(now);
                report.said += 1;
                report.due += zones[player.zone] - 1;
            } else if is_playing && turn.is_multiple_of(MOVE_EVERY) && (turn / MOVE_EVERY + index).is_multiple_of(100) {
                player.move_on(now, &mut zones);
            }
            player.write(now, link);
        }
        let taken = measure(&mut || server.turn(now, &mut links));
        if is_playing {
            report.turns.push(taken);
        }
        wait();
    }
}

#[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "it measures, and waits for the next turn")]
fn main() -> ExitCode {
    let turns = std::env::args().nth(1).map_or(Ok(600), |turns| turns.parse());
    let Ok(turns @ 1..) = turns else {
        eprintln!("the number of turns is a number from 1 on, such as 600");
        return ExitCode::FAILURE;
    };
    let measure = |turn: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        turn();
        start.elapsed()
    };
    let mut next = std::time::Instant::now();
    let wait = || {
        next += Duration::from_secs(1) / 60;
        std::thread::sleep(next.saturating_duration_since(std::time::Instant::now()));
    };
    let Report { turns: mut taken, said, due, heard } = play(turns, measure, wait);
    taken.sort_unstable();
    println!(
        "{turns} turns with {PLAYERS} players in {ZONES} zones: {said} messages said, {heard} of {due} heard; the server's \
         part of a turn took {:?} in the median, {:?} at the most",
        taken[taken.len() / 2],
        taken[taken.len() - 1],
    );
    if heard == due { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
