//! The benches of routing can begin, whatever the size of messages: users acknowledge before their outboxes are full.

use chatcore_bench::Routing;

#[test]
fn a_few_users_get_all_their_long_messages() {
    // All batches together are more than twice what the outboxes hold.
    Routing::direct(10, 1024).check();
    // Each batch is half of what the outboxes hold.
    Routing::direct(2, 4096).warmed_up().check();
}

#[test]
fn rooms_get_all_their_long_messages() {
    Routing::in_rooms(1, 200, 60_000).check();
    Routing::in_rooms(2, 3, 1024).warmed_up().check();
}
