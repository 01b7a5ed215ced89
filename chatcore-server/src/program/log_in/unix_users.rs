//! Users of this machine, who have their own names over a Unix socket. The system looks them up, which may take long:
//! in a directory of the network, for example.

use chatcore::{Admission, Refusal, UserName};
#[cfg(unix)]
use nix::unistd::{Uid, User};

use super::denial;

/// Whether the user with this number of the system may have a name: its own, and no other.
#[cfg(unix)]
pub(super) fn own(uid: u32, name: &UserName) -> Result<Admission, Refusal> {
    let own = match User::from_uid(Uid::from_raw(uid)) {
        Ok(Some(user)) => user.name,
        Ok(None) => return Err(denial(&format!("the server's machine has no user with the number {uid}"))),
        Err(error) => return Err(unknown(error)),
    };
    match UserName::new(&own) {
        Ok(own) if own == *name => Ok(Admission::AnotherSession),
        Ok(own) => Err(denial(&format!("over this socket you are {own}, and get no other name"))),
        Err(error) => Err(denial(&format!("{own:?} is your name on this machine, and cannot be one here: {error}"))),
    }
}

/// Whether a guest may have a name: if neither this nor one that it looks like is that of a user of this machine.
#[cfg(unix)]
pub(super) fn guest(name: &UserName) -> Result<Admission, Refusal> {
    for like in [name.as_str(), &name.confusable_key()] {
        if User::from_name(like).map_err(unknown)?.is_some() {
            return Err(denial("the name is for a user of the server's machine, who gets it over its Unix socket"));
        }
    }
    Ok(Admission::NewUser)
}

#[cfg(unix)]
fn unknown(error: nix::Error) -> Refusal {
    tracing::error!(%error, "the system does not tell who the users of this machine are");
    denial("the system does not tell who the users of the server's machine are: try again later")
}

/// There are no Unix sockets.
#[cfg(not(unix))]
pub(super) fn own(_: u32, _: &UserName) -> Result<Admission, Refusal> {
    Err(denial("the server's system has no Unix sockets"))
}

/// Nobody has a name that way.
#[cfg(not(unix))]
pub(super) fn guest(_: &UserName) -> Result<Admission, Refusal> {
    Ok(Admission::NewUser)
}
