//! What a server says to whom it has no room for, before anything of theirs is read.

/// A record with the alert `internal_error`, as it is before the keys are known (RFC 8446, 5.1 and 6): it stands for
/// whatever the server cannot do.
pub(crate) const NO_ROOM_IN_TLS: &[u8] = &[21, 3, 3, 0, 2, 2, 80];

/// An answer of HTTP that comes before the request is read (RFC 9110, 15.6.4).
pub(crate) const NO_ROOM_IN_HTTP: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 10\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
