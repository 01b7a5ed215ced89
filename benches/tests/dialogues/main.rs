//! The dialogues of the protocol, played with our hub and our client in memory, on virtual time. They must be about every
//! rule and every step from one state to another that protocol.md names.

mod client;
mod hub;
mod virtual_time;

use std::collections::BTreeSet;

use chatcore_bench::conformance::{Config, DIALOGUES, Dialogue, Peer, Role, State, parse, play};

const PAGE: &str = include_str!("../../../docs/src/protocol.md");

fn dialogues(role: Role) -> impl Iterator<Item = (&'static str, Dialogue)> {
    let files = DIALOGUES.iter().filter(move |(of, ..)| *of == role);
    files.flat_map(|(_, file, text)| {
        let dialogues = parse(text).unwrap_or_else(|error| panic!("{file}: {error}"));
        dialogues.into_iter().map(|dialogue| (*file, dialogue))
    })
}

/// Plays each with a peer of its own. Together they give the receiver each message that may come in each of its states.
fn play_all<P: Peer>(role: Role, peer: impl Fn(&Config) -> P) {
    let (mut failures, mut given) = (Vec::new(), BTreeSet::new());
    for (file, dialogue) in dialogues(role) {
        match play(&dialogue, role, &mut peer(&dialogue.config), "0") {
            Ok(played) => given.extend(played),
            Err(failure) => failures.push(format!("{file}, {failure} ({})", dialogue.title)),
        }
    }
    assert!(failures.is_empty(), "{} of them fail:\n{}", failures.len(), failures.join("\n"));
    let missing: Vec<_> = transitions(role).into_iter().filter(|row| !given.contains(row)).collect();
    assert!(missing.is_empty(), "no dialogue gives {missing:?}");
}

/// What may come in which state, by the page.
fn transitions(role: Role) -> Vec<(State, &'static str)> {
    let (from, to) = match role {
        Role::Hub => ("At the hub, from a client:", "At the client, from a hub:"),
        Role::Client => ("At the client, from a hub:", "*Closed* is the end"),
    };
    let table = PAGE.split(from).nth(1).and_then(|rest| rest.split(to).next()).expect("the tables are there");
    let rows = table.lines().filter_map(|line| {
        let [_, state, messages, _, _] = line.split('|').map(str::trim).collect::<Vec<_>>()[..] else { return None };
        let state = match state {
            "unregistered" => State::Unregistered,
            "registering" => State::Registering,
            "resuming" => State::Resuming,
            "registered" => State::Registered,
            _ => return None,
        };
        Some(messages.split(", ").map(move |message| (state, message)))
    });
    let rows: Vec<_> = rows.flatten().collect();
    assert!(rows.len() > 10, "{rows:?}");
    rows
}

#[test]
fn our_hub_says_what_the_dialogues_say() {
    play_all(Role::Hub, hub::HubPeer::new);
}

#[test]
fn our_client_says_what_the_dialogues_say() {
    play_all(Role::Client, client::ClientPeer::new);
}

/// The rows of a table of the page that begin with a name in backticks.
fn rules() -> BTreeSet<&'static str> {
    let section = PAGE.split("\n## ").find(|section| section.starts_with("Rules and breaches")).expect("it is there");
    section.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next()).collect()
}

#[test]
fn every_rule_of_the_page_has_a_dialogue() {
    let told: Vec<Dialogue> = [Role::Hub, Role::Client].into_iter().flat_map(dialogues).map(|(_, told)| told).collect();
    let told: BTreeSet<&str> = told.iter().flat_map(|dialogue| &dialogue.rules).map(String::as_str).collect();
    let rules = rules();
    assert!(rules.len() > 70, "{rules:?}");
    let missing: Vec<_> = rules.difference(&told).collect();
    assert!(missing.is_empty(), "no dialogue is about {missing:?}");
    let unknown: Vec<_> = told.difference(&rules).filter(|rule| **rule != "-").collect();
    assert!(unknown.is_empty(), "the page has no rule {unknown:?}");
}
