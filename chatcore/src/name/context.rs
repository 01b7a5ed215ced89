//! Characters that only their neighbours allow (RFC 5892, appendix A).

use icu_normalizer::properties::{CanonicalCombiningClassMap, CanonicalCombiningClassMapBorrowed};
use icu_properties::props::JoiningType;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};
use unicode_script::Script;

use super::broken_rule::{BrokenRule, Reason};

const JOINING: CodePointMapDataBorrowed<'static, JoiningType> = CodePointMapData::<JoiningType>::new();
const COMBINING: CanonicalCombiningClassMapBorrowed<'static> = CanonicalCombiningClassMap::new();

/// The canonical combining class of a virama.
const VIRAMA: u8 = 9;

/// Every character that needs its neighbours must have them.
pub(super) fn judge(name: &[char]) -> Result<(), BrokenRule> {
    for index in 0..name.len() {
        if !is_allowed(name, index) {
            return Err(BrokenRule { index, reason: Reason::Context });
        }
    }
    Ok(())
}

fn is_allowed(name: &[char], index: usize) -> bool {
    let before = index.checked_sub(1).map(|before| name[before]);
    let after = name.get(index + 1).copied();
    let holds = |digits: core::ops::RangeInclusive<char>| name.iter().any(|c| digits.contains(c));
    match name[index] {
        '\u{200c}' => before.is_some_and(is_virama) || parts_joined_letters(name, index),
        '\u{200d}' => before.is_some_and(is_virama),
        '\u{b7}' => before == Some('l') && after == Some('l'),
        '\u{375}' => after.is_some_and(|after| Script::from(after) == Script::Greek),
        '\u{5f3}' | '\u{5f4}' => before.is_some_and(|before| Script::from(before) == Script::Hebrew),
        '\u{30fb}' => {
            name.iter().any(|c| matches!(Script::from(*c), Script::Hiragana | Script::Katakana | Script::Han))
        }
        '\u{660}'..='\u{669}' => !holds('\u{6f0}'..='\u{6f9}'),
        '\u{6f0}'..='\u{6f9}' => !holds('\u{660}'..='\u{669}'),
        _ => true,
    }
}

fn is_virama(character: char) -> bool {
    COMBINING.get_u8(character) == VIRAMA
}

/// `(Joining_Type:{L,D})(Joining_Type:T)*` before it, and `(Joining_Type:T)*(Joining_Type:{R,D})` after.
fn parts_joined_letters(name: &[char], index: usize) -> bool {
    let joining = |character: &char| JOINING.get(*character);
    let is_solid = |kind: &JoiningType| *kind != JoiningType::Transparent;
    let before = name[..index].iter().rev().map(joining).find(is_solid);
    let after = name[index + 1..].iter().map(joining).find(is_solid);
    matches!(before, Some(JoiningType::LeftJoining | JoiningType::DualJoining))
        && matches!(after, Some(JoiningType::RightJoining | JoiningType::DualJoining))
}
