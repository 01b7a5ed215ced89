//! A program that takes nothing, of a hub that heeds no acknowledgement.

use std::time::Duration;

use chatcore_client::chatcore::MessageId;
use chatcore_client::chatcore::wire::{Deliver, HubMessage, Message};
use chatcore_client::{ClientConfig, Event};
use tokio::io::AsyncWriteExt;
use tokio::time::sleep;

use super::scripted_hub::{LIMITS, ScriptedHub};
use super::{next, on_virtual_time};

/// Far more than the bound, and what a stream keeps on the way.
const SENT_BYTES_MAX: usize = 32 << 20;

/// A read, and the rest of a frame.
const OVER_BYTES_MAX: usize = 128 << 10;

#[test]
fn nothing_is_read_while_too_much_waits_for_the_program() {
    on_virtual_time(async || {
        let (mut alice, mut end) = ScriptedHub::default().alice(ClientConfig::default()).await;
        // It is never acknowledged.
        alice.send("bob", b"hello").unwrap();
        let (body, mut frame) = (vec![b'x'; 60_000], Vec::new());
        HubMessage::Deliver(Deliver { id: MessageId(7), from: "bob", body: &body }).encode(&mut frame);
        let bound = LIMITS.outbox_bytes_max as usize * 5 / 4;
        let mut sent = 0;
        // The time stands still as long as anybody has something to do.
        let mut is_read = true;
        while is_read && sent < SENT_BYTES_MAX {
            tokio::select! {
                biased;
                count = end.stream.write(&frame[sent % frame.len()..]) => sent += count.unwrap(),
                flushed = alice.flush() => panic!("{flushed:?}"),
                () = sleep(Duration::from_millis(1)) => is_read = false,
            }
            let bytes = alice.client().waiting_bytes();
            assert!(bytes <= bound + OVER_BYTES_MAX, "{bytes} bytes wait");
        }
        assert!(!is_read && alice.client().waiting_bytes() > bound);
        let mut taken = 0;
        while taken * frame.len() < sent - frame.len() {
            assert!(matches!(next(&mut alice).await, Event::Message { .. }));
            taken += 1;
        }
        assert!(taken * frame.len() > bound + (1 << 19), "what was on its way is read, too");
    });
}
