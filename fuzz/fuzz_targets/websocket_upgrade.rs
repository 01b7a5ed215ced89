//! See `chatcore_fuzz::websocket_upgrade`.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| chatcore_fuzz::websocket_upgrade(data));
