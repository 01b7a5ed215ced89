//! What a seed is.

/// A file of the corpus.
#[derive(Debug)]
pub struct Seed {
    /// Whose corpus it belongs to.
    pub target: &'static str,
    /// Its file name, which says what it shows.
    pub name: String,
    /// What it holds.
    pub bytes: Vec<u8>,
}

/// The section, the name and the bytes of each of the protocol's test vectors.
pub(crate) fn vectors(text: &str) -> impl Iterator<Item = (&str, &str, Vec<u8>)> {
    let mut section = "";
    text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).filter_map(move |line| {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']');
            return None;
        }
        let columns: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((section, columns[0], from_hex(columns[1])))
    })
}

/// The bytes that hexadecimal digits stand for, whatever is between them.
pub(crate) fn from_hex(hex: &str) -> Vec<u8> {
    let digits: Vec<u32> = hex.chars().filter_map(|c| c.to_digit(16)).collect();
    digits.chunks(2).map(|pair| u8::try_from(pair[0] * 16 + pair[1]).expect("two digits are a byte")).collect()
}
