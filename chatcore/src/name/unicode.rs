//! Names beyond ASCII: mapped, composed, and only then judged.

use alloc::borrow::Cow;

use super::bounds::NAME_BYTES_MAX;
use super::broken_rule::BrokenRule;
use super::error::NameError;
use super::{bidi, class, context, mapping, marks, origin, scripts};

/// Maps a spelling, and judges what it has become.
pub(super) fn map(spelling: &str) -> Result<Cow<'static, str>, NameError> {
    let mapped = mapping::map(spelling);
    if mapped.len() > NAME_BYTES_MAX {
        return Err(NameError::TooLong { bytes: mapped.len(), bytes_max: NAME_BYTES_MAX });
    }
    judge(&mapped).map_err(|broken| {
        let (character, position) = origin::of(spelling, &mapped, broken.index);
        broken.reason.at(character, position)
    })?;
    Ok(Cow::Owned(mapped))
}

/// Whether a mapped text of at most [`NAME_BYTES_MAX`] bytes is a name.
fn judge(mapped: &str) -> Result<(), BrokenRule> {
    let mut buffer = ['\0'; NAME_BYTES_MAX];
    let mut count = 0;
    for (place, character) in buffer.iter_mut().zip(mapped.chars()) {
        *place = character;
        count += 1;
    }
    let name = &buffer[..count];
    class::judge(name)?;
    context::judge(name)?;
    marks::judge(name)?;
    bidi::judge(name)?;
    scripts::judge(name)
}
