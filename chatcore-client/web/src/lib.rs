//! The core's client for JavaScript: see `engine.rs`. The npm package in `js` is made of it.

#![no_std]

extern crate alloc;

mod encoding;
pub mod engine;
pub mod error;
mod events;
pub mod settings;

use core::panic::PanicInfo;

#[global_allocator]
static ALLOCATOR: dlmalloc::GlobalDlmalloc = dlmalloc::GlobalDlmalloc;

/// A panic becomes an exception. After it, no client of this module can go on: the package says so. Its place and its
/// words are left out: they, and what writes them, would be a sixth of the module.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    wasm_bindgen::throw_str("the client's program has a fault")
}
