//! MQTT 5: a topic for each user, without acknowledgements (quality of service 0).

use super::client_side::{Envelope, Incoming, Protocol, Recipient, user_name};
use crate::failure::{Failure, Result};

/// Kinds of packets, as their first bytes (MQTT 5, section 2.1).
const CONNECT: u8 = 0x10;
const CONNACK: u8 = 0x20;
const PUBLISH: u8 = 0x30;
const SUBSCRIBE: u8 = 0x82;
const SUBACK: u8 = 0x90;
const PINGRESP: u8 = 0xd0;

/// The room's messages do not come back to who sent them.
const NO_LOCAL: u8 = 0x04;

/// Results of a packet from this one on say that it was not done.
const FAILURE_MIN: u8 = 0x80;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Mqtt {
    pub(crate) has_room: bool,
}

impl Protocol for Mqtt {
    type Conn = ();

    fn register(&self, (): &mut (), user: usize, out: &mut Vec<u8>) {
        let name = user_name(user);
        // Version 5, a clean start, no keep-alive, no properties.
        let mut connect = b"\x00\x04MQTT\x05\x02\x00\x00\x00".to_vec();
        string(&name, &mut connect);
        packet(CONNECT, &connect, out);
        let mut subscribe = b"\x00\x01\x00".to_vec();
        string(&name, &mut subscribe);
        subscribe.push(0);
        if self.has_room {
            string("room", &mut subscribe);
            subscribe.push(NO_LOCAL);
        }
        packet(SUBSCRIBE, &subscribe, out);
    }

    fn reconnect(&self, conn: &mut (), user: usize, out: &mut Vec<u8>) {
        self.register(conn, user, out);
    }

    fn envelope(&self, to: Recipient, body_bytes: usize) -> Envelope {
        let topic = match to {
            Recipient::User(user) => user_name(user),
            Recipient::Room => "room".to_owned(),
        };
        let mut before = vec![PUBLISH];
        length(topic.len() + 3 + body_bytes, &mut before);
        string(&topic, &mut before);
        // No properties.
        before.push(0);
        Envelope { before, after: b"" }
    }

    fn take<'a>(&self, (): &mut (), input: &mut &'a [u8], _out: &mut Vec<u8>) -> Result<Incoming<'a>> {
        let mut rest = *input;
        let Some((kind, after)) = rest.split_first() else { return Ok(Incoming::Incomplete) };
        rest = after;
        let Some(bytes) = take_length(&mut rest)? else { return Ok(Incoming::Incomplete) };
        let Some((content, after)) = rest.split_at_checked(bytes) else { return Ok(Incoming::Incomplete) };
        let unexpected = || Failure::unexpected(content);
        let incoming = match *kind {
            PUBLISH => Incoming::Message(payload(content).ok_or_else(unexpected)?),
            CONNACK if content.get(1).is_some_and(|result| *result < FAILURE_MIN) => Incoming::Nothing,
            SUBACK if content.last().is_some_and(|result| *result < FAILURE_MIN) => Incoming::Ready,
            PINGRESP => Incoming::Nothing,
            _ => return Err(unexpected()),
        };
        *input = after;
        Ok(incoming)
    }
}

/// What follows the topic and the properties of a message.
fn payload(content: &[u8]) -> Option<&[u8]> {
    let (topic_bytes, rest) = content.split_first_chunk::<2>()?;
    let mut rest = rest.get(usize::from(u16::from_be_bytes(*topic_bytes))..)?;
    let properties = take_length(&mut rest).ok()??;
    rest.get(properties..)
}

fn packet(kind: u8, content: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    length(content.len(), out);
    out.extend_from_slice(content);
}

fn string(text: &str, out: &mut Vec<u8>) {
    let bytes = u16::try_from(text.len()).expect("names are short");
    out.extend_from_slice(&bytes.to_be_bytes());
    out.extend_from_slice(text.as_bytes());
}

/// Writes a number in groups of seven bits, the lowest first (section 1.5.5).
fn length(mut number: usize, out: &mut Vec<u8>) {
    while number > 0x7f {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

/// Takes such a number; none until it is whole.
fn take_length(input: &mut &[u8]) -> Result<Option<usize>> {
    let mut number = 0;
    for (at, byte) in input.iter().take(4).enumerate() {
        number |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            *input = &input[at + 1..];
            return Ok(Some(number));
        }
    }
    if input.len() < 4 { Ok(None) } else { Err(Failure::unexpected(&input[..4])) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_as_it_was_published_when_it_is_whole() {
        let mqtt = Mqtt { has_room: false };
        for bytes in [0, 1, 100, 200, 20_000] {
            let body = vec![b'x'; bytes];
            let published = [mqtt.envelope(Recipient::User(1), bytes).before, body.clone()].concat();
            for whole in [published.len() - 1, published.len()] {
                let mut input = &published[..whole];
                match mqtt.take(&mut (), &mut input, &mut Vec::new()).unwrap() {
                    Incoming::Message(taken) => assert_eq!((taken, whole), (&body[..], published.len())),
                    Incoming::Incomplete => assert_eq!(input.len(), published.len() - 1),
                    other => panic!("{other:?}"),
                }
            }
        }
    }
}
