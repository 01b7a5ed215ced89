//! The trial itself is right: cases in which it once saw a fault where there was none.

use super::*;

/// The backend of tests keeps what stood below the second column of a wide glyph, where a terminal leaves a blank: a
/// letter of an older picture came to light where the program draws its signs.
#[test]
fn nothing_of_an_older_picture_is_below_a_wide_glyph() {
    let mut trial = Trial::new();
    trial.types("＠bob：".as_bytes());
    trial.types(b"@bob:");
    trial.types(b"\x80\x80");
    trial.types(b"@bob:");
    trial.ask(Ask::Name);
    trial.types(b"@bob:");
    trial.resizes(20, 8);
    trial.types(b" \x18");
    trial.types(b"@bob:");
    trial.types(b"@bob:");
    trial.types(b"/join #lobby");
    trial.types(b"\r");
}
