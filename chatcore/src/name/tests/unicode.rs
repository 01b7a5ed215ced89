//! Names beyond ASCII: real ones are names, look-alikes are told, and every refusal says what and where.

use super::{forbidden, name};
use crate::NameError;
use crate::name::{RoomName, UserName};
use alloc::string::ToString;
use icu_normalizer::DecomposingNormalizer;
use proptest::prelude::*;

#[track_caller]
fn key(spelling: &str) -> alloc::string::String {
    UserName::new(spelling).unwrap().confusable_key().into_owned()
}

#[test]
fn spellings_of_one_name_beyond_ascii_map_to_it() {
    assert_eq!(name("\u{ff41}\u{ff4c}\u{ff29}\u{ff43}\u{ff45}"), Ok("alice".into()), "full-width");
    assert_eq!(name("\u{ff71}\u{ff98}\u{ff7d}"), Ok("アリス".into()), "half-width");
    assert_eq!(name("\u{ff76}\u{ff9e}"), Ok("ガ".into()), "half-width with a voiced sound mark");
    assert_eq!(name("zoe\u{308}"), name("ZO\u{cb}"), "combining");
    assert_eq!(name("ÉMILE"), Ok("émile".into()));
    assert_eq!(name("山田"), Ok("山田".into()));
    assert_eq!(name("\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af}"), Ok("한글".into()), "decomposed Hangul");
    assert_eq!(name("\u{13a0}\u{13a1}"), Ok("\u{ab70}\u{ab71}".into()), "Cherokee capitals");
    assert_eq!(name("\u{ab70}\u{ab71}"), Ok("\u{ab70}\u{ab71}".into()));
    assert_eq!(name("İnci"), name("I\u{307}nci"), "the canonical equivalent");
}

#[test]
fn a_final_sigma_is_a_sigma() {
    assert_eq!(name("Οδυσσεύς"), name("ΟΔΥΣΣΕΎΣ"));
    assert_eq!(name("Οδυσσεύς"), name("οδυσσεύσ"));
    assert_ne!(name("straße"), name("strasse"), "ß is a letter of its own");
    assert_eq!(name("STRAẞE"), name("straße"));
}

#[test]
fn names_of_living_scripts_are_names() {
    let names = [
        ("Arabic", "\u{645}\u{62d}\u{645}\u{651}\u{62f}"),
        ("Arabic, shadda, fatha and alef", "\u{671}\u{644}\u{644}\u{651}\u{64e}\u{670}\u{647}"),
        ("Hebrew", "\u{5de}\u{5b9}\u{5e9}\u{5b6}\u{5c1}\u{5d4}"),
        ("Hebrew, dagesh, shin dot and vowel", "\u{5d4}\u{5b7}\u{5e9}\u{5bc}\u{5c1}\u{5b5}\u{5dd}"),
        ("Hebrew, a mark at the end", "\u{5d0}\u{5b8}"),
        ("Dhivehi", "ޢަލީ"),
        ("Syriac", "\u{715}\u{733}\u{718}\u{710}"),
        ("Persian with a non-joiner", "\u{646}\u{627}\u{645}\u{647}\u{200c}\u{627}\u{6cc}"),
        ("Devanagari", "कुँवर"),
        ("Devanagari, nukta, vowel and anusvara", "ज\u{93c}\u{941}\u{902}"),
        ("Devanagari with a joiner", "\u{92c}\u{94d}\u{200d}\u{92c}"),
        ("Tamil", "தமிழ்"),
        ("Thai", "ที่รัก"),
        ("Thai with sara am", "น\u{e49}\u{e33}ฝน"),
        ("Lao", "ທອງດ\u{eb3}"),
        ("Burmese", "မြို့"),
        ("Tibetan", "བསྒྲུབས"),
        ("Vietnamese", "nguyễn"),
        ("Armenian with yev", "Սևակ"),
        ("Chinese and Latin", "王-lee"),
        ("Japanese and Latin", "山田アリスのx"),
        ("Korean and Latin", "김alice"),
        ("Tangut of Unicode 17", "\u{187f8}\u{187ff}"),
        ("a letter of Unicode 16", "\u{10d70}"),
    ];
    for (what, spelling) in names {
        assert!(name(spelling).is_ok(), "{what}: {:?}", name(spelling));
    }
}

