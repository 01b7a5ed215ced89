//! Why the program ends with an error.

use std::io;
use std::path::PathBuf;

use crate::{Closed, ConnectError, RefusalCode, TlsFault};
use chatcore::{GoodbyeCode, OtherProtocol};

/// One line each, which tells a person what was wrong, and what would be right. What others said is in it: escape it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}{advice}", advice = advice_to_connect(.0))]
    Connect(#[from] ConnectError),
    #[error("{0}")]
    Password(String),
    #[error(
        "the password is not sent to {address}, because others could read it on its way: connect over TLS, or to a server \
         on this machine"
    )]
    NotPrivate { address: String },
    #[error("{flag} is for TLS, and {address} is without: tls://HOST:PORT is with it")]
    NoTls { flag: &'static str, address: String },
    #[error("{}: {why}", path.display())]
    File { path: PathBuf, why: String },
    #[error("{address}: {name}: {detail}")]
    Refused { address: String, name: String, reason: String, detail: String },
    #[error("{address}: {closed}{}", advice_after_end(closed))]
    Closed { closed: Closed, address: String },
    #[error("{address}: {closed}: {fault}{}", advice_for_tls(fault))]
    BrokenTls { closed: Closed, fault: Box<TlsFault>, address: String },
    #[error("{address}: {}: --linger SECONDS gives them more", not_in_time(*unsent, *unanswered))]
    Unanswered { unsent: usize, unanswered: usize, address: String },
    #[error("{}", no_reader(*unsent, *unanswered))]
    NoReader { unsent: usize, unanswered: usize },
    /// Messages that certainly did not go out, and those that did and have no answer.
    #[error("{address}: {}", left(*unsent, *unanswered))]
    Left { unsent: usize, unanswered: usize, address: String },
    #[error("what was typed and not sent is lost, because it cannot be kept: {0}")]
    NotKept(String),
    #[error("{0} of the commands came to nothing: the output says which, and why")]
    Rejected(usize),
    #[error("some messages are not known to have arrived: {0} lines of the output say which")]
    Unconfirmed(usize),
    #[error("cannot write the output: {0}")]
    Output(io::Error),
    #[error("the system does not let it work: {0}")]
    System(io::Error),
}

