//! Any bytes before all else of a connection from a proxy.

use chatcore_transport::{PROXY_HEADER_BYTES_MAX, Proxied, ProxyReader};

/// The first byte says in which pieces the others arrive. However they are cut, the same comes of them, of the same
/// bytes at their front. A header is bounded, and nothing after it is looked at.
pub fn proxy_header(data: &[u8]) {
    let [piece, input @ ..] = data else { return };
    let whole = read(input, usize::MAX);
    assert_eq!(read(input, usize::from(*piece) + 1), whole, "the same bytes, cut otherwise");
    let (outcome, used) = whole;
    assert!(used <= input.len().min(PROXY_HEADER_BYTES_MAX), "a header is bounded");
    match outcome {
        Ok(Some(proxied)) => {
            assert!(proxied.source.is_some() || !proxied.is_encrypted, "of nobody nothing is known");
            assert_eq!(read(&input[..used], usize::MAX), (Ok(Some(proxied)), used), "nothing after it counts");
        }
        Ok(None) => assert_eq!(used, input.len(), "all is looked at while the header is not whole"),
        Err(_) => {}
    }
}

/// What comes of it, and how many bytes are used.
fn read(input: &[u8], piece_max: usize) -> (Result<Option<Proxied>, String>, usize) {
    let (mut reader, mut used) = (ProxyReader::default(), 0);
    while used < input.len() {
        assert!(reader.wanted() > 0, "it waits for something");
        let end = input.len().min(used.saturating_add(piece_max.min(reader.wanted())));
        match reader.receive(&input[used..end]) {
            Ok(None) => used = end,
            // What is seen of a fault depends on the cut, but not that it is one.
            Err(_) => return (Err("no header".into()), 0),
            Ok(some) => return (Ok(some), end),
        }
    }
    (Ok(None), used)
}
