//! See `chatcore_fuzz::client_input`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::client_input(data));
