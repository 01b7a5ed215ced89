//! Users who are told the same things: the members of a room, or those who watch one name.

use compact_str::CompactString;
use hashbrown::HashTable;
use slab::Slab;

use super::directory;

/// Circles by name. One comes into being with the first who enters it, and is gone with the last who leaves.
#[derive(Debug)]
pub(super) struct Circles {
    all: Slab<Circle>,
    by_name: HashTable<usize>,
    key: [u8; 16],
}

#[derive(Debug)]
struct Circle {
    name: CompactString,
    /// Sessions, each in a seat that it keeps for as long as it is here: so a listing by pages misses nobody.
    seats: Slab<usize>,
}

/// A session's place in a circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seat {
    circle: u32,
    number: u32,
}

impl Seat {
    pub(super) const fn circle(self) -> usize {
        self.circle as usize
    }
}

impl Circles {
    pub(super) fn new(key: [u8; 16]) -> Self {
        Self { all: Slab::new(), by_name: HashTable::new(), key }
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// The circle of this name, which is mapped.
    pub(super) fn find(&self, name: &str) -> Option<usize> {
        let hash = directory::hash(&self.key, name.as_bytes());
        self.by_name.find(hash, |circle| self.all[*circle].name == name).copied()
    }

    pub(super) fn name(&self, circle: usize) -> &str {
        &self.all[circle].name
    }

    /// How many sessions are in it.
    pub(super) fn members(&self, circle: usize) -> usize {
        self.all[circle].seats.len()
    }

    /// Seats that may be taken: numbers below this.
    pub(super) fn seats(&self, circle: usize) -> usize {
        self.all[circle].seats.capacity()
    }

    /// Who has this seat, if anybody.
    pub(super) fn in_seat(&self, circle: usize, number: usize) -> Option<usize> {
        self.all[circle].seats.get(number).copied()
    }

    /// Takes a session in, which is not in it yet.
    pub(super) fn enter(&mut self, name: &str, session: usize) -> Seat {
        let circle = self.find(name).unwrap_or_else(|| self.open(name));
        let number = self.all[circle].seats.insert(session);
        let small = |index: usize| u32::try_from(index).expect("circles and their seats are limited by u32s");
        Seat { circle: small(circle), number: small(number) }
    }

    fn open(&mut self, name: &str) -> usize {
        let circle = self.all.insert(Circle { name: name.into(), seats: Slab::new() });
        let hash = |circle: &usize| directory::hash(&self.key, self.all[*circle].name.as_bytes());
        self.by_name.insert_unique(hash(&circle), circle, hash);
        circle
    }

    /// Lets a session out. True if it was the last, so that the circle is gone.
    pub(super) fn leave(&mut self, seat: Seat) -> bool {
        let seats = &mut self.all[seat.circle()].seats;
        seats.remove(seat.number as usize);
        let is_last = seats.is_empty();
        if is_last {
            let Circle { name, .. } = self.all.remove(seat.circle());
            let hash = directory::hash(&self.key, name.as_bytes());
            let entry = self.by_name.find_entry(hash, |other| *other == seat.circle());
            entry.expect("an open circle is found by its name").remove();
        }
        is_last
    }
}
