//! Users with limits of their own, of which there are few.
//!
//! They are in a table beside the sessions. A session that is there has a bucket that is always overdrawn in place of
//! its own, which is in the table, too. So a session that is not there costs nothing: only where a bucket is overdrawn
//! is there anything to look up.

use crate::hub::rate::{Bucket, Pace};
use crate::user_limits::UserLimits;

/// What a session has whose user has limits of its own.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) limits: UserLimits,
    pub(super) pace: Pace,
    pub(super) bucket: Bucket,
}
