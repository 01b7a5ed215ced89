//! What a server of the file may have.

use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::de::DeValue;

use super::values::{all_formed, formed, text, time, truth};
use crate::program::password::PasswordArgs;
use crate::{Endpoint, FollowedHost, RoomName, UserName};

/// All that the file says of a server.
#[derive(Debug, Default)]
pub(super) struct Server {
    pub(super) connect: String,
    pub(super) name: Option<String>,
    pub(super) ca: Option<PathBuf>,
    /// And its key.
    pub(super) certificate: Option<(PathBuf, PathBuf)>,
    pub(super) password: Option<PasswordArgs>,
    pub(super) rooms: Vec<String>,
    pub(super) follow: Vec<FollowedHost>,
    pub(super) reconnect_for: Option<Duration>,
    pub(super) history: bool,
}

/// What is read of a server before its parts are put together.
#[derive(Debug, Default)]
pub(super) struct Draft {
    connect: Option<String>,
    cert: Option<PathBuf>,
    key: Option<PathBuf>,
    /// Each with its key.
    passwords: Vec<(&'static str, PasswordArgs)>,
    server: Server,
}

/// A key of a server.
pub(super) struct Key {
    pub(super) name: &'static str,
    /// A value that it may have.
    pub(super) example: &'static str,
    /// Takes a value; paths begin at a folder. It fails with what is wrong, to be said after the name.
    pub(super) take: fn(&mut Draft, &DeValue<'_>, &Path) -> Result<(), String>,
}

pub(super) const KEYS: &[Key] = &[
    Key {
        name: "connect",
        example: "\"tls://chat.example:12346\"",
        take: |draft, value, _| formed::<Endpoint>(value).map(|address| draft.connect = Some(address)),
    },
    Key {
        name: "name",
        example: "\"alice\"",
        take: |draft, value, _| formed::<UserName>(value).map(|name| draft.server.name = Some(name)),
    },
    Key {
        name: "ca",
        example: "\"authority.pem\"",
        take: |draft, value, folder| path(value, folder).map(|path| draft.server.ca = Some(path)),
    },
    Key {
        name: "cert",
        example: "\"alice.pem\"",
        take: |draft, value, folder| path(value, folder).map(|path| draft.cert = Some(path)),
    },
    Key {
        name: "key",
        example: "\"alice.key\"",
        take: |draft, value, folder| path(value, folder).map(|path| draft.key = Some(path)),
    },
    Key {
        name: "password_command",
        example: "\"pass show chat/work\"",
        take: |draft, value, _| {
            text(value).map(|command| draft.passwords.push(("password_command", PasswordArgs::command(command))))
        },
    },
    Key {
        name: "password_file",
        example: "\"~/.chat-password\"",
        take: |draft, value, folder| {
            path(value, folder).map(|path| draft.passwords.push(("password_file", PasswordArgs::file(path))))
        },
    },
    Key {
        name: "keyring",
        example: "true",
        take: |draft, value, _| {
            let keyring = truth(value)?.then(|| ("keyring", PasswordArgs::keyring()));
            draft.passwords.extend(keyring);
            Ok(())
        },
    },
    Key {
        name: "rooms",
        example: "[\"#lobby\"]",
        take: |draft, value, _| all_formed::<RoomName>(value).map(|rooms| draft.server.rooms = rooms),
    },
    Key {
        name: "follow",
        example: "[\"chat2.example:12346\"]",
        take: |draft, value, _| {
            all_formed::<FollowedHost>(value)
                .map(|hosts| draft.server.follow = hosts.iter().filter_map(|host| host.parse().ok()).collect())
        },
    },
    Key {
        name: "reconnect_for",
        example: "600",
        take: |draft, value, _| time(value).map(|time| draft.server.reconnect_for = Some(time)),
    },
    Key {
        name: "history",
        example: "true",
        take: |draft, value, _| truth(value).map(|history| draft.server.history = history),
    },
];

impl Draft {
    /// The server that its keys make.
    ///
    /// # Errors
    ///
    /// What does not fit together, to be said after the name of the server.
    pub(super) fn finish(self) -> Result<Server, String> {
        let Self { connect, cert, key, mut passwords, mut server } = self;
        let Some(connect) = connect else {
            return Err("does not say where it is: connect = \"tls://chat.example:12346\" does".into());
        };
        server.connect = connect;
        server.certificate = match (cert, key) {
            (Some(cert), Some(key)) => Some((cert, key)),
            (None, None) => None,
            (Some(_), None) => return Err("has cert and no key: key = \"FILE\" names the file of the key".into()),
            (None, Some(_)) => {
                return Err("has key and no cert: cert = \"FILE\" names the file of the certificate".into());
            }
        };
        if let [(first, _), (second, _), ..] = &passwords[..] {
            return Err(format!("has {first} and {second}: a password comes from one of them"));
        }
        server.password = passwords.pop().map(|(_, password)| password);
        Ok(server)
    }
}

/// A path as people write it: from the home folder, or from that of the file.
fn path(value: &DeValue<'_>, folder: &Path) -> Result<PathBuf, String> {
    let text = text(value)?;
    match text.strip_prefix("~/") {
        Some(rest) => match etcetera::home_dir() {
            Ok(home) => Ok(home.join(rest)),
            Err(_) => Err(format!("is {text:?}, and there is no home folder: write the path without ~")),
        },
        None => Ok(folder.join(text)),
    }
}
