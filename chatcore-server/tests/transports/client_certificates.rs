//! Certificates of clients.

use std::fs;
use std::io::Read;
use std::process::{Command, Stdio};

use chatcore::wire::{ClientMessage, HubMessage, Preface, Register};
use chatcore::{GoodbyeCode, RefusalCode};
use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa,
    Issuer, KeyPair, date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::version::{TLS12, TLS13};
use tempfile::TempDir;

use crate::support::{PROGRAM, Peer};
use crate::tls::{Stream, TlsServer};

/// Who issues certificates.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    certificate: String,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.self_signed(&key).expect("it signs for itself").pem();
        Self { issuer: Issuer::new(params, key), certificate }
    }

    /// A certificate for this user, and its key.
    fn issue(
        &self,
        user: &str,
        purpose: ExtendedKeyUsagePurpose,
        last_year: i32,
    ) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::default();
        params.distinguished_name = DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, user);
        params.extended_key_usages = vec![purpose];
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(last_year, 1, 1));
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("it may sign");
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    /// A certificate of so many bytes and more.
    fn large(&self, bytes: usize) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        let mut params = CertificateParams::default();
        params.custom_extensions.push(CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 1], vec![4; bytes]));
        let key = KeyPair::generate().expect("there is randomness");
        let certificate = params.signed_by(&key, &self.issuer).expect("it may sign");
        (certificate.der().clone(), PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    pub(crate) fn certify(&self, user: &str) -> (CertificateDer<'static>, PrivateKeyDer<'static>) {
        self.issue(user, ExtendedKeyUsagePurpose::ClientAuth, 4000)
    }

    /// A server that trusts it with the certificates of clients.
    pub(crate) fn server(&self, folder: &TempDir, flags: &[&str]) -> TlsServer {
        let path = folder.path().join("ca.pem");
        fs::write(&path, &self.certificate).expect("the folder is ours");
        let flags = [&["--tls-client-ca", path.to_str().expect("it is text")], flags].concat();
        TlsServer::start_with("tls://127.0.0.1:0", &flags)
    }
}

fn folder() -> TempDir {
    tempfile::tempdir().expect("there is a place for temporary files")
}

