//! In the steady state nothing is allocated for a message, and what is kept does not grow.

use allocation_counter::{AllocationInfo, measure};
use chatcore_bench::{BATCH_MESSAGES, Routing};

/// What so many batches allocate.
fn allocated(routing: &mut Routing, batches: usize) -> AllocationInfo {
    measure(|| (0..batches).for_each(|_| routing.route_batch()))
}

fn nothing_is_allocated(routing: Routing, batch_messages: usize) {
    let mut routing = routing.warmed_up();
    // Buffers come to the sizes that are needed, and later now and then a few more of one size than ever before.
    allocated(&mut routing, 200);
    let measured = allocated(&mut routing, 1_000);
    let messages = 1_000 * batch_messages as u64;
    assert!(measured.count_total <= messages / 1_000, "{measured:?} for {messages} messages");
    // What outboxes give back is kept, so much at the most.
    assert!(measured.bytes_current <= 4 << 20, "{measured:?} for {messages} messages");
}

#[test]
fn no_message_of_a_user_to_a_user_allocates() {
    nothing_is_allocated(Routing::direct(10, 64), BATCH_MESSAGES);
    nothing_is_allocated(Routing::direct(1_000, 64), BATCH_MESSAGES);
    nothing_is_allocated(Routing::direct(100, 1_024), BATCH_MESSAGES);
}

#[test]
fn no_message_in_a_room_allocates() {
    nothing_is_allocated(Routing::in_rooms(1, 200, 64), Routing::batch_messages_in_rooms(200));
    nothing_is_allocated(Routing::in_rooms(100, 10, 64), Routing::batch_messages_in_rooms(10));
}
