//! The seeds that are made by hand: the protocol's test vectors, and short scripts for a hub. Those of WebSocket are in
//! `websocket_seeds`, those of the settings in `configuration_seeds`, those of the PROXY protocol in `proxy_seeds`, and
//! those of the client's screen in `screen_seeds`.

use std::fs;
use std::io;
use std::path::Path;

use crate::configuration_seeds::configuration_seeds;
use crate::proxy_seeds::proxy_seeds;
use crate::screen_seeds::screen_seeds;
use crate::seed::{Seed, vectors};
use crate::websocket_seeds::websocket_seeds;

/// All of them. Fails if the test vectors, which lie beside the core, cannot be read.
pub fn seeds() -> io::Result<Vec<Seed>> {
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../chatcore/tests/vectors.txt");
    let text = fs::read_to_string(text)?;
    let mut seeds = from_vectors(&text);
    let openings =
        [("http", &b"\x03GET / HTTP/1.1\r\nHost: chat\r\n\r\n"[..]), ("tls", b"\x03\x16\x03\x01\x02\0\x01\0\x01\xfc")];
    seeds.extend(openings.map(|(name, bytes)| Seed { target: "server_input", name: name.into(), bytes: bytes.into() }));
    let seed = |target| move |(name, Script(bytes)): (&str, _)| Seed { target, name: name.into(), bytes };
    seeds.extend(scripts().map(seed("hub_operations")));
    seeds.extend(sessions().map(seed("session_operations")));
    seeds.extend(websocket_seeds());
    seeds.extend(configuration_seeds());
    seeds.extend(proxy_seeds());
    seeds.extend(screen_seeds(&text));
    Ok(seeds)
}

/// Each vector after what must come before it.
fn from_vectors(text: &str) -> Vec<Seed> {
    let (mut preface, mut register, mut welcome) = (Vec::new(), Vec::new(), Vec::new());
    let mut frames = Vec::new();
    for (section, name, bytes) in vectors(text) {
        match (section, name) {
            ("preface", "preface") => preface.clone_from(&bytes),
            ("client", "register") => register.clone_from(&bytes),
            ("hub", "welcome") => welcome.clone_from(&bytes),
            _ => {}
        }
        frames.push((section, name, bytes));
    }
    let seed = |(number, (section, name, frame)): (usize, (&str, &str, Vec<u8>))| {
        let (target, head): (_, Vec<&[u8]>) = match (section, name) {
            ("preface" | "strangers", _) => ("server_input", vec![&[0]]),
            ("client", "register" | "register-credential") => ("server_input", vec![&[6], &preface]),
            // The vectors register Alice, who is there already: another name is asked for after the refusal.
            ("client" | "invalid" | "skipped", _) => {
                ("server_input", vec![&[2], &preface, &register, b"\x0b\0\0\0\x01\x03bob\0\xfc\0\0\x01\0"])
            }
            ("hub", "welcome" | "refused") => ("client_input", vec![&[1, 4], &preface]),
            _ => ("client_input", vec![&[1, 2], &preface, &welcome]),
        };
        Seed { target, name: format!("{section}-{name}-{number:02}"), bytes: [head.concat(), frame].concat() }
    };
    frames.into_iter().enumerate().map(seed).collect()
}

/// The choice of the rates, and a sequence of operations, written as `arbitrary` reads [`Operation`](crate::Operation)s
/// or [`Happening`](crate::Happening)s.
#[derive(Clone)]
struct Script(Vec<u8>);

impl Script {
    /// No rate is bounded, and nothing happens yet.
    fn new() -> Self {
        Self(vec![0])
    }

    /// Both the session's and the origin's rate are one of those that the targets choose from.
    fn with_rates(mut self, session: u8, origin: u8) -> Self {
        self.0[0] = session | origin << 3;
        self
    }

