//! A little fuzzing with every test run: any input at all, and pieces of what the corpus has.

use std::fs;
use std::path::Path;

use chatcore_fuzz::TARGETS;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

/// The corpus of all targets.
fn corpus() -> Vec<Vec<u8>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let files = TARGETS.iter().flat_map(|(name, _)| fs::read_dir(root.join(name)).expect("every target has a corpus"));
    files.map(|file| fs::read(file.expect("the folder can be read").path()).expect("the file can be read")).collect()
}

/// Bytes, and where to put them together from.
fn pieces() -> impl Strategy<Value = Vec<(Index, Index, Index, Vec<u8>)>> {
    vec((any::<Index>(), any::<Index>(), any::<Index>(), vec(any::<u8>(), 0..200)), 1..8)
}

proptest! {
    #[test]
    fn no_input_breaks_a_promise(pieces in pieces()) {
        let corpus = corpus();
        let mut input = Vec::new();
        for (file, start, end, random) in pieces {
            let kept = file.get(&corpus);
            let (start, end) = (start.index(kept.len() + 1), end.index(kept.len() + 1));
            input.extend_from_slice(&kept[start.min(end)..start.max(end)]);
            input.extend(random);
        }
        for (_, run) in TARGETS {
            run(&input);
        }
    }
}
