//! The mapping: which spellings are one name.
//!
//! Each character is mapped alone, so that what was typed can be found again; then the whole is composed (NFC). One
//! application is enough: a test proves over all characters that a second changes nothing (RFC 8264, section 7).

use alloc::string::String;

use icu_casemap::{CaseMapper, CaseMapperBorrowed};
use icu_normalizer::{
    ComposingNormalizer, ComposingNormalizerBorrowed, DecomposingNormalizer, DecomposingNormalizerBorrowed,
};

const CASES: CaseMapperBorrowed<'static> = CaseMapper::new();
const COMPOSING: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfc();
const COMPATIBILITY: DecomposingNormalizerBorrowed<'static> = DecomposingNormalizer::new_nfkd();

/// Full-width forms of ASCII: U+FF01 stands for U+0021, and so on.
const FULL_WIDTH_OFFSET: u32 = 0xff01 - 0x21;

/// Maps a spelling. What comes out is not judged yet.
pub(super) fn map(spelling: &str) -> String {
    COMPOSING.normalize_iter(spelling.chars().flat_map(fold)).collect()
}

/// What one character becomes, before it is composed with its neighbours: at most two others.
pub(super) fn fold(character: char) -> impl Iterator<Item = char> {
    let [first, second] = spelled_out(character);
    // A second one is a mark or a letter of a script without case.
    let lower = if first == '\u{130}' { ['i', '\u{307}'] } else { [lower_case(first), second] };
    lower.into_iter().filter(|character| *character != NONE)
}

/// Stands for no second character: it is a control character, so that no name holds it.
const NONE: char = '\0';

/// Lower case without regard to neighbours, and the final sigma like every other.
fn lower_case(character: char) -> char {
    if character == 'ς' { 'σ' } else { CASES.simple_lowercase(character) }
}

/// Full- and half-width forms as ordinary ones (RFC 8265, section 3.3.2), and five letters as the two letters that
/// they are made of.
///
/// RFC 8264 refuses these five as compatibility forms, but keyboards write them: without them most Thai names with
/// *am* and Armenian names with *yev* could not be typed.
fn spelled_out(character: char) -> [char; 2] {
    match character {
        '\u{ff01}'..='\u{ff5e}' => {
            [char::from_u32(u32::from(character) - FULL_WIDTH_OFFSET).unwrap_or(character), NONE]
        }
        // Half-width Katakana. The half-width forms after them are forms of compatibility letters, refused either way.
        '\u{ff61}'..='\u{ff9f}' => {
            [COMPATIBILITY.normalize_iter(core::iter::once(character)).next().unwrap_or(character), NONE]
        }
        '\u{587}' => ['\u{565}', '\u{582}'],
        '\u{e33}' => ['\u{e4d}', '\u{e32}'],
        '\u{eb3}' => ['\u{ecd}', '\u{eb2}'],
        '\u{edc}' => ['\u{eab}', '\u{e99}'],
        '\u{edd}' => ['\u{eab}', '\u{ea1}'],
        _ => [character, NONE],
    }
}