#[test]
fn five_letters_are_spelled_out() {
    assert_eq!(name("ՍԵՒԱԿ"), name("Սևակ"));
    assert_eq!(name("\u{e01}\u{e33}"), Ok("\u{e01}\u{e4d}\u{e32}".into()));
    assert_eq!(name("\u{edc}\u{edd}"), Ok("\u{eab}\u{e99}\u{eab}\u{ea1}".into()));
}

#[test]
fn forbidden_unicode_is_refused_with_the_character_as_typed() {
    forbidden("bob\u{202e}", '\u{202e}', 4);
    forbidden("\u{ff03}x", '\u{ff03}', 1);
    forbidden("x\u{ff20}", '\u{ff20}', 2);
    forbidden("é\u{ff1a}", '\u{ff1a}', 2);
    forbidden("\u{85}", '\u{85}', 1);
    forbidden("a\u{200b}", '\u{200b}', 2);
    forbidden("e\u{301}e\u{301}\u{20ac}", '\u{20ac}', 5);
    forbidden("=\u{338}", '\u{338}', 2);
    forbidden("e\u{301}\u{2190}\u{338}", '\u{2190}', 3);
    forbidden("é\u{3000}x", '\u{3000}', 2);
    assert_eq!(name("x\u{378}"), Err(NameError::Unassigned { character: '\u{378}', position: 2 }));
    assert_eq!(name("\u{fb01}x"), Err(NameError::Variant { character: '\u{fb01}', position: 1 }));
    assert_eq!(
        RoomName::new("#é\u{202e}"),
        Err(NameError::Forbidden { character: '\u{202e}', position: 3 }),
        "in the whole spelling"
    );
    assert_eq!(
        NameError::Forbidden { character: '\u{202e}', position: 4 }.to_string(),
        "a name may not hold U+202E (character 4): letters and digits of any script and most ASCII \
         signs are allowed, spaces, control characters and # @ : are not"
    );
}

#[test]
fn a_character_that_needs_neighbours_has_them() {
    let refused = |spelling: &str, character, position| {
        assert_eq!(name(spelling), Err(NameError::Context { character, position }), "{spelling:?}");
    };
    assert_eq!(name("l\u{b7}l"), Ok("l·l".into()), "as in Catalan");
    refused("é\u{b7}", '\u{b7}', 2);
    refused("é\u{b7}a", '\u{b7}', 2);
    refused("l\u{387}a", '\u{387}', 2);
    refused("a\u{200d}b", '\u{200d}', 2);
    refused("a\u{200c}b", '\u{200c}', 2);
    refused("\u{375}", '\u{375}', 1);
    assert!(name("\u{375}α").is_ok());
    refused("\u{5f3}", '\u{5f3}', 1);
    assert!(name("\u{5d2}\u{5f3}").is_ok());
    assert!(name("ア\u{30fb}リ").is_ok());
    refused("x\u{ff65}", '\u{ff65}', 2);
    refused("\u{627}\u{661}\u{6f1}", '\u{661}', 2);
}

#[test]
fn directions_are_mixed_only_by_rfc_5893() {
    let refused = |spelling: &str, rule, character, position| {
        assert_eq!(name(spelling), Err(NameError::Directions { character, position, rule }), "{spelling:?}");
    };
    refused("1\u{5d0}", 1, '1', 1);
    refused("\u{5d0}a\u{5d0}", 2, 'a', 2);
    refused("\u{5d0}\u{5b8}-", 3, '-', 3);
    refused("\u{627}1\u{661}", 4, '\u{661}', 3);
    refused("a\u{5d0}", 5, '\u{5d0}', 2);
    assert!(name("\u{5d0}-1").is_ok());
    assert!(name("\u{627}\u{661}").is_ok());
}

