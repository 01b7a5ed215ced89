//! The examples of the crate, and what they show: that the core runs where its embedders need it.

#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/custom_transport.rs"]
mod custom_transport;
mod game;
#[expect(dead_code, reason = "a test needs no `main`")]
#[path = "../../examples/game_loop.rs"]
mod game_loop;
mod serial;
mod transport;
