//! A bot that greets whoever joins a room, and answers commands there and alone: `!help`, `!echo`, `!members`. It
//! stays, whatever happens to the server, until it is stopped or the server does not want it.
//!
//! ```sh
//! cargo run -p chatcore-client --features tokio --example tokio_bot -- 127.0.0.1:12345 '#lobby'
//! ```

use std::error::Error;
use std::pin::pin;

use chatcore_client::chatcore::{ClientError, RoomName};
use chatcore_client::{AsyncClient, ClientConfig, Dial, Event, Tcp, User};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:12345".into());
    let room = args.next().unwrap_or_else(|| "#lobby".into());
    run(Tcp::new(address), &room, tokio::signal::ctrl_c()).await
}

/// Runs the bot until it is to stop, or the server ends it.
pub(crate) async fn run(dial: impl Dial, room: &str, stop: impl Future) -> Result<(), Box<dyn Error>> {
    // The server may not be there yet, be started again, or keep the name for a bot before this one.
    let mut bot = AsyncClient::connect(dial, ClientConfig::default().with_keeps_trying(true)).await?;
    bot.register("greeter", b"")?;
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            event = bot.next() => match event {
                Some(event) => handle(&mut bot, room, event)?,
                None => return Ok(()),
            },
            _ = &mut stop => return Ok(bot.close().await?),
        }
    }
}

fn handle<D: Dial>(bot: &mut AsyncClient<D>, home: &str, event: Event) -> Result<(), Box<dyn Error>> {
    match event {
        // It comes again after a lost session, which was in the room.
        Event::Registered { .. } => ask(bot.join(home)),
        // A refusal that may pass does not come here.
        Event::Refused { detail, .. } => return Err(detail.escape_debug().to_string().into()),
        Event::Joined { name, display_name, .. } => {
            say(bot, home, &format!("welcome, {}!", User::new(name).with_display_name(display_name).shown()));
        }
        Event::Message { from, room, body, .. } => {
            let to = room.as_ref().map_or(from.as_str(), RoomName::as_str);
            let body = String::from_utf8_lossy(&body);
            match body.split_once(' ').unwrap_or((&body, "")) {
                ("!help", _) => say(bot, to, "I know !help, !echo TEXT and !members"),
                ("!echo", text) => say(bot, to, text),
                ("!members", _) => ask(bot.roster(home, 0)),
                _ => {}
            }
        }
        Event::Members { users, .. } => {
            let names: Vec<&str> = users.iter().map(User::shown).collect();
            // The room is told, whoever asked. There may be more pages: the bot tells the first.
            say(bot, home, &format!("here are {}", names.join(", ")));
        }
        Event::Reconnecting { why, after, .. } => eprintln!("{}; back in {after:?}", why.to_string().escape_debug()),
        Event::Closed(why) => eprintln!("it is over: {}", why.to_string().escape_debug()),
        _ => {}
    }
    Ok(())
}

fn say<D: Dial>(bot: &mut AsyncClient<D>, to: &str, text: &str) {
    ask(bot.send(to, text.as_bytes()));
}

/// A request is left out if too much waits for the server already, or if the session is lost.
fn ask(asked: Result<u64, ClientError>) {
    if let Err(error) = asked {
        eprintln!("left out: {error}");
    }
}
