//! Files of a program's own, over real sockets: what reads slowly, and what comes in crowds.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use chatcore::Limits;
use chatcore_server::{Config, DriverLimits, Files, Handle};

use crate::support::{PATIENCE, connect};

/// More than the sockets hold between the two.
const LONG_BYTES: usize = 32 << 20;

/// A server in this process, one of whose files is long.
struct Own {
    address: SocketAddr,
    handle: Handle,
    running: Option<JoinHandle<()>>,
}

impl Own {
    fn start(limits: Limits, driver: DriverLimits) -> Self {
        let long = vec![b'x'; LONG_BYTES];
        let files = Files::default().with_file("/long", "text/plain", long).expect("it is a file");
        let files = files.with_file("/short", "text/plain", b"short".as_slice()).expect("it is a file");
        let config = Config::default().with_listen(["ws://127.0.0.1:0"]).with_files(Some(files));
        let server = chatcore_server::Server::bind(config.with_limits(limits).with_driver(driver)).expect("it listens");
        assert!(server.page_addresses().is_empty(), "there is no page, only other files");
        let (address, handle) = (server.local_addrs()[0], server.handle());
        let running = Some(thread::spawn(move || server.run().expect("the system can poll")));
        Self { address, handle, running }
    }

    fn ask(&self, path: &str) -> TcpStream {
        let mut stream = connect(self.address);
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())
            .expect("the server reads");
        stream
    }

    /// Until it answers who comes next.
    fn wait_for_room(&self) {
        let by = Instant::now() + PATIENCE;
        while !Self::told(self.ask("/short")).ends_with(b"short") {
            assert!(Instant::now() < by, "there is no room");
        }
    }

    /// What it says to a request, as far as it goes.
    fn told(mut stream: TcpStream) -> Vec<u8> {
        let mut told = Vec::new();
        // Who was too slow may be reset.
        let _ = stream.read_to_end(&mut told);
        told
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        self.handle.shut_down();
        let running = self.running.take().expect("it is joined once");
        assert!(running.join().is_ok() || thread::panicking(), "the server has panicked");
    }
}

/// The first bytes of an answer: from then on a slow reader has begun to be one.
fn begun(mut stream: TcpStream) -> TcpStream {
    let mut status = [0; 12];
    stream.read_exact(&mut status).expect("the server answers");
    assert_eq!(&status, b"HTTP/1.1 200");
    stream
}

#[test]
fn a_long_file_arrives_as_a_whole_even_after_the_end_of_the_request() {
    // The end of its answer ends a connection, and not its time.
    let limits = Limits::default().with_handshake_time_max(Duration::from_secs(3_600));
    let server = Own::start(limits, DriverLimits::default());
    let slow = begun(server.ask("/long"));
    let half_closed = server.ask("/long");
    half_closed.shutdown(Shutdown::Write).expect("it is open");
    assert!(Own::told(server.ask("/short")).ends_with(b"\r\n\r\nshort"), "one that does not read holds nobody up");
    for mut stream in [slow, half_closed] {
        let mut told = Vec::new();
        stream.read_to_end(&mut told).expect("the server closes in an orderly way");
        let body = told.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("it has a head") + 4;
        assert_eq!(told.len() - body, LONG_BYTES);
        assert!(told[body..].iter().all(|byte| *byte == b'x'));
    }
}

#[test]
fn who_fetches_counts_among_those_without_a_name() {
    let driver = DriverLimits::default().with_uncounted_origins([]).with_handshakes_of_origin_max(3);
    let server = Own::start(Limits::default(), driver);
    let slow: Vec<TcpStream> = (0..3).map(|_| begun(server.ask("/long"))).collect();
    let told = Own::told(server.ask("/short"));
    assert!(told.starts_with(b"HTTP/1.1 503 "), "{}", String::from_utf8_lossy(&told));
    drop(slow);
    // The server notices that they are gone when it looks at them next.
    server.wait_for_room();
}

#[test]
fn who_reads_too_slowly_is_cut_off_in_the_time_of_a_handshake() {
    let limits = Limits::default().with_handshake_time_max(Duration::from_secs(1));
    let driver = DriverLimits::default().with_uncounted_origins([]).with_handshakes_of_origin_max(1);
    let server = Own::start(limits, driver);
    let slow = begun(server.ask("/long"));
    server.wait_for_room();
    let told = Own::told(slow).len();
    assert!(told < LONG_BYTES, "{told} bytes came");
}

#[test]
fn thousands_of_requests_leave_nothing_behind() {
    let server = Own::start(Limits::default(), DriverLimits::default().with_connections_max(8));
    for _ in 0..2_000 {
        let told = Own::told(server.ask("/short"));
        assert!(told.ends_with(b"\r\n\r\nshort"), "{}", String::from_utf8_lossy(&told));
    }
}
