//! The file of passwords: a line for each user, with the hash of the password.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::path::Path;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::password_hash::{PasswordVerifier as _, try_generate_salt};
use argon2::{Algorithm, Argon2, Params, Version};
use chatcore::UserName;
use tracing::debug;

/// Bytes of a file, at the most: some hundred thousand users.
const FILE_BYTES_MAX: u64 = 16 << 20;

/// The memory for one hash, at the most, in KiB: 13 times as much as [`Params::DEFAULT_M_COST`].
const HASH_KIB_MAX: u32 = 256 << 10;

/// How often a hash goes over its memory, at the most.
const HASH_PASSES_MAX: u32 = 32;

/// Lanes of a hash, at the most. They are computed one after the other.
const HASH_LANES_MAX: u32 = 16;

/// Bytes of memory for a user: its name twice, and its hash.
const USER_BYTES: u64 = 1 << 10;

/// Before a comment.
const COMMENT: char = '#';

/// Who has a password, and what proves it.
#[derive(Clone, Debug)]
pub(crate) struct Passwords {
    hashes: HashMap<UserName, PasswordHash>,
    /// Which of them looks like this.
    looks: HashMap<String, UserName>,
    /// A hash of nobody's password, which costs as much as the most costly of the others.
    nobodys: PasswordHash,
    /// Not all hashes cost the same.
    is_mixed: bool,
    hash_kib_max: u32,
}

/// What is wrong with a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct LineFault {
    /// The first is 1.
    pub(super) line: usize,
    pub(super) what: String,
}

impl Passwords {
    /// Reads a file. What is not wrong but dangerous is told beside.
    ///
    /// # Errors
    ///
    /// What is wrong, each with its line, and what would be right.
    pub(crate) fn read(path: &Path) -> Result<(Self, Vec<String>), Vec<String>> {
        let shown = path.display();
        let (text, metadata) = read_text(path).map_err(|error| vec![error])?;
        let (passwords, faults) = Self::parse(&text);
        if !faults.is_empty() {
            return Err(faults.into_iter().map(|fault| format!("{shown}:{}: {}", fault.line, fault.what)).collect());
        }
        let mut warnings = Vec::new();
        if is_open_to_all(&metadata) {
            warnings.push(format!("every user of this machine can read or change {shown}: chmod o= {shown}"));
        }
        if passwords.is_mixed {
            warnings.push(format!(
                "the hashes in {shown} do not cost the same, so how long an answer takes tells who has a password: set \
                 those that were made with less memory or fewer passes anew"
            ));
        }
        Ok((passwords, warnings))
    }

    /// Reads the text of a file, and finds all that is wrong with it.
    pub(super) fn parse(text: &str) -> (Self, Vec<LineFault>) {
        let (mut hashes, mut looks, mut faults) = (HashMap::new(), HashMap::<String, UserName>::new(), Vec::new());
        let mut lines = HashMap::<UserName, usize>::new();
        for (line, text) in users(text) {
            let mut wrong = |what: String| faults.push(LineFault { line, what });
            let (name, hash) = match parse_line(text) {
                Ok(user) => user,
                Err(what) => {
                    wrong(what);
                    continue;
                }
            };
            let key = name.confusable_key().into_owned();
            match looks.entry(key) {
                Entry::Occupied(like) if *like.get() == name => {
                    wrong(format!("{name} stands in line {}, too: one of the two must go", lines[&name]));
                }
                Entry::Occupied(like) => {
                    let (other, at) = (like.get(), lines[like.get()]);
                    wrong(format!("{name} looks like {other} in line {at}: one of the two must have another name"));
                }
                Entry::Vacant(entry) => {
                    entry.insert(name.clone());
                    lines.insert(name.clone(), line);
                    hashes.insert(name, hash);
                }
            }
        }
        (Self::new(hashes, looks), faults)
    }

    fn new(hashes: HashMap<UserName, PasswordHash>, looks: HashMap<String, UserName>) -> Self {
        let costs = || hashes.values().map(|hash| (cost(hash), hash));
        let most = costs().max_by_key(|(cost, _)| *cost);
        let is_mixed = costs().any(|(cost, _)| Some(cost) != most.map(|(most, _)| most));
        let nobodys = nobodys(most.map(|(_, hash)| hash));
        let hash_kib_max = hashes.values().chain([&nobodys]).map(kib).max().unwrap_or(0);
        Self { hashes, looks, nobodys, is_mixed, hash_kib_max }
    }

