//! Names that read the same wherever they stand (RFC 5893, section 2).

use icu_properties::props::BidiClass;
use icu_properties::{CodePointMapData, CodePointMapDataBorrowed};

use super::broken_rule::{BrokenRule, Reason};

const DIRECTIONS: CodePointMapDataBorrowed<'static, BidiClass> = CodePointMapData::<BidiClass>::new();

/// The six conditions, for a name that holds a right-to-left letter or an Arabic digit.
pub(super) fn judge(name: &[char]) -> Result<(), BrokenRule> {
    let direction = |character: &char| DIRECTIONS.get(*character);
    if !name.iter().map(direction).any(is_right_to_left) {
        return Ok(());
    }
    let broken = |index, rule| Err(BrokenRule { index, reason: Reason::Directions(rule) });
    // 1 and 5: since one is right-to-left, a name that begins left-to-right breaks the fifth.
    match name.first().map(direction) {
        Some(BidiClass::RightToLeft | BidiClass::ArabicLetter) => {}
        Some(BidiClass::LeftToRight) => {
            let index = name.iter().map(direction).position(is_right_to_left).unwrap_or_default();
            return broken(index, 5);
        }
        _ => return broken(0, 1),
    }
    // 2 and 4.
    let mut digits = None;
    for (index, class) in name.iter().map(direction).enumerate() {
        match class {
            BidiClass::EuropeanNumber | BidiClass::ArabicNumber => {
                if *digits.get_or_insert(class) != class {
                    return broken(index, 4);
                }
            }
            _ if is_allowed(class) => {}
            _ => return broken(index, 2),
        }
    }
    // 3: marks at the end belong to the character before them.
    let last = name.iter().map(direction).enumerate().rfind(|(_, class)| *class != BidiClass::NonspacingMark);
    match last {
        Some((index, class)) if !is_allowed_last(class) => broken(index, 3),
        _ => Ok(()),
    }
}

fn is_right_to_left(class: BidiClass) -> bool {
    matches!(class, BidiClass::RightToLeft | BidiClass::ArabicLetter | BidiClass::ArabicNumber)
}

/// The third condition.
fn is_allowed_last(class: BidiClass) -> bool {
    is_right_to_left(class) || class == BidiClass::EuropeanNumber
}

/// The second condition, without digits.
fn is_allowed(class: BidiClass) -> bool {
    matches!(
        class,
        BidiClass::RightToLeft
            | BidiClass::ArabicLetter
            | BidiClass::EuropeanSeparator
            | BidiClass::CommonSeparator
            | BidiClass::EuropeanTerminator
            | BidiClass::OtherNeutral
            | BidiClass::BoundaryNeutral
            | BidiClass::NonspacingMark
    )
}
