//! Which names look alike (UTS 39, section 4).

use alloc::borrow::Cow;
use alloc::string::String;

use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

use super::mapping;

const DECOMPOSING: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();

/// How often the reduction is applied at the most. A test shows that every character has come to rest by then.
const PASSES_MAX: usize = 4;

/// The key of a mapped name: names with equal keys look alike.
///
/// A name in ASCII is its own key. In other names every character beyond ASCII gives way to the one it looks like.
pub(super) fn key(name: &str) -> Cow<'_, str> {
    if name.is_ascii() {
        return Cow::Borrowed(name);
    }
    let mut key = reduced(name);
    for _ in 1..PASSES_MAX {
        let again = reduced(&key);
        if again == key {
            break;
        }
        key = again;
    }
    Cow::Owned(key)
}

/// One application: prototypes, then lower case, since some prototypes are capital letters.
fn reduced(text: &str) -> String {
    let mut reduced = String::with_capacity(text.len());
    for character in DECOMPOSING.normalize_iter(text.chars()) {
        if character.is_ascii() {
            reduced.push(character.to_ascii_lowercase());
            continue;
        }
        // The dot of an i is not seen beside that of the letter. UTS 39 leaves that to others.
        if character == DOT_ABOVE && reduced.ends_with(['i', 'j']) {
            continue;
        }
        let mut bytes = [0; 4];
        let prototype = unicode_security::skeleton(character.encode_utf8(&mut bytes));
        reduced.extend(prototype.flat_map(mapping::fold));
    }
    DECOMPOSING.normalize_iter(reduced.chars()).collect()
}

const DOT_ABOVE: char = '\u{307}';
