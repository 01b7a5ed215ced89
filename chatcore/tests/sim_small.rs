//! A small world in which a cut is tried at every place that there is.

use chatcore::sim;

#[test]
fn a_cut_behind_any_byte_changes_nothing_in_the_end() {
    match sim::small_world() {
        Ok(tried) => assert!(tried > 1_000, "only {tried} cuts were tried"),
        Err(violation) => panic!("{violation}"),
    }
}
