//! The names of users and rooms, by their numbers.
//!
//! A user's own name is `user-3`. The names that an operator gives it are `user-3.1`, `user-3.2` and so on: whose they
//! are can be seen. Each name of a user has a number, too, and its own name has that of the user.

use alloc::format;
use alloc::string::String;

/// Users have lower numbers.
const USERS_MAX: usize = 1 << 20;

/// The name of a user.
pub(super) fn user_name(user: usize) -> String {
    format!("user-{user}")
}

/// How a user spells its name when it registers: every second one in another way than its name is mapped to.
pub(super) fn spelling(user: usize) -> String {
    spelling_of(nth_name(user, 0))
}

/// The number of the name that a user is given when it is renamed for the nth time.
pub(super) const fn nth_name(user: usize, nth: usize) -> usize {
    user + nth * USERS_MAX
}

/// The name with this number.
pub(super) fn name_of(number: usize) -> String {
    match (number % USERS_MAX, number / USERS_MAX) {
        (user, 0) => user_name(user),
        (user, nth) => format!("user-{user}.{nth}"),
    }
}

/// How that name is spelled.
pub(super) fn spelling_of(number: usize) -> String {
    let name = name_of(number);
    if (number % USERS_MAX).is_multiple_of(2) { name } else { name.replacen('u', "U", 1) }
}

/// The number of a name.
pub(super) fn number_of(name: &str) -> usize {
    let (user, nth) = name.split_once('.').unwrap_or((name, "0"));
    match (numbered(user, "user-"), nth.parse()) {
        (user @ 0..USERS_MAX, Ok(nth)) => nth_name(user, nth),
        _ => usize::MAX,
    }
}

/// Whose name it is that has this number.
pub(super) const fn user_with_name(number: usize) -> usize {
    if number == usize::MAX { number } else { number % USERS_MAX }
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
    user_with_name(number_of(name))
}

pub(super) fn room_of(name: &str) -> usize {
    numbered(name, "#room-")
}
