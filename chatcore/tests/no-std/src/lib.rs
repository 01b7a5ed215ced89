//! See Cargo.toml.

#![no_std]

use core::panic::PanicInfo;
use core::time::Duration;

use chatcore::UserName;

#[path = "../../../examples/serial_no_std/firmware.rs"]
mod firmware;
#[path = "../../../examples/serial_no_std/gateway.rs"]
mod gateway;
#[path = "../../../examples/serial_no_std/greenhouse.rs"]
mod greenhouse;

/// Stands where a device would have its own.
#[cfg(not(target_family = "wasm"))]
mod no_memory {
    use core::alloc::{GlobalAlloc, Layout};

    struct NoMemory;

    // SAFETY: an allocator may always have nothing to give; what it never gave is never returned.
    unsafe impl GlobalAlloc for NoMemory {
        unsafe fn alloc(&self, _: Layout) -> *mut u8 {
            core::ptr::null_mut()
        }

        unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
    }

    #[global_allocator]
    static ALLOCATOR: NoMemory = NoMemory;
}

#[cfg(target_family = "wasm")]
#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    #[cfg(target_family = "wasm")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_family = "wasm"))]
    loop {}
}

/// Keeps the tables for names in the program.
#[unsafe(no_mangle)]
pub extern "C" fn key_bytes() -> usize {
    UserName::new("Zoë").map_or(0, |name| name.confusable_key().len())
}

/// How many reports of the device of the example `serial_no_std` come within some minutes, in the last of which its
/// line is pulled out for a while: the first, one after each minute, and one that is asked for.
#[unsafe(no_mangle)]
pub extern "C" fn reports(minutes: u32) -> usize {
    let mut greenhouse = greenhouse::Greenhouse::new();
    greenhouse.run(Duration::from_secs(60) * minutes - Duration::from_secs(10));
    greenhouse.line.pull(true);
    greenhouse.run(Duration::from_secs(20));
    greenhouse.line.pull(false);
    greenhouse.run(Duration::from_secs(20));
    greenhouse.gateway.ask(greenhouse.now);
    greenhouse.run(Duration::from_secs(1));
    greenhouse.gateway.reports.len()
}

/// Runs this many seeds from this one on: what `simulate` shows as their trace. Both ends of the core are in it.
#[unsafe(no_mangle)]
pub extern "C" fn trace(first: u64, runs: u64) -> u64 {
    let trace = |seed| chatcore::sim::run(seed).expect("every promise is kept").trace;
    (first..first + runs).fold(0, |all, seed| all ^ trace(seed))
}
