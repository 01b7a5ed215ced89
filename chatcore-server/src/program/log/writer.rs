//! The thread that writes the log.

use std::io::{self, ErrorKind, Write};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;

use super::event::Content;
use super::layer::Shared;
use super::rates::WINDOW;

/// How long the thread waits when somebody has made its output one that does not wait by itself.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// Writes until the last batch. It waits for its readers as long as it must: nobody waits for it.
pub(super) fn write(shared: &Shared, mut output: impl Write) {
    let mut told_at = Instant::now();
    loop {
        let batch = shared.queue.take(WINDOW);
        let mut bytes: Vec<u8> = batch.lines.iter().flat_map(|line| line.bytes()).collect();
        let now = Instant::now();
        if batch.is_last || now.saturating_duration_since(told_at) >= WINDOW {
            told_at = now;
            for rest in shared.rates.take_rests(now) {
                let line = shared.style.line(*rest.metadata.level(), rest.metadata.target(), &rest.content);
                bytes.extend(line.bytes());
            }
        }
        if batch.dropped > 0 {
            let lines = if batch.dropped == 1 { "1 line was" } else { &format!("{} lines were", batch.dropped) };
            let message = format!("{lines} dropped: nobody read the log for a while");
            let content = Content { message, fields: Vec::new() };
            bytes.extend(shared.style.line(Level::WARN, module_path!(), &content).bytes());
        }
        // Whoever closes the log does not want it.
        let _ = write_all(&mut output, &bytes);
        if batch.is_last {
            return shared.queue.set_ended();
        }
    }
}

fn write_all(output: &mut impl Write, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match output.write(bytes) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::park_timeout(RETRY_AFTER),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, mpsc};

    use super::super::choice::Format;
    use super::super::line::Style;
    use super::super::queue::{LINES_MAX, Queue};
    use super::super::rates::{RateLimits, Rates};
    use super::*;

    /// An output that takes a write when it is told to.
    struct Slow {
        may: mpsc::Receiver<()>,
        written: mpsc::Sender<Vec<u8>>,
    }

    impl Write for Slow {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.written.send(bytes.to_vec()).map_err(io::Error::other)?;
            self.may.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_is_dropped_while_nobody_reads_is_told_after_what_was_kept() {
        let style = Style { format: Format::Text, is_coloured: false };
        let rates = Rates::new(RateLimits::default());
        let shared = Arc::new(Shared { style, queue: Queue::default(), rates });
        let ((let_go, may), (written, writes)) = (mpsc::channel(), mpsc::channel());
        let of_thread = Arc::clone(&shared);
        thread::spawn(move || write(&of_thread, Slow { may, written }));
        shared.queue.push("first\n".into());
        assert_eq!(writes.recv().unwrap(), b"first\n");
        // Nobody reads: one line is being written, and there is room for all but that.
        for _ in 0..LINES_MAX + 16 {
            shared.queue.push("kept\n".into());
        }
        let_go.send(()).unwrap();
        let text = String::from_utf8(writes.recv().unwrap()).unwrap();
        let (kept, last) = text.trim_end().rsplit_once('\n').unwrap();
        assert_eq!(kept.lines().count(), LINES_MAX - 1);
        assert!(last.contains("WARN 17 lines were dropped"), "{last}");
        let_go.send(()).unwrap();
        assert!(shared.queue.end(Duration::from_secs(60)), "there is nothing left to write");
    }
}
