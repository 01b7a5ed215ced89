//! One script for a name, with the combinations that people write (UTS 39, section 5.2, *highly restrictive*).

use unicode_script::{Script, ScriptExtension};
use unicode_security::mixed_script::AugmentedScriptSet;

use super::broken_rule::{BrokenRule, Reason};

/// All characters have a script in common; or all but the Latin ones are Japanese, Korean, or Chinese.
pub(super) fn judge(name: &[char]) -> Result<(), BrokenRule> {
    let mut all = AugmentedScriptSet::default();
    let mut beside_latin = AugmentedScriptSet::default();
    for (index, &character) in name.iter().enumerate() {
        let own = AugmentedScriptSet::for_char(character);
        all.intersect_with(own);
        if own.is_all() || !own.base.contains_script(Script::Latin) {
            beside_latin.intersect_with(own);
        }
        if all.is_empty() && !is_east_asian(&beside_latin) {
            return Err(BrokenRule { index, reason: reason(name, index) });
        }
    }
    Ok(())
}

fn is_east_asian(scripts: &AugmentedScriptSet) -> bool {
    scripts.hanb || scripts.jpan || scripts.kore
}

/// Names the scripts of the character and of one before it that it does not go with.
fn reason(name: &[char], index: usize) -> Reason {
    let own = AugmentedScriptSet::for_char(name[index]);
    let is_foreign = |other: &&char| {
        let mut both = AugmentedScriptSet::for_char(**other);
        both.intersect_with(own);
        both.is_empty()
    };
    let other = name[..index].iter().find(is_foreign);
    // Three that are at odds only together.
    let other = other.or_else(|| name[..index].iter().find(|other| !AugmentedScriptSet::for_char(**other).is_all()));
    Reason::Scripts { script: name_of(name[index]), other: other.map_or("other scripts", |other| name_of(*other)) }
}

/// The name of a character's script, or of the first that it is used with.
fn name_of(character: char) -> &'static str {
    match Script::from(character) {
        Script::Common | Script::Inherited => {
            ScriptExtension::from(character).iter().next().unwrap_or(Script::Common).full_name()
        }
        script => script.full_name(),
    }
}
