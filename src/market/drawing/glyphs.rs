//! Letters: their widths, and their pixels.
//!
//! The font is Roboto (SIL Open Font License 1.1, `font/OFL.txt`), cut down to Latin and without hints, in two weights.
//! Its digits are equally wide. What it does not hold is drawn as its box for missing letters, so that a text is never
//! shorter than it says. Every letter is turned into pixels once for the process, at [`PHASES`] places between two
//! pixels, and is then copied.

use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, Point};

use super::paint::LEVELS;
use super::scene::Style;

static REGULAR: &[u8] = include_bytes!("font/Roboto-Regular.ttf");
static MEDIUM: &[u8] = include_bytes!("font/Roboto-Medium.ttf");

/// Places of a letter between two pixels.
const PHASES: u8 = 4;
/// Letters below this code are looked up by it: all of Latin-1. A few others follow.
const TABLE: u32 = 0x100;
const FURTHER: [char; 10] = ['–', '—', '‘', '’', '“', '”', '•', '…', '€', '−'];

/// A letter as pixels: how much of each it covers, 0 to [`LEVELS`], row by row.
#[derive(Debug, Default)]
pub(super) struct Mask {
    /// From the pen's pixel and the baseline to the first.
    pub left: i32,
    pub top: i32,
    pub width: usize,
    pub levels: Vec<u8>,
}

/// A letter of one style.
struct Glyph {
    advance: f64,
    masks: [Mask; PHASES as usize],
}

/// The letters of every style: Latin-1, [`FURTHER`], and the box for what is missing.
static GLYPHS: LazyLock<Vec<Vec<Glyph>>> = LazyLock::new(|| Style::ALL.iter().map(|style| glyphs(*style)).collect());

fn glyphs(style: Style) -> Vec<Glyph> {
    let bytes = if style == Style::Small { REGULAR } else { MEDIUM };
    // The file is ours and a test reads it: it is a font.
    let Ok(font) = FontRef::try_from_slice(bytes) else {
        return Vec::new();
    };
    let latin = (0..TABLE).map(|code| char::from_u32(code).unwrap_or('\u{fffd}'));
    let letters = latin.chain(FURTHER).chain(['\u{10ffff}']);
    letters.map(|letter| glyph(&font, letter, style.size())).collect()
}

fn glyph(font: &FontRef<'_>, letter: char, size: f64) -> Glyph {
    let em = font.units_per_em().unwrap_or(2048.0);
    let scale = narrow(size) * font.height_unscaled() / em;
    let id = font.glyph_id(letter);
    let masks = std::array::from_fn(|phase| {
        let phase = u8::try_from(phase).unwrap_or(0);
        let at = Point { x: f32::from(phase) / f32::from(PHASES), y: 0.0 };
        let Some(outline) = font.outline_glyph(id.with_scale_and_position(scale, at)) else {
            return Mask::default();
        };
        let bounds = outline.px_bounds();
        let width = usize::try_from(whole(bounds.width())).unwrap_or(0);
        let height = usize::try_from(whole(bounds.height())).unwrap_or(0);
        let mut levels = vec![0; width * height];
        outline.draw(|x, y, cover| {
            if let Some(level) = levels.get_mut(y as usize * width + x as usize) {
                *level = level_of(cover);
            }
        });
        Mask { left: whole(bounds.min.x), top: whole(bounds.min.y), width, levels }
    });
    Glyph { advance: size * f64::from(font.h_advance_unscaled(id) / em), masks }
}

/// How much of a pixel is covered, in steps: the nearest one. The cast cuts, and a call that rounds would be most of what a
/// pixel costs.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
pub(super) fn level_of(cover: f32) -> u8 {
    (cover * f32::from(LEVELS) + 0.5).clamp(0.0, f32::from(LEVELS)) as u8
}

#[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
fn whole(value: f32) -> i32 {
    value.round() as i32
}

#[expect(clippy::cast_possible_truncation, reason = "a coordinate needs no more than six digits")]
pub(super) fn narrow(value: f64) -> f32 {
    value as f32
}

fn find(letter: char, style: Style) -> Option<&'static Glyph> {
    let letters = &GLYPHS[style as usize];
    let further = || FURTHER.iter().position(|known| *known == letter).map(|at| TABLE as usize + at);
    let code = u32::from(letter);
    let at = if code < TABLE { Some(code as usize) } else { further() };
    at.and_then(|at| letters.get(at)).or(letters.last())
}

/// The width of a text in pixels.
pub(super) fn width(text: &str, style: Style) -> f64 {
    text.chars().filter_map(|letter| find(letter, style)).map(|glyph| glyph.advance).sum()
}

/// Calls `draw` with every letter of a text that begins at `x`, and with the pixel that its pen is in.
pub(super) fn letters(text: &str, style: Style, x: f64, mut draw: impl FnMut(&'static Mask, i32)) {
    let mut pen = x;
    for glyph in text.chars().filter_map(|letter| find(letter, style)) {
        let quarters = super::scene::pixel(pen * f64::from(PHASES));
        let phase = quarters.rem_euclid(PHASES.into());
        draw(&glyph.masks[usize::try_from(phase).unwrap_or(0)], quarters.div_euclid(PHASES.into()));
        pen += glyph.advance;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_letter_of_the_table_is_in_the_font() {
        for bytes in [REGULAR, MEDIUM] {
            let font = FontRef::try_from_slice(bytes).unwrap();
            let latin = (0x20..0x7f).chain(0xa0..0x100).filter_map(char::from_u32);
            for letter in latin.chain(FURTHER) {
                assert_ne!(font.glyph_id(letter).0, 0, "{letter:?}");
            }
        }
        for style in Style::ALL {
            let digits = ('0'..='9').map(|digit| width(&digit.to_string(), style).to_bits());
            assert_eq!(digits.collect::<std::collections::BTreeSet<_>>().len(), 1, "digits are equally wide");
            assert!(width("币", style) > 2.0 && width("", style) == 0.0);
        }
    }
}
