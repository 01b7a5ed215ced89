//! How long a name may be, which characters have a meaning around names, and of which version the tables are.

/// The most bytes of a mapped name of a user. A room's name has one more, its `#`.
pub const NAME_BYTES_MAX: usize = 32;

/// The most bytes of a spelling: a name as somebody typed it. Mapping shortens a spelling: the widest
/// spelling of a name of 32 bytes is shorter than this.
pub const SPELLING_BYTES_MAX: usize = 128;

/// What every room's name begins with, and no user's.
pub(crate) const ROOM_SIGN: char = '#';

/// Characters that no name holds, because they have a meaning around names.
pub(super) const RESERVED: [char; 3] = ['#', '@', ':'];

/// The version of Unicode by which the core maps and judges names: major, minor, patch. All tables are of this version.
pub const UNICODE_VERSION: (u8, u8, u8) = (18, 0, 0);
