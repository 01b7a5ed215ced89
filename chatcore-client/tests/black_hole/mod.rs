//! Where nobody answers.

use std::io;
use std::net::SocketAddr;

use socket2::{Domain, Socket, Type};

/// Makes of this address one where nobody answers. Returns it, with its port if that was to be a free one, and what
/// keeps it so: a listener that has no room for anybody more.
///
/// # Errors
///
/// If somebody else has it.
pub(crate) fn black_hole(at: SocketAddr) -> io::Result<(SocketAddr, Vec<Socket>)> {
    let socket = || Socket::new(Domain::for_address(at), Type::STREAM, None);
    let listener = socket()?;
    listener.bind(&at.into())?;
    listener.listen(0)?;
    let address = listener.local_addr()?;
    let mut sockets = vec![listener];
    for _ in 0..4 {
        let socket = socket()?;
        socket.set_nonblocking(true)?;
        // It stands, or waits like all that follow.
        let _ = socket.connect(&address);
        sockets.push(socket);
    }
    Ok((address.as_socket().expect("it is one of a network"), sockets))
}
