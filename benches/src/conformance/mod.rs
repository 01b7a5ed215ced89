//! Dialogues of the protocol, played with anybody's hub or client (`conformance --help`): what each side sends, and
//! what must come back. They are data, in `benches/dialogues`. Nothing here uses the library that is tested.

mod codec;
mod config;
mod play;
mod schema;
mod script;
mod sockets;
mod streams;
mod value;

pub use self::config::{Config, SETTINGS, Setting};
pub use self::play::{Peer, Read, Role, State, play, waits_ms};
pub use self::script::{Dialogue, parse, parse_config};
pub use self::sockets::SocketPeer;

macro_rules! dialogues {
    ($($role:ident $file:literal)*) => {
        &[$((Role::$role, $file, include_str!(concat!("../../dialogues/", $file)))),*]
    };
}

/// The files of dialogues that come with this: for whom, their names and their texts.
pub const DIALOGUES: &[(Role, &str, &str)] = dialogues! {
    Hub "hub/opening.txt"
    Hub "hub/frames.txt"
    Hub "hub/requests.txt"
    Hub "hub/rooms.txt"
    Hub "hub/sessions.txt"
    Hub "hub/limits.txt"
    Client "client/opening.txt"
    Client "client/frames.txt"
    Client "client/session.txt"
};
