//! Where what proves the right to a name may go.

use std::io;

use chatcore_client::chatcore::Token;
use chatcore_client::{AsyncClient, ClientConfig, ClientError, Private, SessionTicket};

use super::on_virtual_time;
use super::scripted_hub::ScriptedHub;

fn config() -> ClientConfig {
    ClientConfig::default()
}

#[test]
fn a_credential_goes_where_the_program_says_that_nobody_else_can_read_it() {
    on_virtual_time(async || {
        let hub = ScriptedHub::default();
        let mut alice = AsyncClient::connect(hub.dialer(), config()).await.unwrap();
        assert_eq!(alice.register("alice", b"secret"), Err(ClientError::NotPrivate));
        alice.register("alice", b"").unwrap();
        let ticket = SessionTicket::new("alice".parse().unwrap(), Token::from_bytes([7; 16]));
        let refused = AsyncClient::resume(hub.dialer(), config(), ticket.clone(), b"secret").await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
        let mut alice = AsyncClient::connect(Private(hub.dialer()), config()).await.unwrap();
        alice.register("alice", b"secret").unwrap();
        AsyncClient::resume(Private(hub.dialer()), config(), ticket, b"secret").await.unwrap();
    });
}
