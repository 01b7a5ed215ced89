//! From settings to a server that listens.

use std::io;

use super::settings::Loaded;
use crate::{BindError, Server};

/// Listens. Somebody may have the port of the page that nobody has asked for, such as another server of this user: then
/// the server goes on without.
pub(super) fn bind(loaded: &mut Loaded) -> Result<Server, BindError> {
    match Server::bind(loaded.settings.config()) {
        // The address of the page is the last of all.
        Err(BindError::Listen { address, source })
            if source.kind() == io::ErrorKind::AddrInUse
                && loaded.has_default_page_listen()
                && loaded.settings.is_page_at(address) =>
        {
            tracing::warn!(
                "there is no page for browsers: {address} is in use; --page-listen '127.0.0.1:0?resume=10m' lets the system \
                 choose a port"
            );
            loaded.settings.leave_out_page_listen();
            Server::bind(loaded.settings.config())
        }
        bound => bound,
    }
}

#[cfg(all(test, feature = "page"))]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Settings with these addresses, one of which was given if the other one was not.
    fn loaded(page_listen: &str, is_given: bool) -> Loaded {
        let flags = ["--page-listen", page_listen];
        let mut loaded = Loaded::of_flags(if is_given { &flags } else { &[] });
        loaded.settings.move_default_addresses("127.0.0.1:0", page_listen);
        loaded
    }

    #[test]
    fn a_server_goes_on_without_the_page_that_nobody_has_asked_for_if_its_address_is_in_use() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = taken.local_addr().expect("it listens").to_string();
        let mut settings = loaded(&format!("{address}?resume=10m"), false);
        let server = bind(&mut settings).expect("it listens elsewhere");
        assert_eq!((server.endpoints().len(), server.page_addresses().len()), (1, 0));
        assert!(!settings.has_default_page_listen(), "a reload does not want it back");
    }

    #[test]
    fn a_server_has_the_page_that_nobody_has_asked_for_if_its_address_is_free() {
        let mut settings = loaded("127.0.0.1:0", false);
        let server = bind(&mut settings).expect("the system chooses ports that are free");
        let address = server.endpoints()[1].socket_addr().expect("it has a port");
        assert_eq!(server.page_addresses(), [format!("http://{address}/")]);
        assert!(settings.has_default_page_listen());
    }

    #[test]
    fn an_address_that_was_given_for_the_page_or_is_not_for_it_is_an_error_if_it_is_in_use() {
        let taken = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
        let address = taken.local_addr().expect("it listens").to_string();
        assert!(matches!(bind(&mut loaded(&address, true)), Err(BindError::Listen { .. })));
        let mut settings = loaded("127.0.0.1:0", false);
        settings.settings.move_default_addresses(&address, "127.0.0.1:0");
        assert!(matches!(bind(&mut settings), Err(BindError::Listen { .. })));
    }
}
