//! The names of files.

use std::fmt::Write;

use sha1::{Digest, Sha1};

/// Bytes of a file's name, at the most: what every file system takes, and the endings.
const FILE_NAME_BYTES_MAX: usize = 200;

/// Bytes of what stands for the rest of a longer one: a sign that no other name has, and a digest.
const DIGEST_BYTES: usize = 41;

/// The name of the file for a user's session with a server. Of two that are too long, the names differ with their
/// digests; and each file says whose it is.
pub(super) fn of(server: &str, name: &str) -> String {
    let mut file_name = format!("{}@{}", encoded(name), encoded(server));
    if file_name.len() > FILE_NAME_BYTES_MAX {
        let digest = Sha1::digest(&file_name);
        file_name.truncate(FILE_NAME_BYTES_MAX - DIGEST_BYTES);
        file_name.push('~');
        for byte in digest {
            // A string takes all that is written to it.
            let _ = write!(file_name, "{byte:02x}");
        }
    }
    file_name
}

/// Text as a part of a file's name, on every system.
fn encoded(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    let encode = |byte| if is_plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02x}") };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_too_long_ends_with_what_tells_it_from_others() {
        let [long, other] = ["a", "b"].map(|end| of(&format!("unix:///{}{end}", "x/".repeat(500)), "alice"));
        assert_eq!((long.len(), other.len()), (FILE_NAME_BYTES_MAX, FILE_NAME_BYTES_MAX));
        assert!(long.starts_with("alice@unix%3a%2f%2f%2fx%2f") && long != other, "{long} {other}");
        assert_eq!(of("127.0.0.1:1", "alice"), "alice@127.0.0.1%3a1");
        assert!(of(&"x".repeat(194), "alice").ends_with('x'), "it has just as many bytes as it may");
    }
}
