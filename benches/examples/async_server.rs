//! The server on tokio with the flags that `chatcore-bench load` gives to a build of chatcore-server, so that both are
//! measured in one run:
//!
//! ```sh
//! cargo build --release -p chatcore-bench --example async_server
//! cargo run --release -p chatcore-bench -- load --servers chatcore --beside target/release/examples/async_server
//! ```

use std::error::Error;

use chatcore::Limits;
use chatcore_server::{AsyncConfig, AsyncServer};
use clap::Parser;
use tokio::net::TcpListener;

#[derive(Parser)]
struct Options {
    /// An address of TCP, as `tcp://host:port`.
    #[arg(long)]
    listen: String,
    #[arg(long)]
    detached_of_origin_max: u32,
    #[arg(long)]
    session_cost_per_s: u32,
    #[arg(long)]
    origin_cost_per_s: u32,
    /// It logs nothing.
    #[arg(long)]
    log: String,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let mut limits = Limits::default().with_detached_of_origin_max(options.detached_of_origin_max);
    (limits.session_rate.per_s, limits.origin_rate.per_s) = (options.session_cost_per_s, options.origin_cost_per_s);
    assert_eq!(options.log, "warn", "nothing is logged, and only that may be asked for");
    let server = AsyncServer::start(AsyncConfig::default().with_limits(limits), ())?;
    let address = options.listen.strip_prefix("tcp://").ok_or("it listens for TCP alone: tcp://host:port")?;
    server.serve(TcpListener::bind(address).await?).await;
    Ok(())
}
