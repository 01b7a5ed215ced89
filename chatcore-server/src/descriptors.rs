//! Descriptors: each connection is one, and the system bounds how many a process has.

use std::io;

#[cfg(unix)]
use nix::fcntl::{FcntlArg, fcntl};
#[cfg(unix)]
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit, setrlimit};

/// Descriptors for other things than connections and listeners: standard streams, the poll and its waker, pipes of
/// signals and of the log, files that are read now and then.
const OTHERS: usize = 16;

/// Descriptors for which the system's table has room from the start, at the most: half a megabyte of it.
#[cfg(unix)]
const PREPARED_MAX: usize = 1 << 16;

/// Lets this process have as many open files as the system allows it: raises the soft limit (`RLIMIT_NOFILE`) to the
/// hard one. Returns how many these are; none if there is no limit. A [`Server`](crate::Server) that starts after that
/// has as many connections as that limit leaves room for. On other systems than Unix this does nothing.
///
/// # Errors
///
/// What the system says.
///
/// ```
/// let open_files = chatcore_server::raise_open_files()?;
/// assert!(open_files.is_none_or(|open_files| open_files > 3));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn raise_open_files() -> io::Result<Option<u64>> {
    #[cfg(unix)]
    {
        let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
        if soft < hard {
            setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
        }
        Ok((hard != RLIM_INFINITY).then_some(hard))
    }
    #[cfg(not(unix))]
    Ok(None)
}

/// Connections that there may be beside so many listeners: as many as are wanted, if the system allows so many open
/// files.
pub(crate) fn connections_max(wanted: usize, listeners: usize) -> usize {
    let allowed =
        soft_limit().map_or(usize::MAX, |open_files| open_files.saturating_sub(OTHERS).saturating_sub(listeners));
    wanted.min(allowed).max(1)
}

/// Lets the system's table of descriptors have room for so many connections now. Linux makes the table of a program
/// with several threads longer only when no processor uses the old one any more, and whoever accepts the connection
/// that needs a longer one waits for that, 15 ms and more: nobody is to wait for it later.
#[cfg(unix)]
pub(crate) fn prepare(connections_max: usize) {
    let last = connections_max.saturating_add(OTHERS).min(PREPARED_MAX);
    let Ok(last) = i32::try_from(soft_limit().map_or(last, |open_files| open_files.min(last)) - 1) else { return };
    // If there is no such descriptor, the table grows as it is needed.
    let Ok(null) = std::fs::File::open("/dev/null") else { return };
    if let Ok(descriptor) = fcntl(&null, FcntlArg::F_DUPFD_CLOEXEC(last)) {
        let _ = nix::unistd::close(descriptor);
    }
}

/// Open files that the system allows this process; none if there is no limit that is known.
fn soft_limit() -> Option<usize> {
    #[cfg(unix)]
    {
        let (soft, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
        (soft != RLIM_INFINITY).then(|| usize::try_from(soft).unwrap_or(usize::MAX))
    }
    #[cfg(not(unix))]
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_no_more_connections_than_descriptors_and_at_least_one() {
        assert_eq!(connections_max(1, 1), 1);
        assert_eq!(connections_max(usize::MAX, usize::MAX), if soft_limit().is_some() { 1 } else { usize::MAX });
        if let Some(open_files) = soft_limit() {
            assert_eq!(connections_max(usize::MAX, 2), open_files - OTHERS - 2);
        }
    }
}
