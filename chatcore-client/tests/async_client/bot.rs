//! The bot of the examples, as its users see it.

use chatcore_client::chatcore::LeaveCode;
use chatcore_client::{AsyncClient, Event, Tcp};
use tokio::time::timeout;

use super::sockets::{PATIENCE, Running, next};
use super::tokio_bot;

/// Waits for a message, and returns whether it was for all, and what it says.
async fn heard(guest: &mut AsyncClient<Tcp>) -> (bool, String) {
    loop {
        if let Event::Message { from, room, body, .. } = next(guest).await {
            assert_eq!(from.as_str(), "greeter");
            return (room.is_some(), String::from_utf8(body).unwrap());
        }
    }
}

#[tokio::test]
async fn the_bot_of_the_examples_greets_and_answers_and_says_goodbye() {
    let server = Running::start();
    let mut guest = server.user("guest").await;
    let mut visitor = server.user("Visitor").await;
    guest.join("#lobby").unwrap();
    let talk = async {
        // Only when the bot is there, it can greet.
        while !matches!(next(&mut guest).await, Event::Joined { .. }) {}
        visitor.join("#lobby").unwrap();
        assert_eq!(next(&mut visitor).await, Event::Done { number: 1 });
        assert_eq!(heard(&mut guest).await, (true, "welcome, Visitor!".into()));
        guest.send("greeter", b"!echo hello").unwrap();
        assert_eq!(heard(&mut guest).await, (false, "hello".into()));
        guest.send("#lobby", b"!help").unwrap();
        assert_eq!(heard(&mut guest).await, (true, "I know !help, !echo TEXT and !members".into()));
        guest.send("#lobby", b"!members").unwrap();
        let (for_all, names) = heard(&mut guest).await;
        assert!(for_all && ["guest", "Visitor", "greeter"].iter().all(|name| names.contains(name)), "{names}");
    };
    timeout(PATIENCE, tokio_bot::run(Tcp::new(&server.address), "#lobby", talk)).await.expect("it ends").unwrap();
    loop {
        match next(&mut guest).await {
            Event::Left { name, code, .. } => {
                break assert_eq!((name.as_str(), code), ("greeter", LeaveCode::Quit));
            }
            Event::Accepted { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}
