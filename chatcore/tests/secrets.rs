//! No `Debug` shows a token, a credential, a seed or a key, whether it stands by itself or in a buffer.

use std::fmt::Debug;

use chatcore::sim::{Pipe, Random};
use chatcore::wire::{
    Announced, ClientMessage, Content, HubMessage, Message, PREFACE_BYTES, Preface, Register, Resume, Token, Welcome,
};
use chatcore::{
    Client, ClientConfig, Handshake, Hub, HubConnection, Instant, Limits, QuotaKey, Received, SessionTicket,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

const NOW: Instant = Instant::from_millis(1_000);

/// As the others, it can be text, and no four characters of it stand in anything else.
const CREDENTIAL: &[u8] = b"zq7%xv9!kw2^pj4&ub6*";

const HUB_SEED: [u8; 32] = *b"~wq8;zk3=jx5+vb7?qp1<gz4>hk9|xw2";

const CLIENT_SEED: u64 = 0x5eed_0123_4567_89ab;

/// This many bytes of a secret in a row are found.
const WINDOW_BYTES: usize = 4;

/// Searches what is printed for secrets, in the forms in which bytes are printed.
struct Search {
    /// What is searched for, and in which form that would be.
    traces: Vec<(String, String)>,
}

impl Search {
    fn new(secrets: &[(&str, &[u8])]) -> Self {
        let mut traces = Vec::new();
        for (name, secret) in secrets {
            assert!(secret.len() >= WINDOW_BYTES, "{name} is too short to be told from other numbers");
            for window in secret.windows(WINDOW_BYTES) {
                let join = |separator: &str, form: &dyn Fn(&u8) -> String| {
                    window.iter().map(form).collect::<Vec<_>>().join(separator)
                };
                let forms = [
                    ("a list", join(",", &|byte| byte.to_string())),
                    ("a hexadecimal list", join(",", &|byte| format!("{byte:#x}"))),
                    ("a padded hexadecimal list", join(",", &|byte| format!("{byte:#04x}"))),
                    ("hexadecimal digits", join("", &|byte| format!("{byte:02x}"))),
                    ("hexadecimal bytes", join(":", &|byte| format!("{byte:02x}"))),
                    ("text", window.escape_ascii().to_string()),
                    ("a number", u32::from_le_bytes(window.try_into().unwrap()).to_string()),
                    ("a number in network order", u32::from_be_bytes(window.try_into().unwrap()).to_string()),
                ];
                for (form, trace) in forms {
                    traces.push((format!("{name} as {form}"), trace.to_lowercase()));
                }
            }
            if let Ok(number) = <[u8; 8]>::try_from(*secret) {
                traces.push((format!("{name} as one number"), u64::from_le_bytes(number).to_string()));
            }
        }
        Self { traces }
    }

    /// Where a secret shows, if one does.
    fn find(&self, value: &dyn Debug) -> Option<String> {
        let printed = [format!("{value:?}"), format!("{value:#?}"), format!("{value:x?}"), format!("{value:02X?}")];
        printed.iter().find_map(|printed| {
            let searched = without_space(printed).to_lowercase();
            let (found, _) = self.traces.iter().find(|(_, trace)| searched.contains(trace))?;
            Some(format!("{found} in {printed}"))
        })
    }

    fn is_nowhere_in(&self, value: &dyn Debug) {
        if let Some(found) = self.find(value) {
            panic!("{found}");
        }
    }
}

/// A list that is printed over many lines is the same list.
fn without_space(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

fn search_for_credential() -> Search {
    Search::new(&[("the credential", CREDENTIAL), ("the client's seed", &CLIENT_SEED.to_le_bytes())])
}

/// The seed, the key of the hashes that is drawn from it first, and a token.
fn search_for(token: Token) -> Search {
    let mut key = [0; 16];
    ChaCha20Rng::from_seed(HUB_SEED).fill_bytes(&mut key);
    Search::new(&[
        ("the hub's seed", &HUB_SEED),
        ("the key", &key),
        ("the token", token.as_bytes()),
        ("the credential", CREDENTIAL),
        ("the client's seed", &CLIENT_SEED.to_le_bytes()),
    ])
}

/// Carries what a client has to say to a handshake, and what the hub answers to the client. Looks at both on the way.
struct Pair {
    hub: Hub,
    client: Client,
}

impl Pair {
    fn new() -> Self {
        let hub = Hub::new(Limits::default(), HUB_SEED);
        Self { hub, client: Client::new(NOW, ClientConfig::default(), CLIENT_SEED) }
    }

    /// A connection is made. All values on the way are given to `look`.
    fn connect(&mut self, look: &mut dyn FnMut(&dyn Debug)) {
        look(&self.client);
        look(&self.client.transmit());
        let bytes = self.client.transmit().concat();
        self.client.transmitted(NOW, bytes.len());
        look(&self.client);
        let mut other = Hub::new(Limits::default(), HUB_SEED);
        let mut connection = HubConnection::new(NOW, &mut other, QuotaKey::default());
        look(&connection.receive(NOW, &mut other, &bytes[..bytes.len() - 1]));
        look(&connection);
        look(&connection.receive(NOW, &mut other, &bytes[bytes.len() - 1..]));
        look(&connection);
        let mut handshake = Handshake::new(NOW, self.hub.limits());
        let registration = handshake.receive(NOW, &mut &bytes[..]).unwrap().expect("it is whole");
        look(&registration);
        look(&handshake);
        let conn = self.hub.admit(NOW, registration).unwrap();
        look(&self.hub);
        look(&self.hub.transmit(conn));
        while let Some(event) = self.hub.poll_event() {
            look(&event);
        }
        while let Some(action) = self.hub.poll_action() {
            look(&action);
        }
        let bytes = self.hub.transmit(conn).concat();
        self.hub.transmitted(NOW, conn, bytes.len()).unwrap();
        assert_eq!(self.client.receive(NOW, &mut &bytes[..]), Received::NeedInput);
        look(&self.hub);
        look(&self.client);
        while let Some(event) = self.client.poll_event() {
            look(&event);
        }
        look(&self.client);
    }

    fn token(&self) -> Token {
        self.client.ticket().expect("there is a session").token
    }
}

#[test]
fn no_secret_shows_in_the_values_of_a_registration() {
    // The token is known when all is over: so what is printed is kept, and looked through at the end.
    let mut pair = Pair::new();
    let mut printed = Vec::new();
    pair.client.register(NOW, "alice", CREDENTIAL).unwrap();
    pair.connect(&mut |value| printed.push(Printed(format!("{value:?} {value:#?} {value:x?} {value:02X?}"))));
    let search = search_for(pair.token());
    assert!(printed.len() > 8);
    for printed in &printed {
        search.is_nowhere_in(printed);
    }
    search.is_nowhere_in(&pair.client.ticket());
}

/// What was printed before it was known what to search for.
struct Printed(String);

impl Debug for Printed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[test]
fn no_secret_shows_in_the_values_of_a_resumption() {
    let mut pair = Pair::new();
    pair.client.register(NOW, "alice", CREDENTIAL).unwrap();
    pair.connect(&mut |_| ());
    let token = pair.token();
    let search = search_for(token);
    let ticket = SessionTicket::new("alice".parse().unwrap(), token);
    search.is_nowhere_in(&ticket);
    pair.client = Client::resume(NOW, ClientConfig::default(), CLIENT_SEED, ticket, CREDENTIAL);
    pair.connect(&mut |value| search.is_nowhere_in(value));
}

#[test]
fn no_secret_shows_in_a_message() {
    let token = Token::from_bytes(*b"\x9f\x81^qz6&jw0%xk4*v");
    let search = search_for(token);
    let limits = Announced {
        frame_bytes_max: 1,
        body_bytes_max: 2,
        outbox_bytes_max: 3,
        stall_ms_max: 4,
        idle_ms_max: 5,
        resume_ms_max: 6,
        rooms_max: 7,
        watches_max: 8,
        cost_per_s: 9,
        cost_burst: 10,
    };
    let register = Register { name: "alice", credential: CREDENTIAL, frame_bytes_max: u32::MAX };
    let resume = Resume { name: "alice", token, received: Some(1), attempt: 1, frame_bytes_max: u32::MAX };
    let welcome = Welcome { name: "alice", display_name: None, token, limits };
    search.is_nowhere_in(&(token, register, resume, welcome));
    search.is_nowhere_in(&[ClientMessage::Register(register), ClientMessage::Resume(resume)]);
    search.is_nowhere_in(&HubMessage::Welcome(welcome));

    let mut frames = [const { Vec::new() }; 3];
    ClientMessage::Register(register).encode(&mut frames[0]);
    ClientMessage::Resume(resume).encode(&mut frames[1]);
    HubMessage::Welcome(welcome).encode(&mut frames[2]);
    for frame in &frames {
        let content = chatcore::wire::take(&mut &frame[..], 4096).unwrap().expect("it is whole");
        search.is_nowhere_in(&content);
        let mut pipe = Pipe::new(4096);
        pipe.put(NOW, frame);
        search.is_nowhere_in(&pipe);
        // What cannot be read is told of without showing it.
        for end in 0..content.fields.len() {
            let cut = Content { kind: content.kind, fields: &content.fields[..end] };
            search.is_nowhere_in(&(ClientMessage::decode(cut), HubMessage::decode(cut)));
        }
    }
}

#[test]
fn no_secret_shows_in_an_error() {
    let search = search_for_credential();
    let mut client = Client::new(NOW, ClientConfig::default(), CLIENT_SEED);
    let too_long = CREDENTIAL.repeat(100);
    let error = client.register(NOW, "alice", &too_long).unwrap_err();
    search.is_nowhere_in(&(error, Printed(error.to_string())));
    let mut bytes = Preface::OURS.encode().to_vec();
    ClientMessage::Register(Register { name: "alice", credential: &too_long, frame_bytes_max: u32::MAX })
        .encode(&mut bytes);
    assert!(bytes.len() > PREFACE_BYTES);
    let mut handshake = Handshake::new(NOW, &Limits::default());
    let error = handshake.receive(NOW, &mut &bytes[..]).unwrap_err();
    search.is_nowhere_in(&(error, Printed(error.to_string())));
    search.is_nowhere_in(&handshake);
}

#[test]
fn the_state_of_a_generator_does_not_show() {
    let mut random = Random::new(7);
    let next = random.clone().seed();
    random.draw();
    Search::new(&[("what is drawn next", &next)]).is_nowhere_in(&random);
}

#[test]
fn the_search_finds_every_form() {
    let search = search_for_credential();
    assert!(search.find(&CREDENTIAL).is_some(), "a list of numbers, over one line and over many");
    assert!(search.find(&Printed(format!("{:#?}", &CREDENTIAL[5..12]))).is_some());
    assert!(search.find(&std::str::from_utf8(CREDENTIAL)).is_some(), "text");
    assert!(search.find(&CLIENT_SEED).is_some(), "a number");
    assert!(search.find(&Printed("7A713725".into())).is_some(), "hexadecimal digits");
    assert!(search.find(&"nothing of the kind").is_none());
}
