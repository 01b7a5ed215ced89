//! See Cargo.toml.

#![no_std]

use core::panic::PanicInfo;

use chatcore::UserName;

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

/// Runs this many seeds from this one on: what `simulate` shows as their trace. Both ends of the core are in it.
#[unsafe(no_mangle)]
pub extern "C" fn trace(first: u64, runs: u64) -> u64 {
    let trace = |seed| chatcore::sim::run(seed).expect("every promise is kept").trace;
    (first..first + runs).fold(0, |all, seed| all ^ trace(seed))
}
