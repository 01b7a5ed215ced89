//! The attacks, by what they are aimed at.

mod churn;
mod connections;
mod memory;
mod names;
mod page;
mod pieces;
mod presence;
mod requests;
mod rooms;

use super::scenario::Attack;

/// All of them, in the order of the table.
pub(crate) fn all() -> impl Iterator<Item = Attack> {
    let tcp = [rooms::ALL, requests::ALL, names::ALL, presence::ALL, memory::ALL, pieces::ALL, churn::ALL];
    tcp.into_iter().chain([connections::ALL, page::ALL]).flatten().copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use chatcore::Limits;
    use chatcore::wire::{self, ClientMessage, Message};

    use super::*;
    use crate::attack::scenario::Behaviour;

    #[test]
    fn every_attack_has_a_name_of_its_own() {
        let names: BTreeSet<_> = all().map(|attack| attack.name).collect();
        assert_eq!(names.len(), all().count());
    }

    #[test]
    fn attackers_send_whole_frames_of_a_client() {
        for attack in all().filter(|attack| !["half-frames", "trickle-frame"].contains(&attack.name)) {
            let scenario = (attack.scenario)(2);
            let groups = [scenario.departed, scenario.bystanders, scenario.passive];
            let mut sent: Vec<Vec<u8>> = groups.iter().map(|group| group.greeting.frames.to_vec()).collect();
            for behaviour in scenario.attackers {
                match behaviour {
                    Behaviour::Flood { greeting, flood, .. } => {
                        sent.extend([greeting.frames.to_vec(), flood.block.to_vec()]);
                    }
                    Behaviour::RepeatHandshake { bytes } => sent.push(bytes),
                    Behaviour::InTwo { parts, .. } => {
                        let mut said = parts.concat();
                        // That is of the next frame.
                        said.pop();
                        sent.push(said);
                    }
                    Behaviour::Resume { greeting } => sent.push(greeting.frames.to_vec()),
                    Behaviour::Flap { .. }
                    | Behaviour::RegisterAndReset
                    | Behaviour::RegisterAndLeave
                    | Behaviour::Guess { .. }
                    | Behaviour::Hold { .. }
                    | Behaviour::Ask { .. }
                    | Behaviour::BeginHandshake => {}
                }
            }
            for bytes in sent {
                let mut input = &bytes[..];
                while !input.is_empty() {
                    let content = wire::take(&mut input, Limits::default().frame_bytes_max()).unwrap();
                    let message = ClientMessage::decode(content.expect(attack.name)).unwrap();
                    assert!(message.is_some(), "{}", attack.name);
                }
            }
        }
    }
}