/// What the server answers to who asks for a name.
fn ask(stream: Stream, name: &str) -> Result<Peer<Stream>, RefusalCode> {
    let mut peer = Peer::over(stream);
    peer.put(&Preface::OURS.encode());
    peer.say(&ClientMessage::Register(Register { name, credential: b"", frame_bytes_max: u32::MAX }));
    peer.take_preface();
    match peer.take() {
        HubMessage::Welcome(_) => Ok(peer),
        HubMessage::Refused(refused) => Err(refused.code),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_subject_of_a_certificate_is_a_user_who_needs_no_password() {
    let (authority, folder) = (Authority::new(), folder());
    let tls = authority.server(&folder, &["--certificate-users", "yes", "--guests", "no"]);
    for version in [&TLS12, &TLS13] {
        let connect = || {
            let (certificate, key) = authority.certify("Alice");
            tls.connect_as(version, certificate, key)
        };
        assert!(ask(connect(), "alice").is_ok());
        assert_eq!(ask(connect(), "bob").err(), Some(RefusalCode::Denied), "it is another name");
        assert_eq!(ask(tls.connect(), "alice").err(), Some(RefusalCode::Denied), "there is no certificate");
    }
}

#[test]
fn a_certificate_of_which_nothing_is_made_changes_nothing() {
    let (authority, folder) = (Authority::new(), folder());
    let tls = authority.server(&folder, &[]);
    let (certificate, key) = authority.certify("alice");
    assert!(ask(tls.connect_as(&TLS13, certificate, key), "bob").is_ok());
}

#[test]
fn a_guest_makes_way_for_who_has_a_certificate_for_its_name() {
    let (authority, folder) = (Authority::new(), folder());
    let tls = authority.server(&folder, &["--certificate-users", "yes"]);
    let mut guest = Peer::registered(tls.server.address(), "alice");
    let (certificate, key) = authority.certify("alice");
    assert!(ask(tls.connect_as(&TLS13, certificate, key), "alice").is_ok());
    guest.assert_goodbye(GoodbyeCode::Kicked);
}

#[test]
fn a_certificate_that_is_not_good_is_refused_and_so_is_none_where_one_is_required() {
    let (authority, folder) = (Authority::new(), folder());
    let mut tls = authority.server(&folder, &["--tls-client-auth", "required", "--log-origin-lines-per-s", "0"]);
    let mut alice = {
        let (certificate, key) = authority.certify("alice");
        ask(tls.connect_as(&TLS13, certificate, key), "alice").expect("it is good")
    };
    let client = ExtendedKeyUsagePurpose::ClientAuth;
    for (what, pair, reason) in [
        ("of nobody", None, "peer sent no certificates"),
        ("of a stranger", Some(Authority::new().certify("alice")), "invalid peer certificate"),
        ("of last year", Some(authority.issue("alice", client, 2021)), "certificate expired"),
        (
            "of a server",
            Some(authority.issue("alice", ExtendedKeyUsagePurpose::ServerAuth, 4000)),
            "client authentication",
        ),
    ] {
        for version in [&TLS12, &TLS13] {
            let mut stream = match &pair {
                Some((certificate, key)) => tls.connect_as(version, certificate.clone(), key.clone_key()),
                None => tls.connect(),
            };
            let address = stream.sock.local_addr().expect("it is connected").to_string();
            stream.read(&mut [0]).expect_err(what);
            let line = tls.server.logged(&["INFO", "closed before it had a name", &address]);
            assert!(line.contains(reason), "{what}: {line}");
        }
    }
    alice.say(&ClientMessage::Ping(chatcore::wire::Ping { nonce: 9 }));
    assert!(matches!(alice.take_beside_acks(), HubMessage::Pong(_)), "nobody else notices");
}

#[test]
fn more_certificates_than_a_handshake_may_have_are_refused_and_nobody_else_notices() {
    let (authority, folder) = (Authority::new(), folder());
    let mut tls = authority.server(&folder, &["--certificate-users", "yes", "--log-origin-lines-per-s", "0"]);
    let mut bob = Peer::registered(tls.server.address(), "bob");
    let (others, large) = (authority.certify("others").0, authority.large(21_000));
    for version in [&TLS12, &TLS13] {
        let chain = |others_count| {
            let (certificate, key) = authority.certify("alice");
            let chain = [vec![certificate], vec![others.clone(); others_count]].concat();
            tls.connect_with_chain(version, chain, key)
        };
        assert!(ask(chain(3), "alice").is_ok(), "so many may be");
        let too_many = (chain(4), "the client shows 4 certificates beside its own: it must be at most 3");
        let too_long = (tls.connect_as(version, large.0.clone(), large.1.clone_key()), "must be shorter");
        for (mut stream, reason) in [too_many, too_long] {
            let address = stream.sock.local_addr().expect("it is connected").to_string();
            assert!(matches!(stream.read(&mut [0]), Ok(0) | Err(_)), "{reason}");
            let line = tls.server.logged(&["INFO", "closed before it had a name", &address]);
            assert!(line.contains(reason), "{line}");
        }
    }
    bob.say(&ClientMessage::Ping(chatcore::wire::Ping { nonce: 9 }));
    assert!(matches!(bob.take_beside_acks(), HubMessage::Pong(_)));
}

#[test]
fn settings_of_certificates_that_do_not_fit_are_named_with_what_would_be_right() {
    let folder = folder();
    let path = |name: &str, text: &str| {
        let path = folder.path().join(name);
        fs::write(&path, text).expect("the folder is ours");
        path.to_str().expect("it is text").to_string()
    };
    let (ca, empty) = (path("ca.pem", &Authority::new().certificate), path("empty.pem", ""));
    let signed = rcgen::generate_simple_self_signed(["localhost".into()]).expect("it is a name");
    let (cert, key) = (path("cert.pem", &signed.cert.pem()), path("key.pem", &signed.signing_key.serialize_pem()));
    let tls = ["--tls-cert", &cert, "--tls-key", &key];
    for (flags, expected) in [
        (vec!["--tls-client-ca", &ca], "tls_client_ca needs tls_cert and tls_key"),
        ([&tls[..], &["--tls-client-ca", &empty]].concat(), "there is no certificate in it"),
        ([&tls[..], &["--tls-client-auth", "required"]].concat(), "tls_client_ca must say who issues"),
        ([&tls[..], &["--certificate-users", "yes"]].concat(), "certificate_users needs tls_client_ca"),
        (vec!["--guests", "no"], "password_file, unix_users or certificate_users"),
    ] {
        let output =
            Command::new(PROGRAM).args(&flags).arg("--check-config").stdin(Stdio::null()).output().expect("it runs");
        let words = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{flags:?}: {words}");
        assert!(words.contains(expected), "{flags:?}: {words}");
    }
}
