//! See `chatcore_fuzz::hub_operations`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::hub_operations(data));
