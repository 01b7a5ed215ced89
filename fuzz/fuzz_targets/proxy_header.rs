//! See `chatcore_fuzz::proxy_header`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::proxy_header(data));
