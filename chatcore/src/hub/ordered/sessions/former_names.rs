//! Users who were renamed: what they are still found by, beside the name that they have.
//!
//! A message bears the name that its sender had, and a report about it still goes to the sender's sessions. A client
//! that has not heard of its new name resumes with the old one, and is found by its token. Sessions of users who were
//! never renamed have nothing here.

use alloc::boxed::Box;
use alloc::collections::{BTreeMap, VecDeque};

use compact_str::CompactString;
use hashbrown::HashTable;

use crate::name::UserName;
use crate::wire::MessageId;

/// The name that a user gets.
#[derive(Clone, Copy)]
pub(in crate::hub) struct NewName<'a> {
    pub(in crate::hub) name: &'a UserName,
    /// The spelling, if that is something else.
    pub(in crate::hub) display_name: Option<&'a str>,
    /// What the name looks like.
    pub(in crate::hub) key: &'a str,
}

/// What is kept of a session whose user was renamed while it was there.
#[derive(Debug)]
pub(in crate::hub) struct Renaming {
    /// Why, in the words of the last time.
    pub(in crate::hub) why: Box<str>,
    /// The number of the frame that has told the session last.
    pub(in crate::hub) told_at: u64,
    /// Messages with higher ids that bear its name are its own.
    pub(super) since: MessageId,
    /// The names before that some message may bear, each with the id after which it was the session's.
    pub(super) former: VecDeque<(CompactString, MessageId)>,
    /// Its client may know it by a former name.
    pub(super) is_found_by_token: bool,
}

impl Renaming {
    pub(super) fn new() -> Self {
        let since = MessageId(0);
        Self { why: Box::default(), told_at: 0, since, former: VecDeque::new(), is_found_by_token: false }
    }

    pub(super) const fn since(&self) -> MessageId {
        self.since
    }
}

/// Which sessions had a name before, and which are found by their token.
pub(super) struct FormerNames {
    /// A name, the id of a message after which it was a session's, and the session; to the id of the last message of
    /// that time.
    pub(super) names: BTreeMap<(CompactString, MessageId, usize), MessageId>,
    /// Sessions by token.
    pub(super) tokens: HashTable<usize>,
    pub(super) key: [u8; 16],
}

impl FormerNames {
    pub(super) const fn new(key: [u8; 16]) -> Self {
        Self { names: BTreeMap::new(), tokens: HashTable::new(), key }
    }
}