#[test]
fn marks_have_a_letter_and_a_limit() {
    assert_eq!(name("\u{301}a"), Err(NameError::LeadingMark { character: '\u{301}', position: 1 }));
    assert_eq!(name("\u{903}"), Err(NameError::LeadingMark { character: '\u{903}', position: 1 }));
    assert!(name("x\u{302}\u{303}").is_ok());
    let three = NameError::Marks { character: '\u{304}', position: 4, marks_max: 2 };
    assert_eq!(name("x\u{302}\u{303}\u{304}"), Err(three));
    assert!(name("a\u{302}\u{303}\u{304}\u{305}").is_ok(), "the first two are part of the letter");
    assert_eq!(
        name("x\u{302}\u{302}"),
        Err(NameError::Marks { character: '\u{302}', position: 3, marks_max: 2 }),
        "twice"
    );
    let five = "\u{5d0}\u{5b0}\u{5b1}\u{5b2}\u{5b3}\u{5b4}";
    assert_eq!(name(five), Err(NameError::Marks { character: '\u{5b4}', position: 6, marks_max: 4 }));
}

#[test]
fn a_name_has_one_script() {
    let refused = |spelling: &str, character, position, script, other| {
        let error = NameError::Scripts { character, position, script, other };
        assert_eq!(name(spelling), Err(error), "{spelling:?}");
    };
    refused("\u{430}lice", 'l', 2, "Latin", "Cyrillic");
    refused("user_\u{44e}", '\u{44e}', 6, "Cyrillic", "Latin");
    refused("αlpha", 'l', 2, "Latin", "Greek");
    refused("김и", 'и', 2, "Cyrillic", "Hangul");
    refused("김の", 'の', 2, "Hiragana", "Hangul");
    assert!(name("\u{430}-1_\u{431}").is_ok(), "digits and signs belong to every script");
}

#[test]
fn look_alikes_have_one_key() {
    assert_eq!(key("al\u{131}ce"), "alice");
    assert_eq!(key("\u{441}\u{43e}\u{440}"), "cop");
    assert_eq!(key("\u{440}\u{430}\u{443}\u{440}\u{430}\u{4cf}"), "paypal");
    assert_eq!(key("İnci"), "inci");
    assert_eq!(key("\u{646}\u{627}\u{645}\u{647}\u{200c}\u{627}"), key("\u{646}\u{627}\u{645}\u{647}\u{627}"));
    assert_ne!(key("zoë"), "zoe", "marks are seen");
    assert_ne!(key("zoë1"), key("zoël"), "what is in ASCII stays as it is");
}

#[test]
fn every_sentence_says_what_and_where() {
    let spellings = [
        ("a\u{378}", "U+0378 (character 2)", "18.0.0"),
        ("\u{fb01}", "U+FB01 (character 1)", "write those"),
        ("é\u{b7}", "U+00B7 (character 2)", "between two l"),
        ("a\u{5d0}", "U+05D0 (character 2)", "rule 5 of RFC 5893"),
        ("\u{301}", "U+0301 (character 1)", "put a letter before it"),
        ("x\u{302}\u{302}", "U+0302 (character 3)", "at most 2 marks"),
        ("\u{430}l", "U+006C (character 2)", "Latin with Cyrillic"),
    ];
    for (spelling, place, rule) in spellings {
        let sentence = name(spelling).unwrap_err().to_string();
        assert!(sentence.contains(place) && sentence.contains(rule), "{sentence}");
    }
}

proptest! {
    #[test]
    fn equivalent_spellings_are_one_name(spelling in "\\PC{1,8}|\\p{L}{1,8}|[\\p{Latin}\\p{M}]{1,8}|[\\p{Hebrew}]{1,9}") {
        let decomposed = DecomposingNormalizer::new_nfd().normalize(&spelling).into_owned();
        let mapped = name(&spelling).ok();
        prop_assert_eq!(&name(&decomposed).ok(), &mapped);
        if let Some(mapped) = mapped {
            prop_assert_eq!(key(&mapped), key(&spelling));
        }
    }

    #[test]
    fn an_error_names_what_stands_there(spelling in "\\PC{1,8}|\\p{L}{1,8}|[a-z\\p{M}]{1,8}|[a-é\\p{Arabic}]{1,8}") {
        use NameError::{Context, Directions, Forbidden, LeadingMark, Marks, Scripts, Unassigned, Variant};
        if let Err(
            Forbidden { character, position }
            | Variant { character, position }
            | Unassigned { character, position }
            | Context { character, position }
            | Directions { character, position, .. }
            | LeadingMark { character, position }
            | Marks { character, position, .. }
            | Scripts { character, position, .. },
        ) = name(&spelling)
        {
            prop_assert_eq!(spelling.chars().nth(position - 1), Some(character));
        }
    }
}
