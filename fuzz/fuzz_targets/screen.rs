//! See `chatcore_fuzz::screen`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::screen(data));
