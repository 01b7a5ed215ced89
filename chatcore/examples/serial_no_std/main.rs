//! A device without a system that chats over a serial line: `firmware` is its program. `gateway` is the other end of
//! the line, and `greenhouse` runs both on virtual time.
//!
//! ```sh
//! cargo run -p chatcore --example serial_no_std
//! ```
//!
//! The program without a standard library in `tests/no-std` has the same three files, and CI builds it for such
//! targets.

mod firmware;
mod gateway;
mod greenhouse;

use std::time::Duration;

use greenhouse::Greenhouse;

fn main() {
    let mut greenhouse = Greenhouse::new();
    greenhouse.run(Duration::from_secs(110));
    // Somebody trips over the line. What the thermometer says meanwhile comes when it is back.
    greenhouse.line.pull(true);
    greenhouse.run(Duration::from_secs(20));
    greenhouse.line.pull(false);
    greenhouse.run(Duration::from_secs(20));
    greenhouse.gateway.ask(greenhouse.now);
    greenhouse.run(Duration::from_secs(1));
    for report in &greenhouse.gateway.reports {
        println!("{}", String::from_utf8_lossy(report));
    }
}
