//! Unix sockets in the file system: whose file it is, and who may connect.

use std::fs::{self, Metadata, Permissions};
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use mio::net::UnixListener;
use socket2::{Domain, SockAddr, Socket, Type};

use super::{BACKLOG, BindError};

/// A listener at a path. The file goes with it.
#[derive(Debug)]
pub(crate) struct UnixSocket {
    pub(crate) listener: UnixListener,
    pub(super) path: PathBuf,
    /// The device and the number of the file, so that another server's is left alone.
    file: (u64, u64),
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| id(&found) == self.file) {
            // Nobody is there who could be told.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn id(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

pub(super) fn listen(path: &Path, mode: u32) -> Result<UnixSocket, BindError> {
    let failed = |source| BindError::ListenUnix { path: path.into(), source };
    let address = SockAddr::unix(path).map_err(failed)?;
    make_way(path, &address)?;
    let bind = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address)?;
        // Nobody can connect before the socket listens, so nobody does whom the mode keeps away.
        fs::set_permissions(path, Permissions::from_mode(mode))?;
        socket.listen(BACKLOG)?;
        let file = id(&fs::symlink_metadata(path)?);
        Ok(UnixSocket { listener: UnixListener::from_std(OwnedFd::from(socket).into()), path: path.into(), file })
    };
    bind().map_err(failed)
}

/// Removes the socket of a server that is gone. Anything else at the path is left alone.
fn make_way(path: &Path, address: &SockAddr) -> Result<(), BindError> {
    let failed = |source| BindError::ListenUnix { path: path.into(), source };
    let found = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        found => found.map_err(failed)?,
    };
    if !found.file_type().is_socket() {
        return Err(BindError::NoSocket { path: path.into() });
    }
    let probe = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    // A server whose queue is full would keep us waiting.
    probe.set_nonblocking(true).map_err(failed)?;
    match probe.connect(address) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(failed),
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(failed(error)),
        _ => Err(failed(io::ErrorKind::AddrInUse.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder() -> tempfile::TempDir {
        tempfile::tempdir().expect("there is a place for temporary files")
    }

    #[test]
    fn a_socket_has_its_mode_and_goes_with_its_listener() {
        let folder = folder();
        let path = folder.path().join("chat.sock");
        let socket = listen(&path, 0o620).expect("nothing is there");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn what_a_server_left_behind_is_replaced() {
        let folder = folder();
        let path = folder.path().join("chat.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).expect("nothing is there"));
        assert!(path.exists(), "std leaves the file");
        listen(&path, 0o600).expect("nobody serves there");
    }

    #[test]
    fn what_somebody_has_is_left_alone() {
        let folder = folder();
        let path = folder.path().join("chat.sock");
        let held = listen(&path, 0o600).expect("nothing is there");
        let error = listen(&path, 0o600).expect_err("somebody serves there");
        assert!(error.to_string().contains("is in use"), "{error}");
        assert!(path.exists());

        // Its file was replaced meanwhile.
        fs::remove_file(&path).unwrap();
        fs::write(&path, "a file").unwrap();
        drop(held);
        for error in [listen(&path, 0o600), listen(folder.path(), 0o600)].map(Result::unwrap_err) {
            assert!(error.to_string().contains("is no socket"), "{error}");
        }
        assert_eq!(fs::read(&path).unwrap(), b"a file");
    }

    #[test]
    fn a_path_that_cannot_be_is_named() {
        let folder = folder();
        for path in [folder.path().join("none/chat.sock"), folder.path().join("x".repeat(200))] {
            let error = listen(&path, 0o600).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot listen on {}: ", path.display())), "{error}");
        }
    }
}
