//! From the command line to an endpoint.

use std::fs;
use std::path::Path;

use crate::{ConnectError, Endpoint, Tls, TlsError};

use crate::program::args::Args;
use crate::program::failure::Failure;

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
        Some(ca) => Tls::trusting(&read(ca)?).map_err(|error| unusable(ca, &error))?,
        None => Tls::of_system().map_err(|source| ConnectError::Trust { address: endpoint.to_string(), source })?,
    };
    if let Some((certificate, key)) = certificate {
        tls = tls.with_certificate(&read(certificate)?, &read(key)?).map_err(|error| match error {
            TlsError::NoKey | TlsError::KeySyntax(_) => unusable(key, &error),
            error => unusable(certificate, &error),
        })?;
    }
    Ok(endpoint.with_tls(tls))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::File { path: path.into(), why: error.to_string() })
}

fn unusable(path: &Path, error: &TlsError) -> Failure {
    Failure::File { path: path.into(), why: error.to_string() }
}
