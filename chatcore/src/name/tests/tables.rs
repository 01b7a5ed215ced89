//! Every code point, so that new tables show what they change.

use alloc::string::{String, ToString};
use core::iter::once;

use icu_casemap::CaseMapper;
use icu_locale_core::LanguageIdentifier;
use icu_normalizer::{ComposingNormalizer, DecomposingNormalizer};
use icu_properties::CodePointMapData;
use icu_properties::props::GeneralCategory;
use unicode_script::Script;

use super::name;
use crate::name::class::{self, Class};
use crate::name::{UNICODE_VERSION, confusable, mapping};

fn all() -> impl Iterator<Item = char> {
    '\0'..=char::MAX
}

/// FNV-1a.
fn hash(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[test]
fn all_tables_are_of_one_version() {
    let (major, minor, patch) = UNICODE_VERSION;
    assert_eq!(unicode_security::UNICODE_VERSION, (major.into(), minor.into(), patch.into()));
    assert_eq!(unicode_script::UNICODE_VERSION, (major.into(), minor.into(), patch.into()));
    let categories = CodePointMapData::<GeneralCategory>::new();
    for character in all() {
        let is_assigned = !matches!(
            categories.get(character),
            GeneralCategory::Unassigned | GeneralCategory::PrivateUse | GeneralCategory::Surrogate
        );
        assert_eq!(is_assigned, Script::from(character) != Script::Unknown, "U+{:04X}", u32::from(character));
    }
}

#[test]
fn the_classes_are_those_of_this_version() {
    let mut counts = [0; 5];
    let mut digest = 0xcbf2_9ce4_8422_2325;
    for character in all() {
        let class = class::of(character);
        counts[class as usize] += 1;
        digest = hash(digest, &[class as u8]);
    }
    assert_eq!(counts, [157_184, 27, 801_657, 3_883, 149_313], "valid, context, unassigned, variant, disallowed");
    assert_eq!(digest, 0x30ca_0699_f7fe_2aa9, "{digest:#x}");
}

#[test]
fn the_verdicts_are_those_of_this_version() {
    let mut counts = [0; 3];
    let mut digest = 0xcbf2_9ce4_8422_2325;
    for character in all().filter(|character| mapping::fold(*character).all(is_used)) {
        let spellings = [once(character).collect(), alloc::format!("{character}a"), alloc::format!("a{character}")];
        for (count, spelling) in counts.iter_mut().zip::<[String; 3]>(spellings) {
            let mapped = name(&spelling).ok();
            *count += usize::from(mapped.is_some());
            digest = hash(digest, mapped.as_deref().unwrap_or("\n").as_bytes());
            digest = hash(digest, b" ");
        }
    }
    assert_eq!(counts, [155_067, 115_275, 115_671], "names: alone, first, last");
    assert_eq!(digest, 0x17d0_1ae2_2009_dc12, "{digest:#x}");
}

fn is_used(character: char) -> bool {
    matches!(class::of(character), Class::Valid | Class::Context)
}

#[test]
fn the_case_mapping_is_the_full_one_of_unicode_but_for_sigma() {
    let cases = CaseMapper::new();
    for character in all().filter(|character| is_used(*character)) {
        let lower = cases
            .lowercase_to_string(character.encode_utf8(&mut [0; 4]), &LanguageIdentifier::UNKNOWN)
            .replace('ς', "σ");
        assert_eq!(mapping::fold(character).collect::<String>(), lower, "U+{:04X}", u32::from(character));
    }
}

/// Why one application of the mapping is enough. Were a second one to change a composed character, it would change it
/// or one of its parts; the parts are mapped characters' parts; and here none of those changes.
#[test]
fn mapping_again_changes_nothing() {
    let is_mapped = |character: char| mapping::fold(character).eq(once(character));
    let (composing, decomposing) = (ComposingNormalizer::new_nfc(), DecomposingNormalizer::new_nfd());
    for character in all() {
        for part in decomposing.normalize_iter(mapping::fold(character)) {
            assert!(is_mapped(part), "U+{:04X}", u32::from(character));
        }
        let is_composed = composing.normalize_iter(once(character)).eq(once(character));
        if is_composed && !is_mapped(character) {
            let is_changed = decomposing.normalize_iter(once(character)).any(|part| !is_mapped(part));
            assert!(is_changed, "U+{:04X} could be composed from mapped parts", u32::from(character));
        }
        let mapped = mapping::map(character.encode_utf8(&mut [0; 4]));
        assert_eq!(mapping::map(&mapped), mapped, "U+{:04X}", u32::from(character));
    }
}

#[test]
fn a_key_is_at_rest() {
    for character in all().filter(|character| !character.is_ascii() && mapping::fold(*character).all(is_used)) {
        let mapped = mapping::map(&character.to_string());
        for spelling in [alloc::format!("{mapped}\u{e9}"), alloc::format!("\u{e9}{mapped}")] {
            let key = confusable::key(&spelling).into_owned();
            assert_eq!(confusable::key(&key), key, "U+{:04X}", u32::from(character));
        }
    }
}
