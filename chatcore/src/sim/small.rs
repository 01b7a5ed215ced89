//! A world so small that all that can happen to it is tried: two users, three messages, one connection that breaks.

use alloc::format;

use super::network::{Cut, End, WireId};
use super::plan::Plan;
use super::violation::{Property, Violation};
use super::world::World;

/// Bytes of a body in the small world.
const BODY_BYTES: usize = 8;

/// What ends of a connection learn of its break: both do, only one does, or neither.
const NOTICED: [[bool; 2]; 4] = [[true, true], [true, false], [false, true], [false, false]];

/// Tries every break of one connection between two users and a server: the connection of each user, after every byte in
/// each direction, where each end learns of the break or not. Each time it checks that in the end both users are
/// online, the first has seen one message and the second two, and the hub has accepted all three. Returns how many
/// breaks it tried.
///
/// # Errors
///
/// The first [`Violation`]; its detail names the break.
pub fn small_world() -> Result<u64, Violation> {
    let mut tried = 0;
    for wire in [WireId(1), WireId(2)] {
        for writer in [End::Client, End::Server] {
            for noticed in NOTICED {
                // One byte more each time, until the connection carries no more than that.
                for after in 0.. {
                    let mut world = World::new(0, Plan::calm(2));
                    world.plan_cut(wire, Cut { writer, after, noticed });
                    talk(&mut world).map_err(|violation| Violation {
                        detail: format!(
                            "{wire} cut after byte {after} of the {writer:?}, {noticed:?}: {}",
                            violation.detail
                        ),
                        ..violation
                    })?;
                    tried += 1;
                    if !world.has_torn() {
                        break;
                    }
                }
            }
        }
    }
    Ok(tried)
}

/// Both come online; then the first sends two messages, and the second one in between.
fn talk(world: &mut World) -> Result<(), Violation> {
    world.rest()?;
    for (from, to) in [(0, 1), (1, 0), (0, 1)] {
        let is_taken = world.send(from, to, BODY_BYTES)?;
        world.hold(is_taken, Property::Fate, "a client that is online takes a message")?;
    }
    world.rest()?;
    world.close()?;
    let summary = world.summary();
    world.hold(summary.seen == 3, Property::Once, "three messages are seen")?;
    world.hold(world.accepted() == 3, Property::Fate, "three messages are accepted")
}
