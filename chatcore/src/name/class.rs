//! Which characters a name may hold: RFC 8264's `IdentifierClass`, derived from properties.

use icu_normalizer::{ComposingNormalizer, ComposingNormalizerBorrowed};
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory, HangulSyllableType, NoncharacterCodePoint};
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed, CodePointSetData, CodePointSetDataBorrowed};

use super::bounds::RESERVED;
use super::broken_rule::{BrokenRule, Reason};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();
const HANGUL: CodePointMapDataBorrowed<'static, HangulSyllableType> = CodePointMapData::<HangulSyllableType>::new();
const IGNORABLE: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<DefaultIgnorableCodePoint>();
const NONCHARACTERS: CodePointSetDataBorrowed<'static> = CodePointSetData::new::<NoncharacterCodePoint>();
const COMPATIBILITY: ComposingNormalizerBorrowed<'static> = ComposingNormalizer::new_nfkc();

/// The derived property of a code point, with the reason why it is disallowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Valid,
    /// `CONTEXTJ` and `CONTEXTO`: only where RFC 5892, appendix A, allows it.
    Context,
    Unassigned,
    /// `HasCompat`, if it is a letter or a number.
    Variant,
    Disallowed,
}

/// Every character must be allowed, and none may be one that has a meaning around names.
pub(super) fn judge(name: &[char]) -> Result<(), BrokenRule> {
    for (index, &character) in name.iter().enumerate() {
        let reason = match of(character) {
            Class::Valid if RESERVED.contains(&character) => Reason::Forbidden,
            Class::Valid | Class::Context => continue,
            Class::Unassigned => Reason::Unassigned,
            Class::Variant => Reason::Variant,
            Class::Disallowed => Reason::Forbidden,
        };
        return Err(BrokenRule { index, reason });
    }
    Ok(())
}

/// RFC 8264, section 8, in its order.
pub(super) fn of(character: char) -> Class {
    if let Some(class) = exception(character) {
        return class;
    }
    let category = CATEGORIES.get(character);
    match character {
        _ if category == GeneralCategory::Unassigned && !NONCHARACTERS.contains(character) => Class::Unassigned,
        // ASCII7.
        '!'..='~' => Class::Valid,
        // JoinControl.
        '\u{200c}' | '\u{200d}' => Class::Context,
        _ if is_old_hangul(character) || IGNORABLE.contains(character) || NONCHARACTERS.contains(character) => {
            Class::Disallowed
        }
        _ if category == GeneralCategory::Control => Class::Disallowed,
        // Among what is allowed otherwise; spaces and signs of which there are such forms are disallowed either way.
        _ if is_letter_or_number(category) && !COMPATIBILITY.is_normalized(character.encode_utf8(&mut [0; 4])) => {
            Class::Variant
        }
        _ if is_letter_or_digit(category) => Class::Valid,
        _ => Class::Disallowed,
    }
}

/// Exceptions (RFC 8264, section 9.6). Its section 9.7 lists none for compatibility with older versions.
fn exception(character: char) -> Option<Class> {
    match character {
        '\u{df}' | '\u{3c2}' | '\u{6fd}' | '\u{6fe}' | '\u{f0b}' | '\u{3007}' => Some(Class::Valid),
        '\u{b7}' | '\u{375}' | '\u{5f3}' | '\u{5f4}' | '\u{30fb}' | '\u{660}'..='\u{669}' | '\u{6f0}'..='\u{6f9}' => {
            Some(Class::Context)
        }
        '\u{640}' | '\u{7fa}' | '\u{302e}' | '\u{302f}' | '\u{3031}'..='\u{3035}' | '\u{303b}' => {
            Some(Class::Disallowed)
        }
        _ => None,
    }
}

/// The categories of characters that people write names with, forms of them included.
fn is_letter_or_number(category: GeneralCategory) -> bool {
    is_letter_or_digit(category)
        || matches!(
            category,
            GeneralCategory::TitlecaseLetter | GeneralCategory::LetterNumber | GeneralCategory::OtherNumber
        )
}

/// Conjoining letters that have not become a syllable.
fn is_old_hangul(character: char) -> bool {
    matches!(
        HANGUL.get(character),
        HangulSyllableType::LeadingJamo | HangulSyllableType::VowelJamo | HangulSyllableType::TrailingJamo
    )
}

fn is_letter_or_digit(category: GeneralCategory) -> bool {
    matches!(
        category,
        GeneralCategory::LowercaseLetter
            | GeneralCategory::UppercaseLetter
            | GeneralCategory::OtherLetter
            | GeneralCategory::DecimalNumber
            | GeneralCategory::ModifierLetter
            | GeneralCategory::NonspacingMark
            | GeneralCategory::SpacingMark
    )
}