impl Failure {
    /// The reader of our output has gone: there is nobody to tell.
    pub(crate) fn has_no_reader(&self) -> bool {
        matches!(self, Self::Output(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// What the shell is told. 2 is for a command line that is wrong, which may be seen only when it is used.
    pub(crate) fn exit_code(&self) -> u8 {
        match self {
            Self::Connect(ConnectError::Endpoint(_)) | Self::NoTls { .. } => 2,
            Self::Refused { reason, .. } if *reason == RefusalCode::InvalidName.to_string() => 2,
            Self::Rejected(_) => 3,
            Self::Unconfirmed(_) => 4,
            _ => 1,
        }
    }

    /// For programs.
    pub(crate) fn reason(&self) -> &str {
        match self {
            Self::Password(_) => "no_password",
            Self::NotPrivate { .. } => "not_private",
            Self::Connect(_) | Self::NoTls { .. } | Self::File { .. } => "cannot_connect",
            Self::Refused { reason, .. } => reason,
            Self::Closed { closed, .. } | Self::BrokenTls { closed, .. } => reason(closed),
            Self::Left { unanswered: 0, .. } | Self::Unanswered { unanswered: 0, .. } => "not_sent",
            Self::Unanswered { .. } | Self::NoReader { .. } | Self::Left { .. } => "unanswered",
            Self::NotKept(_) => "not_kept",
            Self::Rejected(_) => "rejected",
            Self::Unconfirmed(_) => "unconfirmed",
            Self::Output(_) | Self::System(_) => "system_error",
        }
    }
}

/// What became of messages that nobody is told of any more.
fn left(unsent: usize, unanswered: usize) -> String {
    let unanswered = match unanswered {
        0 => None,
        1 => Some("the server had not answered 1 message when this ended".to_owned()),
        more => Some(format!("the server had not answered {more} messages when this ended")),
    };
    joined([not_sent(unsent), unanswered])
}

/// What the time for answers was too short for.
fn not_in_time(unsent: usize, unanswered: usize) -> String {
    let unanswered = (unanswered > 0).then(|| format!("{unanswered} of the requests were not answered in time"));
    joined([not_sent(unsent), unanswered])
}

/// That nobody reads the output any more, and what that leaves open.
fn no_reader(unsent: usize, unanswered: usize) -> String {
    let unanswered = match unanswered {
        0 if unsent == 0 => Some("the input had not ended".to_owned()),
        0 => None,
        more => Some(format!("{more} of the requests had no answer")),
    };
    let nobody = Some("nobody reads the output any more".to_owned());
    joined([nobody, not_sent(unsent), unanswered])
}

fn not_sent(messages: usize) -> Option<String> {
    match messages {
        0 => None,
        1 => Some("1 message was not sent".to_owned()),
        more => Some(format!("{more} messages were not sent")),
    }
}

fn joined<const N: usize>(parts: [Option<String>; N]) -> String {
    parts.into_iter().flatten().collect::<Vec<_>>().join(", and ")
}

/// Why a connection ended, for programs.
pub(crate) fn reason(closed: &Closed) -> &'static str {
    match closed {
        Closed::Left => GoodbyeCode::Left.name(),
        Closed::Goodbye { code, .. } => code.name(),
        Closed::Error { .. } | Closed::ProtocolError(_) => "protocol_error",
        Closed::OtherProtocol(_) => "not_chatcore",
        Closed::TimedOut => GoodbyeCode::TimedOut.name(),
        Closed::Refused { code, .. } => code.name(),
        _ => "disconnected",
    }
}

/// What a user of the program can do, after the words of the library.
fn advice_to_connect(error: &ConnectError) -> &'static str {
    match error {
        ConnectError::Tls { fault, .. } => advice_for_tls(fault),
        ConnectError::Trust { .. } => ": --ca FILE does",
        ConnectError::WebSocket { .. } => {
            "; the address of a WebSocket has a path, and the port of TCP is not its port"
        }
        _ => "",
    }
}

pub(crate) const fn advice_for_tls(fault: &TlsFault) -> &'static str {
    match fault {
        TlsFault::UnknownAuthority | TlsFault::OtherKey => {
            "; if you know whose it is, --ca FILE trusts the authority whose certificate the file holds, and no other"
        }
        TlsFault::WrongName { .. } => "; connect to the server under a name that is in it",
        TlsFault::NoTls | TlsFault::Version | TlsFault::Ended => "; HOST:PORT without tls:// connects over plain TCP",
        TlsFault::ClientCertificateMissing => "; --cert FILE and --key FILE show one",
        _ => "",
    }
}

fn advice_after_end(closed: &Closed) -> &'static str {
    match closed {
        Closed::OtherProtocol(OtherProtocol::Tls) => "; tls://HOST:PORT connects over TLS",
        Closed::OtherProtocol(OtherProtocol::Http) => "; ws://HOST:PORT/PATH opens a WebSocket",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_sent_and_what_has_no_answer_are_told_apart() {
        for (unsent, unanswered, words, reason) in [
            (1, 0, "1 message was not sent", "not_sent"),
            (2, 0, "2 messages were not sent", "not_sent"),
            (0, 1, "the server had not answered 1 message when this ended", "unanswered"),
            (
                2,
                3,
                "2 messages were not sent, and the server had not answered 3 messages when this ended",
                "unanswered",
            ),
        ] {
            let failure = Failure::Left { unsent, unanswered, address: "here".into() };
            assert_eq!(failure.to_string(), format!("here: {words}"));
            assert_eq!((failure.reason(), failure.exit_code()), (reason, 1));
        }
        let in_time =
            |unsent, unanswered| Failure::Unanswered { unsent, unanswered, address: "here".into() }.to_string();
        let more = ": --linger SECONDS gives them more";
        assert_eq!(in_time(0, 2), format!("here: 2 of the requests were not answered in time{more}"));
        assert_eq!(in_time(1, 0), format!("here: 1 message was not sent{more}"));
        let unread = |unsent, unanswered| Failure::NoReader { unsent, unanswered }.to_string();
        let nobody = "nobody reads the output any more, and ";
        assert_eq!(unread(0, 0), format!("{nobody}the input had not ended"));
        assert_eq!(unread(1, 0), format!("{nobody}1 message was not sent"));
        assert_eq!(unread(2, 1), format!("{nobody}2 messages were not sent, and 1 of the requests had no answer"));
    }
}
