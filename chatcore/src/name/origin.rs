//! Which character that was typed became a character of the mapped name.

use alloc::vec::Vec;

use icu_normalizer::properties::CanonicalCombiningClassMap;
use icu_normalizer::{DecomposingNormalizer, DecomposingNormalizerBorrowed};

use super::class::{self, Class};
use super::mapping;

const DECOMPOSING: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfd();

/// The character that was typed, and its place in the spelling from 1, for the character at `index` of what the
/// spelling is mapped to.
///
/// The mapped name, decomposed, is the mapped characters of the spelling, decomposed and put into canonical order. So
/// its parts can be counted.
pub(super) fn of(spelling: &str, mapped: &str, index: usize) -> (char, usize) {
    let mut parts: Vec<(u8, char, usize)> = Vec::new();
    let classes = CanonicalCombiningClassMap::new();
    for (place, typed) in spelling.chars().enumerate() {
        for part in DECOMPOSING.normalize_iter(mapping::fold(typed)) {
            parts.push((classes.get_u8(part), typed, place + 1));
        }
    }
    // Canonical order: the marks after a letter, by their classes; equals keep theirs.
    for marks in parts.chunk_by_mut(|(before, ..), (after, ..)| *before != 0 && *after != 0) {
        marks.sort_by_key(|(class, ..)| *class);
    }
    let parts_of = |characters: usize| DECOMPOSING.normalize_iter(mapped.chars().take(characters)).count();
    let own = parts.get(parts_of(index)..parts_of(index + 1)).unwrap_or_default();
    // Of several that were composed: the one that no name holds, or else the last.
    let is_refused = |(_, typed, _): &&(u8, char, usize)| {
        mapping::fold(*typed).any(|character| !matches!(class::of(character), Class::Valid | Class::Context))
    };
    let culprit = own.iter().find(is_refused).or(own.last()).or(parts.last());
    culprit.map_or((char::REPLACEMENT_CHARACTER, 1), |(_, typed, place)| (*typed, *place))
}
