//! What the fuzzer does with its bytes. Each target is a plain function, so that `cargo test` can run the
//! corpus through it without a fuzzer.

mod client_input;
mod configuration;
mod configuration_seeds;
mod heard;
mod hub_model;
mod hub_operations;
mod operation;
mod proxy_header;
mod proxy_seeds;
mod rates;
mod screen;
mod screen_seeds;
mod seed;
mod seeds;
mod server_input;
mod session_operations;
mod stream;
mod websocket_frames;
mod websocket_seeds;
mod websocket_upgrade;
mod written;

pub use client_input::client_input;
pub use configuration::configuration;
pub use hub_operations::hub_operations;
pub use operation::{Operation, UserMessage};
pub use proxy_header::proxy_header;
pub use screen::screen;
pub use seed::Seed;
pub use seeds::seeds;
pub use server_input::server_input;
pub use session_operations::{Happening, session_operations};
pub use websocket_frames::websocket_frames;
pub use websocket_upgrade::websocket_upgrade;

/// A target: its name, which is also its folder in the corpus, and what it does.
pub type Target = (&'static str, fn(&[u8]));

/// All targets.
pub const TARGETS: [Target; 9] = [
    ("server_input", server_input),
    ("client_input", client_input),
    ("hub_operations", hub_operations),
    ("session_operations", session_operations),
    ("websocket_frames", websocket_frames),
    ("websocket_upgrade", websocket_upgrade),
    ("configuration", configuration),
    ("proxy_header", proxy_header),
    ("screen", screen),
];
