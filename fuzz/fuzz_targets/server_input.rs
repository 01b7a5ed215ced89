//! See `chatcore_fuzz::server_input`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::server_input(data));
