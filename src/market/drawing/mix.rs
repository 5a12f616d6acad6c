//! Colours laid over one another, as the numbers of a palette that serves both themes.
//!
//! # Why one palette
//! A picture differs between themes only in its colours. So it is painted once, with numbers for colours; each number
//! is a pair of colours, one a theme, and a PNG is the same pixels behind one half of the pairs or the other. Painting and
//! compressing, which cost the most, are done once for both.
//!
//! A PNG's palette has 256 entries. Roles take the first; what a role makes of a pixel that it covers in part becomes an
//! entry when it is first seen, unless there is one near enough already. How near grows as the palette fills, so the
//! common mixtures are exact and the rare ones near.

use super::Theme;
use super::paint::LEVELS;
use super::palette::{Colour, opacity};
use super::scene::Role;

/// Entries of a PNG's palette.
const ENTRIES_MAX: usize = 256;
/// Not reckoned yet; no entry has this number.
const UNKNOWN: u16 = u16::MAX;

/// A palette that grows.
pub(super) struct Mix {
    /// The channels of the entries, light and dark: a column each, as a mixture is compared with all of them at a time.
    columns: [[i16; ENTRIES_MAX]; 6],
    /// How many entries there are.
    len: usize,
    /// What a role at a level makes of an entry, once it is known.
    known: Vec<u16>,
}

impl Mix {
    pub fn new() -> Self {
        let known = vec![UNKNOWN; ENTRIES_MAX * Role::ALL.len() * usize::from(LEVELS)];
        let mut mix = Self { columns: [[0; ENTRIES_MAX]; 6], len: 0, known };
        for role in Role::ALL {
            let colour = mix.blended(0, role, 1.0);
            mix.push(colour);
        }
        mix
    }

    /// What is seen where `role` covers `level` of a pixel of the entry `under`.
    pub fn over(&mut self, under: u8, role: Role, level: u8) -> u8 {
        let level = usize::from(level.clamp(1, LEVELS) - 1);
        let key = (role as usize * usize::from(LEVELS) + level) * ENTRIES_MAX + usize::from(under);
        if self.known[key] == UNKNOWN {
            self.known[key] = self.reckon(under, role, level + 1);
        }
        u8::try_from(self.known[key]).unwrap_or(under)
    }

    #[expect(clippy::cast_precision_loss, reason = "a few levels")]
    fn reckon(&mut self, under: u8, role: Role, level: usize) -> u16 {
        let cover = level as f64 / f64::from(LEVELS) * opacity(role);
        if cover >= 1.0 {
            return role as u16;
        }
        let colour = self.blended(usize::from(under), role, cover);
        let nearest = self.nearest(colour);
        let near_enough = match self.len {
            0..96 => 12,
            96..160 => 100,
            160..220 => 400,
            220..ENTRIES_MAX => 1_200,
            _ => i32::MAX,
        };
        let at = if nearest.1 <= near_enough { nearest.0 } else { self.push(colour) };
        u16::try_from(at).unwrap_or(0)
    }

    /// The entry that is least far from a colour, the first of several, and how far it is.
    fn nearest(&self, colour: [i16; 6]) -> (usize, i32) {
        let mut far = [0_i32; ENTRIES_MAX];
        let far = &mut far[..self.len];
        for (column, part) in self.columns.iter().zip(colour) {
            for (far, entry) in far.iter_mut().zip(column) {
                let apart = i32::from(entry - part);
                *far += apart * apart;
            }
        }
        // Two passes without a branch for each entry are faster than one that remembers where it was.
        let least = far.iter().copied().fold(i32::MAX, i32::min);
        (far.iter().position(|far| *far == least).unwrap_or(0), least)
    }

    /// Adds an entry: says its number.
    fn push(&mut self, colour: [i16; 6]) -> usize {
        let at = self.len;
        for (column, part) in self.columns.iter_mut().zip(colour) {
            column[at] = part;
        }
        self.len += 1;
        at
    }

    /// A role's colours over those of an entry.
    fn blended(&self, under: usize, role: Role, cover: f64) -> [i16; 6] {
        let [light, dark] = [Theme::Light, Theme::Dark].map(|theme| theme.colour(role));
        let above = [light[0], light[1], light[2], dark[0], dark[1], dark[2]].map(i16::from);
        let below = if under < self.len { std::array::from_fn(|part| self.columns[part][under]) } else { above };
        std::array::from_fn(|part| {
            let mixed = f64::from(above[part]) * cover + f64::from(below[part]) * (1.0 - cover);
            channel(mixed)
        })
    }

    /// The colours of a theme, by number.
    pub fn palette(&self, theme: Theme) -> Vec<Colour> {
        let first = if theme == Theme::Light { 0 } else { 3 };
        let part = |value: i16| u8::try_from(value).unwrap_or(u8::MAX);
        let [red, green, blue] = [first, first + 1, first + 2].map(|column| &self.columns[column]);
        (0..self.len).map(|at| [red[at], green[at], blue[at]].map(part)).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "between two channels, 0 to 255")]
fn channel(value: f64) -> i16 {
    value.round().clamp(0.0, 255.0) as i16
}
