//! Writes the seeds of the corpus anew that are made by hand.
//!
//! ```sh
//! cargo run -p chatcore-fuzz --example seeds
//! ```

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    for seed in chatcore_fuzz::seeds()? {
        let folder = corpus.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(seed.name), seed.bytes)?;
    }
    Ok(())
}
