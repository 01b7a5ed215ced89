//! Combining marks: none before the first letter, and no towers of them (UTS 39, section 5.4).

use icu_properties::props::GeneralCategory;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use unicode_script::Script;

use super::broken_rule::{BrokenRule, Reason};

const CATEGORIES: CodePointMapDataBorrowed<'static, GeneralCategory> = CodePointMapData::<GeneralCategory>::new();

/// Nonspacing marks in a row, once composed, on a letter of an alphabet where nearly every marked letter is one
/// character.
const ALPHABET_MARKS_MAX: usize = 2;

/// The same on other letters, as UTS 39 has it: Hebrew needs three (dagesh, sin dot and vowel), so do Arabic and
/// scripts of India with a nukta, and Burmese and Tibetan stack up to four.
const MARKS_MAX: usize = 4;

/// Spacing marks, such as vowel signs of India, take a place of their own: they are not counted, and end a row.
pub(super) fn judge(name: &[char]) -> Result<(), BrokenRule> {
    let mut base = None;
    let mut marks = 0;
    for (index, &character) in name.iter().enumerate() {
        // Nothing in ASCII combines.
        let category = if character.is_ascii() { GeneralCategory::OtherLetter } else { CATEGORIES.get(character) };
        match category {
            GeneralCategory::NonspacingMark | GeneralCategory::SpacingMark | GeneralCategory::EnclosingMark
                if base.is_none() =>
            {
                return Err(BrokenRule { index, reason: Reason::LeadingMark });
            }
            GeneralCategory::NonspacingMark => {
                marks += 1;
                let marks_max = base.map_or(ALPHABET_MARKS_MAX, marks_max);
                if marks > marks_max || name[index - 1] == character {
                    return Err(BrokenRule { index, reason: Reason::Marks { marks_max } });
                }
            }
            GeneralCategory::SpacingMark => marks = 0,
            _ => {
                base = Some(character);
                marks = 0;
            }
        }
    }
    Ok(())
}

/// How many marks in a row a letter may have.
fn marks_max(base: char) -> usize {
    match Script::from(base) {
        Script::Latin | Script::Greek | Script::Cyrillic | Script::Common => ALPHABET_MARKS_MAX,
        _ => MARKS_MAX,
    }
}
