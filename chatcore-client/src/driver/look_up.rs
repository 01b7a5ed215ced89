//! Looking names up, without waiting for it, or not for longer than wanted.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, sync_channel};
use std::thread;
use std::time::Duration;

use crate::endpoint::{Resolve, addresses};

/// Looks names up, one at a time, on a thread of its own: a resolver can take a minute, and nothing can stop it.
#[derive(Debug)]
pub(super) struct LookUps {
    resolver: Arc<dyn Resolve>,
    running: Option<LookUp>,
}

/// One that is under way.
#[derive(Debug)]
struct LookUp {
    host: String,
    port: u16,
    answer: Receiver<io::Result<Vec<SocketAddr>>>,
}

impl LookUp {
    fn begin(resolver: &Arc<dyn Resolve>, host: &str, port: u16) -> io::Result<Self> {
        let (sender, answer) = sync_channel(1);
        let (resolver, name) = (Arc::clone(resolver), host.to_owned());
        thread::Builder::new().name("chatcore look-up".into()).spawn(move || {
            // Nobody may wait for it any more.
            let _ = sender.send(addresses(&*resolver, &name, port));
        })?;
        Ok(Self { host: host.to_owned(), port, answer })
    }
}

/// A resolver for whoever waits: what another one does not find in time is not found.
#[derive(Debug)]
pub(crate) struct Within {
    resolver: Arc<dyn Resolve>,
    time_max: Duration,
}

impl Within {
    pub(crate) fn new(resolver: Arc<dyn Resolve>, time_max: Duration) -> Self {
        Self { resolver, time_max }
    }
}

impl Resolve for Within {
    fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let look_up = LookUp::begin(&self.resolver, host, port)?;
        match look_up.answer.recv_timeout(self.time_max) {
            Ok(found) => found,
            Err(RecvTimeoutError::Timeout) => Err(too_late(self.time_max)),
            Err(RecvTimeoutError::Disconnected) => Err(panicked()),
        }
    }
}

/// That a name was not found in time.
pub(super) fn too_late(time_max: Duration) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("the system has not found it within {time_max:?}"))
}

fn panicked() -> io::Error {
    io::Error::other("the resolver panicked")
}

impl LookUps {
    pub(super) const fn new(resolver: Arc<dyn Resolve>) -> Self {
        Self { resolver, running: None }
    }

    /// The addresses of a name; none if they are not found yet. The first call begins the look-up. If one is under way
    /// already for the same name, which nobody waited for to its end, its answer will do. One for another name is
    /// waited for first.
    pub(super) fn poll(&mut self, host: &str, port: u16) -> Option<io::Result<Vec<SocketAddr>>> {
        let answer = match &self.running {
            Some(look_up) => match look_up.answer.try_recv() {
                Ok(answer) => Some(answer),
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Some(Err(panicked())),
            },
            None => None,
        };
        let answered = self.running.take().is_some_and(|look_up| look_up.host == host && look_up.port == port);
        match answer {
            Some(answer) if answered => Some(answer),
            _ => match LookUp::begin(&self.resolver, host, port) {
                Ok(look_up) => {
                    self.running = Some(look_up);
                    None
                }
                Err(error) => Some(Err(error)),
            },
        }
    }

    /// Forgets an answer that came after nobody waited for it any more: it is old by now.
    pub(super) fn forget_answer(&mut self) {
        self.running.take_if(|look_up| !matches!(look_up.answer.try_recv(), Err(TryRecvError::Empty)));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, SyncSender};
    use std::time::{Duration, Instant};

    use super::*;

    /// Tells which name it is asked for, and answers with a port when it is let.
    #[derive(Debug)]
    struct Held {
        asked: SyncSender<String>,
        answers: Mutex<Receiver<u16>>,
    }

    impl Resolve for Held {
        fn resolve(&self, host: &str, _port: u16) -> io::Result<Vec<SocketAddr>> {
            self.asked.send(host.into()).unwrap();
            let port = self.answers.lock().unwrap().recv().unwrap();
            Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
        }
    }

    fn held() -> (LookUps, Receiver<String>, SyncSender<u16>) {
        let (asked, names) = sync_channel(8);
        let (ports, answers) = sync_channel(8);
        (LookUps::new(Arc::new(Held { asked, answers: Mutex::new(answers) })), names, ports)
    }

    fn port(look_ups: &mut LookUps, host: &str) -> u16 {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            if let Some(answer) = look_ups.poll(host, 1) {
                return answer.unwrap()[0].port();
            }
            assert!(Instant::now() < deadline, "it comes");
            thread::yield_now();
        }
    }

    #[test]
    fn one_name_is_looked_up_at_a_time() {
        let (mut look_ups, names, ports) = held();
        assert!(look_ups.poll("a.example", 1).is_none(), "it does not wait");
        assert!(look_ups.poll("a.example", 1).is_none() && look_ups.poll("b.example", 1).is_none());
        assert_eq!(names.recv().unwrap(), "a.example");
        assert!(names.try_recv().is_err(), "the other one waits");
        ports.send(7).unwrap();
        ports.send(8).unwrap();
        assert_eq!(port(&mut look_ups, "b.example"), 8, "the answer for another name is not taken for it");
        assert_eq!(names.recv().unwrap(), "b.example");
    }

    #[test]
    fn an_answer_that_came_too_late_is_old() {
        let (mut look_ups, names, ports) = held();
        assert!(look_ups.poll("a.example", 1).is_none());
        look_ups.forget_answer();
        ports.send(7).unwrap();
        assert_eq!(port(&mut look_ups, "a.example"), 7, "one that is under way still is");
        assert!(look_ups.poll("a.example", 1).is_none());
        assert_eq!((names.recv().unwrap(), names.recv().unwrap()), ("a.example".into(), "a.example".into()));
        ports.send(8).unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        while look_ups.running.is_some() {
            look_ups.forget_answer();
            assert!(Instant::now() < deadline, "it comes");
            thread::yield_now();
        }
        ports.send(9).unwrap();
        assert_eq!(port(&mut look_ups, "a.example"), 9, "it is looked up anew");
    }
}
