//! What was asked of the server and is not answered yet.

use std::collections::BTreeMap;

use chatcore_client::UserName;

/// What is still to be answered. It is bounded as the client's outbox is.
#[derive(Debug, Default)]
pub(crate) struct Requests {
    /// To whom messages went, by their numbers.
    messages: BTreeMap<u64, String>,
    /// The names of the listing that is under way.
    listing: Option<Vec<String>>,
}

impl Requests {
    /// How many are not answered.
    pub(crate) fn open(&self) -> usize {
        self.messages.len() + usize::from(self.is_listing())
    }

    /// How many messages are not answered.
    pub(crate) fn messages(&self) -> usize {
        self.messages.len()
    }

    /// A message went to this name, as it was typed.
    pub(crate) fn sent(&mut self, number: u64, to: String) {
        // As others see the name, if it is one.
        let to = UserName::new(&to).map_or(to, |name| name.to_string());
        self.messages.insert(number, to);
    }

    /// Its answer has come. To whom it went.
    pub(crate) fn answered(&mut self, number: u64) -> Option<String> {
        self.messages.remove(&number)
    }

    pub(crate) fn is_listing(&self) -> bool {
        self.listing.is_some()
    }

    /// A listing begins.
    pub(crate) fn list(&mut self) {
        self.listing = Some(Vec::new());
    }

    /// A page of it has come.
    pub(crate) fn listed(&mut self, names: &[UserName]) {
        if let Some(listing) = &mut self.listing {
            listing.extend(names.iter().map(UserName::to_string));
        }
    }

    /// It is complete. The names of all pages, in order.
    pub(crate) fn listing_ended(&mut self) -> Option<Vec<String>> {
        let mut names = self.listing.take()?;
        names.sort_unstable();
        Some(names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_answered_once_with_the_name_that_others_see() {
        let mut requests = Requests::default();
        requests.sent(1, "BOB".into());
        requests.sent(2, "no name".into());
        assert_eq!(requests.open(), 2);
        assert_eq!(requests.answered(1), Some("bob".into()));
        assert_eq!(requests.answered(1), None);
        assert_eq!(requests.answered(2), Some("no name".into()));
        assert_eq!(requests.open(), 0);
    }

    #[test]
    fn a_listing_is_one_whatever_its_pages() {
        let name = |name: &str| name.parse::<UserName>().unwrap();
        let mut requests = Requests::default();
        assert_eq!(requests.listing_ended(), None);
        requests.list();
        assert!(requests.is_listing());
        requests.listed(&[name("carol"), name("alice")]);
        requests.listed(&[]);
        requests.listed(&[name("bob")]);
        assert_eq!(requests.listing_ended(), Some(vec!["alice".into(), "bob".into(), "carol".into()]));
        assert_eq!(requests.open(), 0);
    }
}
