//! In which order, and when, the addresses of a host are tried (RFC 8305), whatever makes the connections.

use std::net::SocketAddr;
use std::time::Duration;

/// How long an attempt has until the next one begins beside it. RFC 8305, 5 recommends this.
pub(crate) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// Addresses of a host that are tried, at the most.
const ADDRESSES_MAX: usize = 32;

/// The addresses that a resolver has found, in the order in which to try them: each once, and the families in turn,
/// beginning with the one that the resolver has put first (RFC 8305, 4).
pub(crate) fn in_turn(found: impl IntoIterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let mut found = found.into_iter().peekable();
    let is_first_v6 = found.peek().is_some_and(SocketAddr::is_ipv6);
    let mut families = [Vec::new(), Vec::new()];
    for address in found {
        let family = &mut families[usize::from(address.is_ipv6() != is_first_v6)];
        if !family.contains(&address) {
            family.push(address);
        }
    }
    let [mut first, mut second] = families.map(Vec::into_iter);
    let mut ordered = Vec::new();
    while ordered.len() < ADDRESSES_MAX {
        let before = ordered.len();
        ordered.extend(first.next().into_iter().chain(second.next()));
        if ordered.len() == before {
            break;
        }
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordered(given: &[&str]) -> Vec<String> {
        in_turn(given.iter().map(|address| address.parse().unwrap())).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn families_take_turns_and_each_address_comes_once() {
        let given = ["[::1]:1", "[::2]:1", "[::1]:1", "[::3]:1", "192.0.2.1:1", "192.0.2.2:1"];
        assert_eq!(ordered(&given), ["[::1]:1", "192.0.2.1:1", "[::2]:1", "192.0.2.2:1", "[::3]:1"]);
        assert_eq!(ordered(&["192.0.2.1:1", "[::1]:1"]), ["192.0.2.1:1", "[::1]:1"], "the first stays the first");
        assert_eq!(ordered(&[]), [] as [&str; 0]);
    }

    #[test]
    fn a_name_with_many_addresses_is_cut() {
        let many = (1..=1_000).map(|port| SocketAddr::from(([192, 0, 2, 1], port)));
        assert_eq!(in_turn(many).len(), ADDRESSES_MAX);
    }
}
