//! A transport of one's own, in the simulator: frames with a length and a checksum.
//!
//! ```sh
//! cargo run --release -p chatcore --features sim --example custom_transport -- 1000
//! ```

use std::process::ExitCode;

use chatcore::sim::{End, Summary, TransportEnd, TransportError, Violation, World};

/// Bytes of a frame's body, at the most.
const BODY_BYTES_MAX: usize = u16::MAX as usize;

/// One end of a connection. A frame has a length (2 bytes), a checksum (4 bytes), and a body.
#[derive(Default)]
pub(crate) struct Framed {
    /// The start of a frame that is not whole.
    partial: Vec<u8>,
}

impl TransportEnd for Framed {
    fn send(&mut self, bytes: &[u8], wire: &mut Vec<u8>) -> Result<(), TransportError> {
        for body in bytes.chunks(BODY_BYTES_MAX) {
            wire.extend(u16::try_from(body.len())?.to_le_bytes());
            wire.extend(checksum(body).to_le_bytes());
            wire.extend(body);
        }
        Ok(())
    }

    fn receive(&mut self, wire: &[u8], bytes: &mut Vec<u8>) -> Result<(), TransportError> {
        self.partial.extend(wire);
        let mut rest = &self.partial[..];
        while let Some(([low, high, sum @ ..], after)) = rest.split_first_chunk::<6>() {
            let length = u16::from_le_bytes([*low, *high]);
            let Some((body, next)) = after.split_at_checked(length.into()) else { break };
            if *sum != checksum(body).to_le_bytes() {
                return Err("the checksum of a frame is wrong".into());
            }
            bytes.extend(body);
            rest = next;
        }
        let used = self.partial.len() - rest.len();
        self.partial.drain(..used);
        Ok(())
    }
}

/// FNV-1a.
fn checksum(body: &[u8]) -> u32 {
    body.iter().fold(0x811c_9dc5, |sum, byte| (sum ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

/// Runs a server, its users and a bad network over the transport, as often as this. The simulator checks every promise.
pub(crate) fn run(runs: u64) -> Result<Summary, (u64, Violation)> {
    let mut total = Summary::default();
    for seed in 0..runs {
        let world = World::draw(seed).with_transport(|_: End| Framed::default());
        total += world.run().map_err(|violation| (seed, violation))?;
    }
    Ok(total)
}

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).map_or(Ok(200), |runs| runs.parse());
    let Ok(runs) = runs else {
        eprintln!("the number of runs is a number, such as 1000");
        return ExitCode::FAILURE;
    };
    match run(runs) {
        Ok(Summary { sent, seen, resumptions, .. }) => {
            println!("{runs} runs: {sent} messages sent, {seen} seen, {resumptions} sessions resumed, all as promised");
            ExitCode::SUCCESS
        }
        Err((seed, violation)) => {
            eprintln!("seed {seed}: {violation}");
            ExitCode::FAILURE
        }
    }
}
