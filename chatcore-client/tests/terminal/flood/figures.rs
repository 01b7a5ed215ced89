//! What a flood costs the program, and how long a key waits in it.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use super::super::pty::Terminal;
use super::{alice, echo, flood, newest, resident};

/// The time of the processor that the program has used.
fn used(terminal: &Terminal) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{}/stat", terminal.child.id())).unwrap();
    // Behind the name, which may have blanks: the 12th and 13th field are hundredths of a second.
    let fields: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
    Duration::from_millis(10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()))
}

#[test]
fn figures() {
    const COUNT: usize = 200_000;
    let (server, terminal) = alice();
    println!("resident before: {} kB", resident(&terminal) >> 10);
    let (flooding, begun, used_before) = (flood(&server, COUNT), Instant::now(), used(&terminal));
    terminal.until("the flood", |screen| newest(screen).is_some());
    let (mut typed, mut times) = (String::new(), Vec::new());
    while !flooding.is_finished() {
        if typed.len() == 20 {
            typed.clear();
            terminal.types("\x15");
            terminal.prompts("#lobby>");
        }
        let asked = Instant::now();
        echo(&terminal, &mut typed, 'x');
        times.push(asked.elapsed());
        thread::park_timeout(Duration::from_millis(30));
    }
    terminal.until("all messages", |screen| newest(screen) == Some(COUNT - 1));
    let (took, cpu) = (begun.elapsed(), used(&terminal).saturating_sub(used_before));
    times.sort();
    let part = |of: usize| times[(times.len() * of / 1_000).min(times.len() - 1)];
    println!(
        "{COUNT} messages in {took:.1?}: {:.0} a second, {:.0} % of a core, resident {} kB; {} echoes: p50 {:.1?}, p99 {:.1?}, \
         max {:.1?}",
        f64::from(u32::try_from(COUNT).unwrap()) / took.as_secs_f64(),
        100.0 * cpu.as_secs_f64() / took.as_secs_f64(),
        resident(&terminal) >> 10,
        times.len(),
        part(500),
        part(990),
        part(1_000),
    );
    terminal.types("\x15");
    terminal.prompts("#lobby>");
    let asked = Instant::now();
    terminal.types([b"\x1b[200~".as_slice(), &vec![b'x'; 1 << 20], b"\x1b[201~"].concat());
    terminal.has("bytes are too long");
    println!("a paste of 1 MB is refused after {:.1?}", asked.elapsed());
}
