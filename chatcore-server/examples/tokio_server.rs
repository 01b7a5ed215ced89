//! A chat server on tokio, over TCP. Ctrl-C stops it: everybody is told, and when to come again.
//!
//! ```sh
//! cargo run -p chatcore-server --features tokio --example tokio_server -- 127.0.0.1:12345
//! ```

use std::error::Error;
use std::pin::pin;
use std::time::Duration;

use chatcore_server::chatcore::HubEvent;
use chatcore_server::{AsyncConfig, AsyncServer, Hooks, Reconnect};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:12345".into());
    let listener = TcpListener::bind(address).await?;
    println!("listening on tcp {}", listener.local_addr()?);
    run(listener, tokio::signal::ctrl_c()).await
}

/// Admits everybody, and says who comes and goes.
struct Log;

impl Hooks for Log {
    fn event(&self, event: &HubEvent) {
        match event {
            HubEvent::SessionStarted { name, .. } => println!("{name} is here"),
            HubEvent::SessionEnded { name, reason, .. } => println!("{name} has left: {reason}"),
            _ => {}
        }
    }
}

/// Serves until it is to stop, and then until everybody is gone.
pub(crate) async fn run(listener: TcpListener, stop: impl Future) -> Result<(), Box<dyn Error>> {
    let server = AsyncServer::start(AsyncConfig::default(), Log)?;
    let mut serving = pin!(server.serve(listener));
    tokio::select! {
        () = &mut serving => return Ok(()),
        _ = stop => {}
    }
    server.shut_down(Some(Reconnect::new(Duration::from_secs(5))));
    serving.await;
    Ok(())
}
