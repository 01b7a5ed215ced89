//! What a hub makes of names: `cargo run -p chatcore --example names -- Alice 'İnci' '#Lobby'`.

use chatcore::{RoomName, UserName};

fn main() {
    for spelling in std::env::args().skip(1) {
        if spelling.starts_with('#') {
            match RoomName::new(&spelling) {
                Ok(room) => println!("{spelling}: the room {room}"),
                Err(error) => println!("{spelling}: {error}"),
            }
            continue;
        }
        match UserName::new(&spelling) {
            Ok(user) => println!("{spelling}: the user {user}, who looks like {}", user.confusable_key()),
            Err(error) => println!("{spelling}: {error}"),
        }
    }
}