    /// One more operation: another element of the list, its variant, its fields.
    fn then(mut self, variant: u8, variants: u8, fields: &[u8]) -> Self {
        self.0.push(1);
        self.variant(variant, variants);
        self.0.extend(fields);
        self
    }

    /// Four bytes choose a variant: their share of the whole range, so that the middle of each part is a safe choice.
    fn variant(&mut self, variant: u8, variants: u8) {
        let share = (u64::from(variant) * 2 + 1) << 31;
        let choice = u32::try_from(share / u64::from(variants)).expect("a share is less than the whole");
        self.0.extend(choice.to_le_bytes());
    }

    fn admit(self, name: u8) -> Self {
        self.then(0, 9, &[name])
    }

    /// A name that is in use may be asked for as that of another session.
    fn admit_another(self, name: u8) -> Self {
        // A multiple of the number of names.
        self.admit(name + 130)
    }

    fn say(self, user: u8, said: u8, fields: &[u8]) -> Self {
        let mut script = self.then(1, 9, &[user]);
        script.variant(said, 5);
        script.0.extend(fields);
        script
    }

    fn send(self, from: u8, to: u8, body_bytes: u16) -> Self {
        let [low, high] = body_bytes.to_le_bytes();
        self.say(from, 0, &[to, low, high])
    }

    fn ack(self, user: u8) -> Self {
        self.say(user, 2, &[0])
    }

    /// A list of bytes: a flag before each, and one that says that it is over.
    fn raw(self, user: u8, bytes: &[u8]) -> Self {
        let list = bytes.iter().flat_map(|byte| [1, *byte]).chain([0]);
        let fields: Vec<u8> = [user].into_iter().chain(list).collect();
        self.then(2, 9, &fields)
    }

    fn joins(self, user: u8) -> Self {
        self.raw(user, b"\x08\0\0\0\x42\x06#lobby")
    }

    fn transmit(self, user: u8, bytes: u16) -> Self {
        let [low, high] = bytes.to_le_bytes();
        self.then(3, 9, &[user, low, high])
    }

    fn disconnect(self, user: u8) -> Self {
        self.then(4, 9, &[user])
    }

    fn kick(self, name: u8) -> Self {
        self.then(5, 9, &[name])
    }

    fn rename(self, from: u8, to: u8) -> Self {
        // The number of names is 5.
        self.kick(128 + from + 5 * to)
    }

    fn pass(self, millis: u16) -> Self {
        self.then(6, 9, &millis.to_le_bytes())
    }

    fn drain(self) -> Self {
        self.then(7, 9, &[])
    }

    fn shut_down(self) -> Self {
        self.then(8, 9, &[])
    }

    fn times(self, times: usize, step: impl Fn(Self) -> Self) -> Self {
        (0..times).fold(self, |script, _| step(script))
    }
}

/// What happens to users with real clients.
impl Script {
    fn happens(self, variant: u8, fields: &[u8]) -> Self {
        self.then(variant, 14, fields)
    }

    fn says(self, from: u8, to: u8) -> Self {
        self.happens(0, &[from, to, 0, 0])
    }

    fn enters(self, user: u8) -> Self {
        // A flag is true if its lowest bit is set.
        self.happens(1, &[user, 1])
    }

    fn watches(self, user: u8, whom: u8) -> Self {
        self.happens(2, &[user, whom])
    }

    fn carries(self, user: u8, up: u16, down: u16) -> Self {
        self.happens(4, &[&[user], &up.to_le_bytes()[..], &down.to_le_bytes()].concat())
    }

    fn carries_all(self) -> Self {
        (0..3).fold(self, |script, user| script.carries(user, u16::MAX, u16::MAX).carries(user, u16::MAX, u16::MAX))
    }

    fn breaks(self, user: u8, at_both: bool) -> Self {
        self.happens(5, &[user, at_both.into()])
    }

    fn comes_back(self, user: u8) -> Self {
        self.happens(6, &[user]).carries_all()
    }

    fn restarts(self, user: u8, with_ticket: bool) -> Self {
        self.happens(7, &[user, with_ticket.into()])
    }

