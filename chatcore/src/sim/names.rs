//! The names of users and rooms, by their numbers.

use alloc::format;
use alloc::string::String;

/// The name of a user.
pub(super) fn user_name(user: usize) -> String {
    format!("user-{user}")
}

/// How a user spells its name when it registers: every second one in another way than its name is mapped to.
pub(super) fn spelling(user: usize) -> String {
    if user.is_multiple_of(2) { user_name(user) } else { format!("User-{user}") }
}

/// The name of a room.
pub(super) fn room_name(room: usize) -> String {
    format!("#room-{room}")
}

/// Which user or room has this name; none that the simulation made if it is out of range.
fn numbered(name: &str, sign: &str) -> usize {
    name.strip_prefix(sign).and_then(|number| number.parse().ok()).unwrap_or(usize::MAX)
}

pub(super) fn user_of(name: &str) -> usize {
    numbered(name, "user-")
}

pub(super) fn room_of(name: &str) -> usize {
    numbered(name, "#room-")
}
