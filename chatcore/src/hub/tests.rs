//! What only the inside of a hub can tell.
