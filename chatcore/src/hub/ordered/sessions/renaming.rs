//! How users are renamed, and found by the names and tokens that they had.

use alloc::boxed::Box;
use core::mem;

use compact_str::CompactString;
use siphasher::sip::SipHasher13;

use super::answers::Answer;
use super::former_names::{FormerNames, NewName, Renaming};
use super::store::Sessions;
use crate::name::UserName;
use crate::wire::{MessageId, Renamed, Token};

/// Names that a session had before, as far as they are remembered. Of more, the first is forgotten: messages that were
/// sent under it are not reported any more.
const FORMER_NAMES_MAX: usize = 32;

impl Sessions {
    /// A user gets another name, or only another display name. Nobody else has the name or one that looks like it.
    /// Messages up to this id bear the name before.
    pub(in crate::hub::ordered) fn rename_user(&mut self, oldest: usize, to: &NewName<'_>, last_id: MessageId) {
        let NewName { name, display_name, key } = *to;
        self.leave_names(oldest);
        let mut next = Some(oldest);
        while let Some(index) = next {
            let session = &mut self.all[index];
            let after = session.named_after();
            let before = mem::replace(&mut session.name, name.clone());
            let looks_like: Option<Box<str>> = (key != name.as_str()).then(|| key.into());
            if display_name.is_some() || looks_like.is_some() || session.details.rare.is_some() {
                let rare = session.rare();
                (rare.display_name, rare.looks_like) = (display_name.map(Into::into), looks_like);
            }
            if before != *name {
                self.remember_name(index, &before, after, last_id);
            }
            next = self.next_in_ring(index, oldest);
        }
        self.enter_names(oldest);
    }

    /// A name was a session's for messages with ids above the first, up to the last.
    fn remember_name(&mut self, index: usize, name: &UserName, after: MessageId, until: MessageId) {
        let renaming = self.all[index].rare().renaming.get_or_insert_with(|| Renaming::new().into());
        renaming.since = until;
        let is_new = !mem::replace(&mut renaming.is_found_by_token, true);
        // If nobody has said anything meanwhile, no message bears the name.
        if after < until {
            let name = CompactString::from(name.as_str());
            renaming.former.push_back((name.clone(), after));
            self.former_names.names.insert((name, after, index), until);
            if renaming.former.len() > FORMER_NAMES_MAX
                && let Some((name, after)) = renaming.former.pop_front()
            {
                self.former_names.names.remove(&(name, after, index));
            }
        }
        if is_new {
            let FormerNames { tokens, key, .. } = &mut self.former_names;
            let (key, all) = (*key, &self.all);
            let hash_of = |index: &usize| hash(&key, &all[*index].details.token);
            tokens.insert_unique(hash_of(&index), index, hash_of);
        }
    }

    /// Tells a session which name it has.
    pub(in crate::hub) fn tell_renamed(&mut self, index: usize, why: &str) {
        // What it is told of its messages before comes first.
        self.tell_accepted(index);
        let session = &mut self.all[index];
        let told_at = session.outbox.next_number();
        if let Some(renaming) = session.details.rare.as_mut().and_then(|rare| rare.renaming.as_mut()) {
            renaming.told_at = told_at;
            renaming.why = why.into();
        }
        let (name, display_name) = (session.name.clone(), session.display_name().map(Box::<str>::from));
        let renamed = Renamed { name: name.as_str(), display_name: display_name.as_deref(), detail: why };
        self.answer(index, Answer::Renamed(renamed));
    }

    /// A session is over, or gets another token: nobody finds it by the one that it had.
    pub(in crate::hub) fn forget_token(&mut self, index: usize) {
        let session = &mut self.all[index];
        let Some(renaming) = session.details.rare.as_mut().and_then(|rare| rare.renaming.as_mut()) else { return };
        if mem::take(&mut renaming.is_found_by_token) {
            let hash_of_it = hash(&self.former_names.key, &session.details.token);
            let entry = self.former_names.tokens.find_entry(hash_of_it, |other| *other == index);
            entry.expect("what is removed was inserted").remove();
        }
    }

    /// A session is over: nobody reports to it any more, under whatever name.
    pub(super) fn forget_names(&mut self, index: usize) {
        self.forget_token(index);
        let rare = self.all[index].details.rare.as_mut();
        let Some(renaming) = rare.and_then(|rare| rare.renaming.as_mut()) else { return };
        for (name, after) in mem::take(&mut renaming.former) {
            self.former_names.names.remove(&(name, after, index));
        }
    }

    /// The session that has this token, if its client may know it by a former name.
    pub(in crate::hub) fn find_by_token(&self, token: &Token) -> Option<usize> {
        let FormerNames { tokens, key, .. } = &self.former_names;
        if tokens.is_empty() {
            return None;
        }
        // Tokens are compared in constant time, and nobody without the key knows what the hash says of one.
        tokens.find(hash(key, token), |index| self.all[*index].details.token == *token).copied()
    }

    /// The sessions that have sent a message or were told of it, by the name that it bears and its id: those whose name
    /// that was.
    pub(in crate::hub) fn senders(&self, name: &str, id: MessageId) -> impl Iterator<Item = usize> {
        let holders = self.find(name.as_bytes()).into_iter().flat_map(|oldest| self.ring(oldest));
        // A later session of the same name has not sent it.
        let holders = holders.filter(move |index| self.all[*index].named_after() < id);
        let names = &self.former_names.names;
        let former = (!names.is_empty()).then(|| {
            let name = CompactString::from(name);
            let before = names.range((name.clone(), MessageId(0), 0)..(name, id, 0)).rev();
            // The sessions of one user lie next to each other: nobody else had the name at that time.
            before.take_while(move |(_, until)| **until >= id).map(|((_, _, index), _)| *index)
        });
        holders.chain(former.into_iter().flatten())
    }

    /// What is kept here is what the sessions say.
    #[cfg(feature = "sim")]
    pub(in crate::hub) fn audit_former_names(&self) -> Result<(), alloc::string::String> {
        use alloc::format;
        let (mut names, mut tokens) = (0, 0);
        for (index, session) in self.iter() {
            let Some(renaming) = session.renaming() else { continue };
            for (name, after) in &renaming.former {
                names += 1;
                if !self.former_names.names.contains_key(&(name.clone(), *after, index)) {
                    return Err(format!("session {index} was {name}, and is not found by that"));
                }
            }
            if renaming.is_found_by_token {
                tokens += 1;
                if self.find_by_token(&session.details.token) != Some(index) {
                    return Err(format!("session {index} is not found by its token"));
                }
            }
        }
        let kept = (self.former_names.names.len(), self.former_names.tokens.len());
        if kept == (names, tokens) {
            return Ok(());
        }
        Err(format!("{} former names and {} tokens are kept, {names} and {tokens} found", kept.0, kept.1))
    }
}

fn hash(key: &[u8; 16], token: &Token) -> u64 {
    SipHasher13::new_with_key(key).hash(token.as_bytes())
}
