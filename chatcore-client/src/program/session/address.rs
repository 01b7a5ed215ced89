//! From the command line to an endpoint.

use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::{ConnectError, Endpoint, Tls, TlsError};

use crate::program::args::Args;
use crate::program::failure::Failure;
use crate::program::files::{self, Links};

/// Bytes of a file of certificates or of a key, at the most: the authorities of a whole system take some 300 kB.
const PEM_BYTES_MAX: u64 = 4 << 20;

/// The permission to read of everybody but the owner and the group, and to write of everybody but the owner. Where a
/// machine gives keys to a service, the group can read them.
const KEY_OPEN: u32 = 0o026;

/// Where to connect to, and whom to trust there.
pub(super) fn endpoint(args: &Args) -> Result<Endpoint, Failure> {
    let endpoint: Endpoint = args.address().parse().map_err(ConnectError::from)?;
    let certificate = args.cert.as_deref().zip(args.key.as_deref());
    if args.ca.is_none() && certificate.is_none() {
        return Ok(endpoint);
    }
    if !endpoint.is_encrypted() {
        let flag = if args.ca.is_some() { "--ca" } else { "--cert" };
        return Err(Failure::NoTls { flag, address: endpoint.to_string() });
    }
    let mut tls = match args.ca.as_deref() {
        Some(ca) => Tls::trusting(&read(ca, |_| None)?).map_err(|error| unusable(ca, &error))?,
        None => Tls::of_system().map_err(|source| ConnectError::Trust { address: endpoint.to_string(), source })?,
    };
    if let Some((certificate, key)) = certificate {
        tls = tls.with_certificate(&read(certificate, |_| None)?, &read(key, open_key)?).map_err(
            |error| match error {
                TlsError::NoKey | TlsError::KeySyntax(_) => unusable(key, &error),
                error => unusable(certificate, &error),
            },
        )?;
    }
    Ok(endpoint.with_tls(tls))
}

/// What a regular file holds, unless something is wrong with it.
fn read(path: &Path, fault: impl FnOnce(&Metadata) -> Option<&'static str>) -> Result<Vec<u8>, Failure> {
    let bytes = files::open(path, OpenOptions::new().read(true), Links::Followed).and_then(|(file, metadata)| {
        match fault(&metadata) {
            Some(fault) => Err(io::Error::other(format!("{fault}: chmod 600 {} makes it yours alone", path.display()))),
            None => files::read(file, PEM_BYTES_MAX),
        }
    });
    bytes.map_err(|error| Failure::File { path: path.into(), why: error.to_string() })
}

/// Whoever has the key is its owner for every server.
fn open_key(metadata: &Metadata) -> Option<&'static str> {
    (metadata.mode() & KEY_OPEN != 0).then_some("others can use the key, too")
}

fn unusable(path: &Path, error: &TlsError) -> Failure {
    Failure::File { path: path.into(), why: error.to_string() }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;

    use nix::sys::stat::Mode;
    use nix::unistd::mkfifo;

    use super::*;

    #[test]
    fn what_is_no_file_of_certificates_keeps_nobody_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let told = |name: &str| read(&path(name), |_| None).unwrap_err().to_string();
        mkfifo(&path("pipe"), Mode::from_bits_truncate(0o600)).unwrap();
        assert!(told("pipe").ends_with("pipe: is no regular file"), "{}", told("pipe"));
        fs::File::create(path("large")).unwrap().set_len(PEM_BYTES_MAX + 1).unwrap();
        assert!(told("large").ends_with("large: has more than 4194304 bytes"), "{}", told("large"));
        assert!(told("nothing").contains("nothing: No such file"), "{}", told("nothing"));
    }

    #[test]
    fn a_key_is_not_for_everybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        fs::write(&path, "key").unwrap();
        for (bits, is_right) in
            [(0o600, true), (0o400, true), (0o640, true), (0o644, false), (0o660, false), (0o602, false)]
        {
            fs::set_permissions(&path, Permissions::from_mode(bits)).unwrap();
            let bytes = read(&path, open_key);
            assert_eq!(bytes.is_ok(), is_right, "{bits:o}");
            if let Err(error) = bytes {
                assert!(error.to_string().contains("key: others can use the key, too: chmod 600 "), "{error}");
            }
            assert!(read(&path, |_| None).is_ok(), "a certificate may be seen by all");
        }
    }
}
