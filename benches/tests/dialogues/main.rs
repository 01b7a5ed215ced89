//! The dialogues of the protocol, played with our hub and our client in memory, on virtual time. They must be about
//! every rule and every step from one state to another that protocol.md names.

mod client;
mod hub;
mod tokio_client;
mod tokio_server;
mod virtual_time;

use std::collections::BTreeSet;

use chatcore_bench::conformance::{Config, DIALOGUES, Dialogue, Peer, Role, SETTINGS, State, parse, play};

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

#[test]
fn our_client_on_tokio_says_what_the_dialogues_say() {
    play_all(Role::Client, tokio_client::TokioPeer::new);
}

#[test]
fn our_server_on_tokio_says_what_the_dialogues_say() {
    play_all(Role::Hub, tokio_server::TokioServerPeer::new);
}

#[test]
fn our_server_on_tokio_says_over_tcp_what_the_dialogues_say() {
    tokio_server::play_over_tcp();
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

/// Codes that a hub answers with and no dialogue can bring about: those that need an operator, and those that are
/// reserved. What else an operator does is no answer: a `renamed` and the left with that code come from no hub in a
/// dialogue, either.
const NOT_ASKED_FOR: [&str; 5] =
    ["refused shutting_down", "rejected unconfirmed", "goodbye shutting_down", "goodbye kicked", "goodbye elsewhere"];

/// The codes that a hub answers with, by the tables of the page, each after the name of its message.
fn codes() -> BTreeSet<String> {
    let headings = ["refused", "accepted and rejected", "goodbye", "error"];
    let codes = headings.into_iter().flat_map(|heading| {
        let section = PAGE.split("\n### ").find(|section| section.starts_with(heading)).expect("it is there");
        let message = heading.rsplit(' ').next().expect("it has a word");
        section.lines().filter_map(move |line| {
            let (number, rest) = line.strip_prefix("| ")?.split_once(" | `")?;
            number.parse::<u16>().ok().and(rest.split('`').next()).map(|code| format!("{message} {code}"))
        })
    });
    codes.collect()
}

#[test]
fn every_code_of_the_page_is_an_answer_in_a_dialogue() {
    let lines = DIALOGUES.iter().filter(|(role, ..)| *role == Role::Hub).flat_map(|(.., text)| text.lines());
    let answers: BTreeSet<String> = lines
        .filter_map(|line| {
            let (message, fields) = line.split_once("< ")?.1.split_once(' ')?;
            Some(format!("{message} {}", fields.split("code=").nth(1)?.split(' ').next()?))
        })
        .collect();
    let codes = codes();
    assert!(codes.len() > 35, "{codes:?}");
    let missing: Vec<&str> = codes.difference(&answers).map(String::as_str).collect();
    let not_asked_for: BTreeSet<&str> = NOT_ASKED_FOR.into();
    assert_eq!(BTreeSet::from_iter(missing), not_asked_for);
}

#[test]
fn the_readme_lists_every_setting_with_its_flag_and_some_dialogue_needs_each() {
    let readme = include_str!("../../dialogues/README.md");
    let rows = readme.lines().filter_map(|line| {
        let [_, name, _, _, flag, _] =
            line.split('|').map(|cell| cell.trim().trim_matches('`')).collect::<Vec<_>>()[..]
        else {
            return None;
        };
        Some((name, Some(flag).filter(|flag| !flag.is_empty())))
    });
    let listed: BTreeSet<_> = rows.filter(|(name, _)| !matches!(*name, "setting" | "---")).collect();
    assert_eq!(listed, SETTINGS.into());
    let told: Vec<Dialogue> = [Role::Hub, Role::Client].into_iter().flat_map(dialogues).map(|(_, told)| told).collect();
    let needed: BTreeSet<_> =
        told.iter().flat_map(|dialogue| dialogue.config.settings()).map(|(name, _)| name).collect();
    assert_eq!(needed, SETTINGS.into_iter().map(|(name, _)| name).collect());
}
