//! Runs the corpus through the targets, on stable and without a fuzzer, so that it cannot rot.

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use chatcore_fuzz::TARGETS;

#[test]
fn the_corpus_still_passes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for (name, run) in TARGETS {
        let mut files = 0;
        for entry in fs::read_dir(corpus.join(name)).unwrap_or_else(|error| panic!("corpus/{name}: {error}")) {
            let path = entry.expect("the folder can be read").path();
            let data = fs::read(&path).expect("the file can be read");
            assert!(catch_unwind(|| run(&data)).is_ok(), "{} fails", path.display());
            files += 1;
        }
        assert!(files >= 10, "corpus/{name} has {files} files: where are the others?");
    }
}

#[test]
fn every_folder_of_the_corpus_has_its_target_and_its_entry_point() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(root.join(folder)).expect("the folder is there");
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names("corpus"), targets);
    assert_eq!(names("fuzz_targets"), targets);
}

#[test]
fn the_seeds_made_by_hand_are_what_the_code_makes() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for seed in chatcore_fuzz::seeds().expect("the test vectors can be read") {
        let path = corpus.join(seed.target).join(&seed.name);
        let kept = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(kept, seed.bytes, "{} differs: write the seeds anew, as README.md says", path.display());
    }
}
