//! See `chatcore_fuzz::session_operations`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::session_operations(data));
