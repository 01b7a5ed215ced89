//! What a person wants to find again: what was typed and not sent, how far each conversation was read, and, if the
//! configuration says so, what was said.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};

/// Bytes of one file of what is kept, at the most.
pub(super) const KEPT_BYTES_MAX: u64 = 32 << 20;

/// Bytes of all drafts, at the most. The longest go first.
const DRAFTS_BYTES_MAX: usize = 4 << 20;

/// Bytes of all messages without an answer, at the most. The oldest where there are most go first.
const UNANSWERED_BYTES_MAX: usize = 4 << 20;

/// Conversations whose marks are kept, at the most. Those that were read the longest ago go first.
const READ_MAX: usize = 2_000;

/// Messages of one conversation, at the most. The oldest go first.
const HISTORY_MESSAGES_MAX: usize = 1_000;

/// Bytes of all messages, at the most. The oldest of whoever has the most go first.
const HISTORY_BYTES_MAX: usize = 8 << 20;

/// What a message takes beside its text, about.
const MESSAGE_BYTES: usize = 128;

/// All of it, by conversation: a user's name, or a room's with its sign.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// What was typed and not sent.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) drafts: BTreeMap<String, String>,
    /// What was said and had no answer when it was saved, the oldest first.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) unanswered: BTreeMap<String, VecDeque<Unanswered>>,
    /// The id of the last message that was read.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) read: BTreeMap<String, String>,
    /// What was said.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) history: History,
}

/// A message of ours without an answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Unanswered {
    pub(crate) text: String,
    /// It had a place among what is sent.
    pub(crate) is_sent: bool,
}

/// What was said in each conversation, the oldest first.
pub(crate) type History = BTreeMap<String, VecDeque<KeptMessage>>;

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct KeptMessage {
    /// None if the server has not told one.
    pub(crate) id: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) time_ms: u64,
    /// Who said it; none for ourselves.
    pub(crate) from: Option<String>,
    #[serde(with = "body")]
    pub(crate) body: Vec<u8>,
}

/// A body is text nearly always, and then it is kept as such. What is none would be another body afterwards.
mod body {
    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "snake_case")]
    enum Body {
        Text(String),
        Base64(String),
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let body = match std::str::from_utf8(bytes) {
            Ok(text) => Body::Text(text.to_owned()),
            Err(_) => Body::Base64(BASE64_STANDARD.encode(bytes)),
        };
        body.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        match Body::deserialize(deserializer)? {
            Body::Text(text) => Ok(text.into_bytes()),
            Body::Base64(text) => BASE64_STANDARD.decode(text).map_err(D::Error::custom),
        }
    }
}

impl Kept {
    pub(crate) fn is_empty(&self) -> bool {
        self.drafts.is_empty() && self.unanswered.is_empty() && self.read.is_empty() && self.history.is_empty()
    }

    /// As much of it as there is room for.
    pub(super) fn bounded(mut self) -> Self {
        self.drafts.retain(|_, draft| !draft.is_empty());
        let mut bytes: usize = self.drafts.iter().map(|(name, draft)| name.len() + draft.len()).sum();
        while bytes > DRAFTS_BYTES_MAX {
            let longest = self.drafts.iter().max_by_key(|(_, draft)| draft.len()).map(|(name, _)| name.clone());
            let Some((name, draft)) = longest.and_then(|name| self.drafts.remove_entry(&name)) else { break };
            bytes -= name.len() + draft.len();
        }
        if self.read.len() > READ_MAX {
            // Ids are numbers that rise, so a longer one is higher.
            let mut marks: Vec<_> = self.read.into_iter().collect();
            marks.sort_by(|(_, a), (_, b)| (b.len(), b).cmp(&(a.len(), a)));
            marks.truncate(READ_MAX);
            self.read = marks.into_iter().collect();
        }
        self.bound_unanswered();
        self.bound_history();
        self
    }