    /// A count that is known: another flag, and eight bytes.
    fn forges(self, user: u8, whose: u8, received: u64) -> Self {
        self.happens(8, &[&[user, whose, 1], &received.to_le_bytes()[..]].concat())
    }

    fn waits(self, millis: u16) -> Self {
        self.happens(11, &millis.to_le_bytes())
    }

    fn asks_what_it_is_subscribed_to(self, user: u8, cursor: u64) -> Self {
        self.happens(12, &[&[user], &cursor.to_le_bytes()[..]].concat())
    }

    fn acknowledges(self, user: u8) -> Self {
        self.happens(13, &[user])
    }
}

fn sessions() -> [(&'static str, Script); 13] {
    let all = Script::new().carries_all();
    let room = all.clone().enters(0).enters(1).enters(2).carries_all();
    [
        (
            "a-cut-in-a-frame",
            all.clone().says(0, 1).says(0, 1).carries(0, 999, 0).carries(1, 0, 30).breaks(1, true).comes_back(1),
        ),
        (
            "a-lost-answer",
            all.clone().breaks(1, true).happens(6, &[1]).carries(1, 999, 0).breaks(1, true).comes_back(1),
        ),
        (
            "cut-again-and-again",
            room.clone().times(6, |script| {
                script
                    .says(0, 1)
                    .says(1, 3)
                    .carries(0, 40, 70)
                    .carries(1, 40, 70)
                    .breaks(1, true)
                    .comes_back(1)
                    .breaks(0, true)
            }),
        ),
        ("half-open", all.clone().breaks(1, false).says(0, 1).carries_all().comes_back(1)),
        ("a-room-while-away", room.clone().breaks(1, true).says(0, 3).says(2, 3).carries_all().comes_back(1)),
        ("restarted-with-its-ticket", room.clone().says(0, 1).carries_all().restarts(1, true).carries_all()),
        (
            "restarted-and-whole-again",
            room.clone()
                .watches(1, 0)
                .carries_all()
                .acknowledges(1)
                .restarts(1, true)
                .carries_all()
                .asks_what_it_is_subscribed_to(1, 0)
                .carries_all()
                .asks_what_it_is_subscribed_to(1, 1 << 32),
        ),
        ("restarted-without", all.clone().restarts(1, false).carries_all().waits(25_000).carries_all()),
        ("forged", all.clone().says(0, 1).carries_all().forges(1, 1, 9).carries_all().forges(1, 0, 0).carries_all()),
        ("too-late", all.clone().watches(0, 1).says(0, 1).breaks(1, true).carries_all().waits(25_000).comes_back(1)),
        (
            "a-session-that-pauses",
            room.clone()
                .with_rates(1, 0)
                .times(6, |script| script.says(0, 3).says(1, 0))
                .carries_all()
                .breaks(1, true)
                .comes_back(1),
        ),
        (
            "an-origin-that-pauses",
            room.clone()
                .with_rates(0, 2)
                .times(6, |script| script.says(0, 3).says(1, 0))
                .carries_all()
                .breaks(1, true)
                .comes_back(1),
        ),
        (
            "too-much-for-one-who-is-away",
            room.breaks(1, true).times(14, |script| script.happens(0, &[0, 3, 200, 3])).carries_all().comes_back(1),
        ),
    ]
}

fn scripts() -> [(&'static str, Script); 16] {
    let alice = Script::new().admit(0).drain().transmit(0, 1000);
    let both = alice.clone().admit(1).drain().transmit(1, 1000);
    let devices = both.clone().admit_another(0).drain().transmit(2, 1000);
    [
        (
            "conversation",
            both.clone().send(0, 1, 5).drain().transmit(1, 99).ack(1).send(1, 0, 7).drain().transmit(0, 99),
        ),
        ("nobody-there", alice.clone().send(0, 3, 5).say(0, 1, &[0]).drain()),
        ("name-in-use", both.clone().admit(0).admit(2).admit(3).admit(4)),
        ("written-in-pieces", both.clone().send(0, 1, 300).drain().times(6, |script| script.transmit(1, 60)).ack(1)),
        ("slow-consumer", both.clone().times(12, |script| script.send(0, 1, 900)).drain().pass(10_001).drain()),
        (
            "answers-beyond-the-reserve",
            alice.clone().times(14, |script| script.send(0, 0, 999).say(0, 1, &[0])).drain(),
        ),
        ("silence", both.clone().pass(10_000).drain().pass(10_000).drain().pass(5_001).drain()),
        (
            "kicked-and-back",
            both.clone().kick(0).admit(0).drain().transmit(0, 1000).send(1, 0, 3).disconnect(2).drain(),
        ),
        (
            "a-session-that-pauses",
            both.clone()
                .with_rates(1, 0)
                .times(4, |script| script.send(0, 1, 5).send(1, 0, 900))
                .say(1, 1, &[0])
                .drain(),
        ),
        (
            "an-origin-that-pauses",
            both.clone()
                .with_rates(0, 2)
                .times(4, |script| script.send(0, 1, 5).send(1, 0, 900))
                .admit(2)
                .admit(3)
                .drain(),
        ),
        (
            "two-devices",
            devices
                .clone()
                .send(1, 0, 5)
                .send(0, 1, 7)
                .send(2, 0, 3)
                .drain()
                .disconnect(0)
                .send(1, 0, 4)
                .kick(0)
                .drain(),
        ),
        (
            "a-device-that-reads-nothing",
            devices.clone().times(12, |script| script.send(1, 0, 900).send(0, 1, 5)).drain(),
        ),
        (
            "too-many-devices",
            alice.clone().times(3, |script| script.admit_another(0)).admit(0).admit(1).admit(2).drain(),
        ),
        (
            "renamed",
            devices
                .joins(0)
                .joins(1)
                .send(1, 0, 5)
                .rename(0, 3)
                .send(1, 0, 5)
                .send(1, 3, 5)
                .send(0, 1, 5)
                .drain()
                .admit(0)
                .rename(1, 0)
                .rename(1, 4)
                .disconnect(0)
                .drain(),
        ),
        (
            "two-devices-in-a-room",
            both.clone()
                .joins(0)
                .joins(1)
                .admit_another(0)
                .joins(2)
                .drain()
                .disconnect(0)
                .drain()
                .disconnect(2)
                .drain(),
        ),
        ("shut-down", both.send(0, 1, 5).shut_down().admit(2).drain().transmit(0, 1000).drain().pass(5_001).drain()),
    ]
}

#[cfg(test)]
mod tests {
    use arbitrary::{Arbitrary, Unstructured};

    use super::*;
    use crate::{Happening, Operation};

    #[test]
    fn a_script_is_read_as_it_was_written() {
        let script =
            Script::new().admit(4).send(1, 2, 300).ack(3).raw(2, &[9, 8]).transmit(5, 60).kick(6).pass(7).shut_down();
        let read = Vec::<Operation>::arbitrary(&mut Unstructured::new(&script.0[1..])).expect("a script is a list");
        assert_eq!(
            format!("{read:?}"),
            "[Admit(4), Say(1, Send(2, 300)), Say(3, Ack(0)), Raw(2, [9, 8]), Transmit(5, 60), Operate(6), Pass(7), ShutDown]"
        );
        let script = Script::new().enters(1).carries(2, 3, 4).breaks(5, false).restarts(6, true).forges(7, 8, 9);
        let read = Vec::<Happening>::arbitrary(&mut Unstructured::new(&script.0[1..])).expect("a script is a list");
        assert_eq!(
            format!("{read:?}"),
            "[Room(1, true), Carry(2, 3, 4), Cut(5, false), Restart(6, true), Forge(7, 8, Some(9))]"
        );
    }
}
