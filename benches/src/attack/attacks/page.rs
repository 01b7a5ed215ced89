//! Requests for the page, beside a WebSocket.

use chatcore::websocket::HEAD_BYTES_MAX;

use super::connections::hold;
use crate::attack::scenario::{Attack, Behaviour, Held, Needs, Scenario};

pub(super) const ALL: &[Attack] = &[
    Attack { name: "page", about: "fetches the page, again when the server has closed", scenario: whole },
    Attack { name: "page-long", about: "begins a request whose head is too long, again when refused", scenario: long },
    Attack {
        name: "page-unfinished",
        about: "2 000 connections begin a request for the page, and say no more",
        scenario: unfinished,
    },
];

const UNFINISHED: usize = 2_000;

const BEGIN: &str = "GET / HTTP/1.1\r\nHost: localhost\r\n";

fn ask(attackers: usize, request: String) -> Scenario {
    let behaviour = Behaviour::Ask { request: request.into_bytes().into() };
    Scenario { needs: Needs::WebSocket, attackers: vec![behaviour; attackers], ..Scenario::default() }
}

fn whole(attackers: usize) -> Scenario {
    ask(attackers, format!("{BEGIN}\r\n"))
}

fn long(attackers: usize) -> Scenario {
    ask(attackers, format!("{BEGIN}X-Filler: {}", "x".repeat(HEAD_BYTES_MAX)))
}

fn unfinished(addresses: usize) -> Scenario {
    Scenario { needs: Needs::WebSocket, ..hold(UNFINISHED, addresses, Held::Asking(BEGIN), None) }
}
