//! See Cargo.toml.

#![no_std]

use core::alloc::{GlobalAlloc, Layout};
use core::panic::PanicInfo;

use chatcore::{Client, ClientConfig, Hub, Instant, Limits, UserName};

/// Stands where a device would have its own.
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

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Keeps both ends of the core in the program, and the tables for names.
#[unsafe(no_mangle)]
pub extern "C" fn run() -> usize {
    let hub = Hub::new(Limits::default(), [0; 32]);
    let mut client = Client::new(Instant::ZERO, ClientConfig::default(), 0);
    let names = UserName::new("Zoë").map_or(0, |name| name.confusable_key().len());
    client.poll_transmit().count() + hub.users() + names
}