    pub(crate) fn len(&self) -> usize {
        self.hashes.len()
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &UserName> {
        self.hashes.keys()
    }

    pub(super) fn has(&self, name: &UserName) -> bool {
        self.hashes.contains_key(name)
    }

    /// Who has a password and a name that looks like this one, or this very one.
    pub(super) fn like(&self, name: &UserName) -> Option<&UserName> {
        self.looks.get(&*name.confusable_key())
    }

    /// Whether this is the password of that user. It takes the same time for users that are not there.
    pub(super) fn verify(&self, name: &UserName, password: &[u8]) -> bool {
        let known = self.hashes.get(name);
        let is_right = Argon2::default().verify_password(password, known.unwrap_or(&self.nobodys)).is_ok();
        debug!("hashed a password");
        is_right && known.is_some()
    }

    /// Bytes of memory for one hash while it is computed, at the most.
    pub(super) fn hash_bytes_max(&self) -> u64 {
        u64::from(self.hash_kib_max) << 10
    }

    /// Bytes of memory for all users.
    pub(super) fn bytes(&self) -> u64 {
        self.hashes.len() as u64 * USER_BYTES
    }
}

/// The text of a file, and what the system says of the file.
pub(super) fn read_text(path: &Path) -> Result<(String, Metadata), String> {
    let shown = path.display().to_string();
    let cannot = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!(
                "password_file is {shown:?}: the file is not there, and `chatcore-server password add NAME` makes it"
            )
        }
        _ => format!("password_file is {shown:?}: the file cannot be read: {error}"),
    };
    // A pipe would keep the reader waiting for as long as its writer likes.
    let metadata = fs::metadata(path).map_err(cannot)?;
    if !metadata.is_file() {
        return Err(format!("password_file is {shown:?}: the file must be a regular file"));
    }
    let mut bytes = Vec::new();
    File::open(path).and_then(|file| file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)).map_err(cannot)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(format!("password_file is {shown:?}: the file must have at most {FILE_BYTES_MAX} bytes"));
    }
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = valid.split(|byte| *byte == b'\n').count();
        format!("{shown}:{line}: this is not UTF-8, in which names are written")
    })?;
    Ok((text, metadata))
}

/// The lines that are for users, with their numbers: neither empty nor a comment.
pub(super) fn users(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.lines().enumerate().map(|(index, line)| (index + 1, line));
    lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with(COMMENT))
}

/// The name in a line, as far as it can be one.
pub(super) fn name_in(line: &str) -> Option<UserName> {
    UserName::new(line.split_once(':')?.0).ok()
}

/// What is said of a line never holds its hash.
fn parse_line(line: &str) -> Result<(UserName, PasswordHash), String> {
    let Some((name, hash)) = line.split_once(':') else {
        return Err("a line must be name:hash, as `chatcore-server password add NAME` writes it".into());
    };
    let name = UserName::new(name).map_err(|error| format!("{name:?} cannot be a name: {error}"))?;
    let hash = parse_hash(hash.trim_end()).map_err(|what| {
        format!("the hash of {name} {what}; `chatcore-server password add {name}` sets the password anew")
    })?;
    Ok((name, hash))
}

/// What is wrong is said after "the hash".
fn parse_hash(text: &str) -> Result<PasswordHash, String> {
    const ARGON2ID: &str = "argon2id";
    let algorithm = text.strip_prefix('$').and_then(|rest| rest.split('$').next()).unwrap_or_default();
    if algorithm != ARGON2ID {
        return Err("must begin with $argon2id$".into());
    }
    let Ok(hash) = PasswordHash::new(text) else {
        return Err("must have the form $argon2id$v=19$m=19456,t=2,p=1$salt$hash".into());
    };
    if hash.version != Some(Version::V0x13.into()) {
        return Err("must be of version v=19".into());
    }
    if hash.salt.is_none() || hash.hash.is_none() {
        return Err("must have a salt and a hash after its parameters".into());
    }
    if !hash.params.iter().map(|(name, _)| name.as_str().to_owned()).eq(["m", "t", "p"]) {
        return Err("must have the parameters m, t and p, and no others".into());
    }
    let params = Params::try_from(&hash).map_err(|error| format!("has wrong parameters: {error}"))?;
    for (name, given, max) in [
        ("m", params.m_cost(), HASH_KIB_MAX),
        ("t", params.t_cost(), HASH_PASSES_MAX),
        ("p", params.p_cost(), HASH_LANES_MAX),
    ] {
        if given > max {
            return Err(format!("has {name}={given}: it must be at most {max}"));
        }
    }
    Ok(hash)
}

/// What a hash costs: memory, passes and lanes, the dearest last.
fn cost(hash: &PasswordHash) -> (u64, u32) {
    let params = Params::try_from(hash).unwrap_or_default();
    (u64::from(params.m_cost()) * u64::from(params.t_cost()), params.m_cost())
}

fn kib(hash: &PasswordHash) -> u32 {
    Params::try_from(hash).unwrap_or_default().m_cost()
}

/// A hash that costs as much as another one, or as one that is made here, and is that of no password that anybody
/// knows.
fn nobodys(like: Option<&PasswordHash>) -> PasswordHash {
    let length = like.and_then(|hash| hash.hash.as_ref()).map_or(Params::DEFAULT_OUTPUT_LEN, Output::len);
    // If there is no randomness, it is still no user's.
    let salt = try_generate_salt().unwrap_or_default();
    let params = like.map_or_else(|| ParamsString::try_from(&Params::DEFAULT).ok(), |hash| Some(hash.params.clone()));
    PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: params.unwrap_or_default(),
        salt: Salt::new(&salt).ok(),
        hash: Output::new(&vec![0; length]).ok(),
    }
}

