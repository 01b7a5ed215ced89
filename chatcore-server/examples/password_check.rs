//! A chat server whose users have passwords. Hashing one takes 19 MiB and some 20 ms of a processor, so it happens on a
//! pool of threads, few at a time. A client that is gone before its turn is not hashed for any more.
//!
//! ```sh
//! cargo run -p chatcore-server --features tokio --example password_check -- 127.0.0.1:12345 alice:secret bob:hush
//! ```

use std::collections::HashMap;
use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use argon2::password_hash::PasswordVerifier as _;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher as _};
use chatcore_server::chatcore::{Admission, Refusal, Registration};
use chatcore_server::{AsyncConfig, AsyncServer, Hooks};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Passwords that are hashed at a time: 76 MiB.
const HASHES_MAX: usize = 4;

/// Registrations that wait for that. More wait in the server's own line.
const UNDECIDED_MAX: usize = 64;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let address = args.next().unwrap_or_else(|| "127.0.0.1:12345".into());
    let users = args.map(|user| user.split_once(':').map(|(name, password)| (name.into(), password.into())));
    let users: Vec<_> = users.collect::<Option<_>>().ok_or("a user is given as name:password")?;
    let listener = TcpListener::bind(address).await?;
    let config = AsyncConfig::default().with_undecided_max(UNDECIDED_MAX);
    AsyncServer::start(config, Passwords::new(&users)?)?.serve(listener).await;
    Ok(())
}

/// The hash of each user's password.
pub(crate) struct Passwords {
    hashes: HashMap<String, Arc<str>>,
    /// That of nobody's password: who asks for an unknown name waits as long as for a known one.
    unknown: Arc<str>,
    pub(crate) places: Semaphore,
    /// Passwords that were hashed: a number to be watched.
    pub(crate) hashed: AtomicU64,
}

impl Passwords {
    pub(crate) fn new(users: &[(String, String)]) -> Result<Self, Box<dyn Error>> {
        let hash = |password: &str| -> Result<Arc<str>, Box<dyn Error>> {
            Ok(Argon2::default().hash_password(password.as_bytes())?.to_string().into())
        };
        let hashes = users.iter().map(|(name, password)| Ok((name.clone(), hash(password)?)));
        let hashes = hashes.collect::<Result<_, Box<dyn Error>>>()?;
        Ok(Self { hashes, unknown: hash("nobody's")?, places: Semaphore::new(HASHES_MAX), hashed: AtomicU64::new(0) })
    }
}

impl Hooks for Passwords {
    async fn decide(&self, registration: &Registration) -> Result<Admission, Refusal> {
        let known = self.hashes.get(registration.name().as_str());
        let (hash, credential) = (Arc::clone(known.unwrap_or(&self.unknown)), registration.credential().to_vec());
        // Whoever is gone before its turn ends here.
        let _place = self.places.acquire().await.expect("the semaphore is never closed");
        let is_right = spawn_blocking(move || {
            let hash = PasswordHash::new(&hash).expect("it was made here");
            Argon2::default().verify_password(&credential, &hash).is_ok()
        });
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let is_right = is_right.await.expect("a hash does not panic");
        if is_right && known.is_some() { Ok(Admission::AnotherSession) } else { Err(Refusal::Denied) }
    }
}
