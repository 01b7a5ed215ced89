//! The WebSocket protocol: the opening and the framing, with every rule, every cut, and beside somebody else's.

mod close;
mod cuts;
mod files;
mod frames;
mod messages;
mod peer;
mod tungstenite;
mod upgrade;
mod writing;