/// Others than the owner and its group may do something with a file.
#[cfg(unix)]
fn is_open_to_all(metadata: &Metadata) -> bool {
    std::os::unix::fs::MetadataExt::mode(metadata) & 0o007 != 0
}

#[cfg(not(unix))]
fn is_open_to_all(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
pub(super) mod tests {
    use argon2::PasswordHasher as _;

    use super::*;

    /// A hash that costs next to nothing.
    pub(in super::super) fn quick_hash(password: &str) -> String {
        hash_with(password, 8, 1)
    }

    fn hash_with(password: &str, kib: u32, passes: u32) -> String {
        let params = Params::new(kib, passes, 1, None).expect("they are large enough");
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        argon2.hash_password(password.as_bytes()).expect("it is short").to_string()
    }

    fn name(name: &str) -> UserName {
        name.parse().expect("it can be a name")
    }

    fn faults(text: &str) -> Vec<String> {
        let (_, faults) = Passwords::parse(text);
        faults.into_iter().map(|fault| format!("{}: {}", fault.line, fault.what)).collect()
    }

    #[test]
    fn a_password_is_right_for_its_own_user_alone() {
        let text = format!("# users\n\nAlice:{}\r\nbob:{}\n", quick_hash("one"), quick_hash("two"));
        let (passwords, faults) = Passwords::parse(&text);
        assert_eq!((passwords.len(), faults), (2, vec![]));
        for (user, password, is_right) in [
            ("alice", "one", true),
            ("ALICE", "one", true),
            ("bob", "two", true),
            ("alice", "two", false),
            ("alice", "One", false),
            ("alice", "", false),
            ("carol", "one", false),
            ("carol", "", false),
        ] {
            assert_eq!(passwords.verify(&name(user), password.as_bytes()), is_right, "{user} {password}");
        }
    }

    #[test]
    fn names_that_look_like_one_with_a_password_are_found() {
        let (passwords, _) = Passwords::parse(&format!("cop:{}\n", quick_hash("one")));
        assert_eq!(passwords.like(&name("\u{441}\u{43e}\u{440}")), Some(&name("cop")));
        assert!(!passwords.has(&name("\u{441}\u{43e}\u{440}")));
        assert_eq!(passwords.like(&name("carol")), None);
    }

    #[test]
    fn each_fault_is_told_with_its_line_and_never_with_a_hash() {
        let hash = quick_hash("one");
        let lines = [
            ("alice", "a line must be name:hash"),
            ("a b:x", "\"a b\" cannot be a name"),
            ("carol:", "the hash of carol must begin with $argon2id$"),
            ("carol:secret", "the hash of carol must begin with $argon2id$"),
            ("carol:$2b$12$abcdefghijklmnopqrstuv", "the hash of carol must begin with $argon2id$"),
            ("carol:$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g", "must begin with $argon2id$"),
            ("carol:$argon2id$v=19$m=8,t=1,p=1$!", "must have the form"),
            ("carol:$argon2id$v=16$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "must be of version v=19"),
            ("carol:$argon2id$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "must be of version v=19"),
            ("carol:$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ", "must have a salt and a hash"),
            ("carol:$argon2id$v=19$m=8,t=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "the parameters m, t and p"),
            ("carol:$argon2id$v=19$m=1,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "has wrong parameters"),
            ("carol:$argon2id$v=19$m=300000,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "it must be at most 262144"),
            ("carol:$argon2id$v=19$m=8,t=99,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "it must be at most 32"),
            ("carol:$argon2id$v=19$m=800,t=1,p=99$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo", "it must be at most 16"),
        ];
        for (line, words) in lines {
            let faults = faults(&format!("# a comment\nbob:{hash}\n{line}\n"));
            assert!(
                faults.len() == 1 && faults[0].starts_with("3: ") && faults[0].contains(words),
                "{line}: {faults:?}"
            );
            for secret in ["secret", "c2FsdHNhbHQ", "abcdefgh"] {
                assert!(!faults[0].contains(secret), "{}", faults[0]);
            }
        }
    }

    #[test]
    fn two_lines_for_one_name_or_for_names_that_look_alike_are_faults() {
        let hash = quick_hash("one");
        let found = faults(&format!("Bob:{hash}\ncop:{hash}\nbob:{hash}\n\u{441}\u{43e}\u{440}:{hash}\n"));
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].starts_with("3: bob stands in line 1, too"), "{found:?}");
        assert!(found[1].starts_with("4: ") && found[1].contains("looks like cop in line 2"), "{found:?}");
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_the_most_costly_one() {
        let text = format!("a:{}\nb:{}\n", hash_with("x", 64, 1), hash_with("x", 32, 3));
        let (passwords, _) = Passwords::parse(&text);
        assert!(passwords.is_mixed);
        assert_eq!(cost(&passwords.nobodys), (96, 32));
        assert_eq!(passwords.hash_bytes_max(), 64 << 10);
        let (passwords, _) = Passwords::parse("");
        assert_eq!(kib(&passwords.nobodys), Params::DEFAULT_M_COST);
        assert!(!passwords.is_mixed);
    }
}