    fn bound_unanswered(&mut self) {
        let cost = |unanswered: &Unanswered| MESSAGE_BYTES + unanswered.text.len();
        let mut bytes: usize = self.unanswered.values().flatten().map(cost).sum();
        while bytes > UNANSWERED_BYTES_MAX {
            let Some(most) = self.unanswered.values_mut().max_by_key(|all| all.len()) else { break };
            let Some(oldest) = most.pop_front() else { break };
            bytes -= cost(&oldest);
        }
        self.unanswered.retain(|_, all| !all.is_empty());
    }

    fn bound_history(&mut self) {
        for messages in self.history.values_mut() {
            messages.drain(..messages.len().saturating_sub(HISTORY_MESSAGES_MAX));
        }
        let mut sizes: BTreeMap<String, usize> =
            self.history.iter().map(|(name, all)| (name.clone(), size(all))).collect();
        let mut bytes: usize = sizes.values().sum();
        while bytes > HISTORY_BYTES_MAX {
            let Some((name, size)) = sizes.iter_mut().max_by_key(|(_, size)| **size) else { break };
            let Some(oldest) = self.history.get_mut(name).and_then(VecDeque::pop_front) else { break };
            *size -= oldest.cost_bytes();
            bytes -= oldest.cost_bytes();
        }
        self.history.retain(|_, messages| !messages.is_empty());
    }
}

impl KeptMessage {
    fn cost_bytes(&self) -> usize {
        MESSAGE_BYTES + self.from.as_ref().map_or(0, String::len) + self.body.len()
    }
}

fn size(messages: &VecDeque<KeptMessage>) -> usize {
    messages.iter().map(KeptMessage::cost_bytes).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(number: u64, body: &[u8]) -> KeptMessage {
        KeptMessage { id: Some(number.to_string()), time_ms: number, from: Some("bob".into()), body: body.into() }
    }

    #[test]
    fn what_is_too_much_is_left_out_from_its_least_useful_end() {
        let mut kept = Kept::default();
        let long = "x".repeat(DRAFTS_BYTES_MAX);
        for (name, draft) in [("bob", long.as_str()), ("carol", "short"), ("dave", "")] {
            kept.drafts.insert(name.into(), draft.into());
        }
        let marks = u64::try_from(READ_MAX).unwrap() + 10;
        kept.read.extend((0..marks).map(|number| (format!("user{number}"), (95 + number).to_string())));
        let messages = u64::try_from(HISTORY_MESSAGES_MAX).unwrap() + 5;
        kept.history.insert("bob".into(), (0..messages).map(|number| message(number, b"short")).collect());
        let unanswered = |text: String| Unanswered { text, is_sent: true };
        let many = (0..5).map(|number| unanswered(format!("{number}") + &"x".repeat(1 << 20)));
        kept.unanswered.insert("bob".into(), many.collect());
        kept.unanswered.insert("carol".into(), [unanswered("short".into())].into());
        let large = vec![b'x'; 1 << 20];
        kept.history.insert("#lobby".into(), (0..10).map(|number| message(number, &large)).collect());
        let kept = kept.bounded();
        assert_eq!(kept.drafts.into_iter().collect::<Vec<_>>(), [("carol".to_owned(), "short".to_owned())]);
        assert_eq!(kept.read.len(), READ_MAX);
        assert!(!kept.read.contains_key("user9") && kept.read.contains_key("user10"), "the oldest are gone");
        let left: Vec<_> = kept.unanswered["bob"].iter().map(|unanswered| &unanswered.text[..1]).collect();
        assert_eq!((left, kept.unanswered["carol"].len()), (vec!["2", "3", "4"], 1));
        let first = |name: &str| kept.history[name][0].time_ms;
        assert_eq!((kept.history["bob"].len(), first("bob")), (HISTORY_MESSAGES_MAX, 5));
        assert_eq!((kept.history["#lobby"].len(), first("#lobby")), (7, 3), "and who has little keeps it");
        assert!(kept.history.values().map(size).sum::<usize>() <= HISTORY_BYTES_MAX);
    }

    #[test]
    fn a_body_is_the_same_to_the_byte() {
        for body in [&b"a \xc3\xa9\n"[..], b"\xff\x00", b""] {
            let text = serde_json::to_string(&message(1, body)).unwrap();
            assert_eq!(serde_json::from_str::<KeptMessage>(&text).unwrap(), message(1, body), "{text}");
        }
    }
}
