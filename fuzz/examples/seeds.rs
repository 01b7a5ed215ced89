//! Writes the seeds of the corpus anew: the protocol's test vectors, each behind what must come before it.
//!
//! ```sh
//! cargo run -p chatcore-fuzz --example seeds
//! ```

use std::fs;
use std::path::Path;

fn main() -> std::io::Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let vectors = fs::read_to_string(root.join("../chatcore/tests/vectors.txt"))?;
    let mut section = "";
    let (mut preface, mut register, mut welcome) = (Vec::new(), Vec::new(), Vec::new());
    let mut seeds = Vec::new();
    for line in vectors.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            continue;
        }
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        let (name, bytes) = (columns[0], bytes(columns[1]));
        match (section, name) {
            ("preface", "preface") => preface.clone_from(&bytes),
            ("client", "register") => register.clone_from(&bytes),
            ("hub", "welcome") => welcome.clone_from(&bytes),
            _ => {}
        }
        seeds.push((section, name, bytes));
    }
    for (number, (section, name, bytes)) in seeds.iter().enumerate() {
        let (target, head): (_, Vec<&[u8]>) = match (*section, *name) {
            ("preface", _) => ("server_input", vec![&[0]]),
            ("client", "register" | "register-credential") => ("server_input", vec![&[6], &preface]),
            // The vectors register Alice, who is there already: another name is asked for behind the refusal.
            ("client" | "invalid" | "skipped", _) => {
                ("server_input", vec![&[2], &preface, &register, b"\x06\0\0\0\x01\x03bob\0"])
            }
            ("hub", "welcome" | "refused") => ("client_input", vec![&[1, 4], &preface]),
            _ => ("client_input", vec![&[1, 2], &preface, &welcome]),
        };
        let folder = root.join("corpus").join(target);
        fs::create_dir_all(&folder)?;
        fs::write(
            folder.join(format!("{section}-{name}-{number:02}")),
            [&head.concat(), bytes].map(|part| &part[..]).concat(),
        )?;
    }
    for (name, opening) in
        [("http", &b"\x03GET / HTTP/1.1\r\nHost: chat\r\n\r\n"[..]), ("tls", b"\x03\x16\x03\x01\x02\0\x01\0\x01\xfc")]
    {
        fs::write(root.join("corpus/server_input").join(name), opening)?;
    }
    Ok(())
}

fn bytes(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits are a byte")).collect()
}
