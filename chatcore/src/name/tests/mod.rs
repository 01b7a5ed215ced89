#[cfg(feature = "unicode")]
mod tables;
#[cfg(feature = "unicode")]
mod unicode;

use super::*;
use alloc::string::{String, ToString};
use proptest::prelude::*;

#[test]
fn a_room_is_a_sign_and_a_name() {
    assert_eq!(RoomName::new("#Lobby").unwrap().as_str(), "#lobby");
    assert_eq!(RoomName::new("lobby"), Err(NameError::NoRoom { character: 'l', position: 1 }));
    assert_eq!(RoomName::new("\u{ff03}lobby"), Err(NameError::NoRoom { character: '\u{ff03}', position: 1 }));
    assert_eq!(RoomName::new("#"), Err(NameError::Empty));
    assert_eq!(RoomName::new(""), Err(NameError::Empty));
    assert_eq!(RoomName::new("##x"), Err(NameError::Forbidden { character: '#', position: 2 }));
    assert!(RoomName::new(&alloc::format!("#{}", "x".repeat(NAME_BYTES_MAX))).is_ok());
    assert!(UserName::new("#lobby").is_err(), "no user is a room");
}

#[test]
fn who_forgets_the_sign_of_a_room_is_told_what_stands_in_its_place() {
    for (spelling, place) in [("lobby", "U+006C (character 1)"), (" #lobby", "U+0020 (character 1)")] {
        let error = RoomName::new(spelling).unwrap_err().to_string();
        assert_eq!(error, alloc::format!("the name of a room begins with #, not with {place}"));
    }
}

fn name(spelling: &str) -> Result<String, NameError> {
    UserName::new(spelling).map(|name| name.to_string())
}

#[track_caller]
fn forbidden(spelling: &str, character: char, position: usize) {
    assert_eq!(name(spelling), Err(NameError::Forbidden { character, position }), "{spelling:?}");
}

#[test]
fn spellings_of_one_name_map_to_it() {
    assert_eq!(name("alice"), Ok("alice".into()));
    assert_eq!(name("ALICE"), Ok("alice".into()));
    assert_eq!(name("r2-d2_!"), Ok("r2-d2_!".into()));
}

#[test]
fn what_is_no_name_is_refused_with_the_exact_reason() {
    assert_eq!(name(""), Err(NameError::Empty));
    assert_eq!(name(&"a".repeat(33)), Err(NameError::TooLong { bytes: 33, bytes_max: NAME_BYTES_MAX }));
    assert_eq!(name(&"a".repeat(129)), Err(NameError::TooLong { bytes: 129, bytes_max: SPELLING_BYTES_MAX }));
    assert!(name(&"a".repeat(32)).is_ok());
    forbidden("#x", '#', 1);
    forbidden("@x", '@', 1);
    forbidden("x:y", ':', 2);
    forbidden("a b", ' ', 2);
    forbidden("ab\0", '\0', 3);
    forbidden("ab\n", '\n', 3);
    forbidden("\x1b[31m", '\x1b', 1);
    forbidden("x\x7f", '\x7f', 2);
}

#[test]
fn a_name_in_ascii_is_its_own_key() {
    for name in ["bob1", "bobl", "modern", "modem", "r0ot"] {
        assert_eq!(UserName::new(name).unwrap().confusable_key(), name);
    }
}

#[cfg(not(feature = "unicode"))]
#[test]
fn names_beyond_ascii_need_the_unicode_feature() {
    assert_eq!(name("zoë"), Err(NameError::NotAscii));
}

proptest! {
    #[test]
    fn mapping_is_idempotent(spelling in "\\PC{0,12}|[ -~]{0,40}|\\p{L}{1,8}") {
        if let Ok(mapped) = UserName::new(&spelling) {
            prop_assert!((1..=NAME_BYTES_MAX).contains(&mapped.as_str().len()));
            prop_assert_eq!(UserName::new(mapped.as_str()), Ok(mapped));
        }
    }
}
