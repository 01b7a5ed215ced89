//! A chat server with a moderator: `#staff` is for its owner and for those whom a member brings in by saying `/invite
//! bob` there, and whoever is rude for the third time is banned. The hub asks about each join and each message, and the
//! moderator answers when it comes to it.
//!
//! ```sh
//! cargo run -p chatcore-server --features tokio --example moderated_room -- 127.0.0.1:12345 alice
//! ```

use std::collections::HashMap;
use std::error::Error;

use chatcore_server::chatcore::{Asking, Audience, Denial, Question, RejectCode, Requested, RoomName, UserName};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let listener = TcpListener::bind(arguments.next().unwrap_or_else(|| "127.0.0.1:12345".into())).await?;
    println!("listening on tcp {}", listener.local_addr()?);
    run(listener, arguments.next().as_deref().unwrap_or("alice").parse()?).await
}

/// Hands questions on. The hub bounds how many wait, and for how long.
struct ToModerator(UnboundedSender<Question>);

impl Hooks for ToModerator {
    fn asking(&self) -> Asking {
        Asking::new().joins().sends()
    }

    fn question(&self, question: Question) -> Option<Result<(), RejectCode>> {
        self.0.send(question).is_err().then_some(Err(RejectCode::Unavailable))
    }
}

/// Serves, with an owner of the room who may always come in.
pub(crate) async fn run(listener: TcpListener, owner: UserName) -> Result<(), Box<dyn Error>> {
    let moderator: UserName = "moderator".parse()?;
    let (questions, asked) = unbounded_channel();
    let config = AsyncConfig::default().with_reserved_names([moderator.clone()]);
    let server = AsyncServer::start(config, ToModerator(questions))?;
    tokio::join!(server.serve(listener), moderate(&server, asked, &moderator, &owner));
    Ok(())
}

async fn moderate(
    server: &AsyncServer<ToModerator>,
    mut asked: UnboundedReceiver<Question>,
    moderator: &UserName,
    owner: &UserName,
) {
    let staff: RoomName = "#staff".parse().expect("it can be a room's name");
    let mut rude_words: HashMap<UserName, u32> = HashMap::new();
    while let Some(Question { id, user, request, .. }) = asked.recv().await {
        server.with_hub(|hub, now| {
            let answer = match &request {
                Requested::Join { room, .. } if *room == staff && user != *owner => Err(RejectCode::Denied),
                Requested::SendToRoom { body, .. } if body.windows(4).any(|word| word == b"darn") => {
                    let times = rude_words.entry(user.clone()).or_default();
                    *times += 1;
                    // The session may have ended meanwhile: then nobody hears it.
                    let _ = hub.say(now, moderator, Audience::User(&user), b"mind your words");
                    Err(RejectCode::Denied)
                }
                _ => Ok(()),
            };
            let _ = hub.answer(now, id, answer);
            if rude_words.get(&user).is_some_and(|times| *times >= 3) {
                hub.ban(now, &user, Denial::new("you were rude for the third time").for_good());
            }
            if let Requested::SendToRoom { room, body, .. } = &request
                && *room == staff
                && hub.rooms_of(&user).any(|room| room == staff.as_str())
                && let Some(guest) = body.strip_prefix(b"/invite ").and_then(|name| std::str::from_utf8(name).ok())
                && let Ok(guest) = guest.parse()
            {
                let _ = hub.put_into_room(now, &guest, &staff);
            }
        });
    }
}
