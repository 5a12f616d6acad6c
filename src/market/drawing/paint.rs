//! A scene as pixels, and as PNG.
//!
//! Edges of lines and letters are smooth, those of blocks lie on whole pixels. Nothing is painted outside the canvas,
//! whatever a scene says. The same program on the same kind of machine gives the same bytes.

use std::io::{self, Write as _};

use ab_glyph_rasterizer::{Point, Rasterizer, point};
use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::glyphs::{self, Mask, level_of, narrow};
use super::mix::Mix;
use super::palette::{Colour, opacity};
use super::scene::{Anchor, Block, Role, Scene, Shape, Spot, Style, pixel};
use super::{HEIGHT, Theme, WIDTH};

/// Steps between a pixel that is not covered and one that is.
pub(super) const LEVELS: u8 = 10;
/// A line is painted in pieces of so many pixels at most: a piece costs what its bounds enclose.
const PIECE: f64 = 48.0;
/// zlib's level: more cost more time than they save bytes.
const COMPRESSION: u32 = 6;
/// Corners of what is drawn as a disc.
const CORNERS: u32 = 16;

/// A picture in both themes: pixels that are numbers of colours, compressed, and the colours.
#[derive(Debug)]
pub(super) struct Painted {
    pixels: Vec<u8>,
    light: Vec<Colour>,
    dark: Vec<Colour>,
}

impl Painted {
    /// # Errors
    /// None in practice: memory is what is written to.
    pub fn of(scene: &Scene) -> io::Result<Self> {
        let mut canvas = Canvas::new();
        for item in &scene.items {
            canvas.paint(item.role, &item.shape);
        }
        let mut zlib = ZlibEncoder::new(Vec::with_capacity(64 * 1024), Compression::new(COMPRESSION));
        // A row begins with its filter: none, as neighbours in a palette are no neighbours in colour.
        let mut rows = Vec::with_capacity((WIDTH + 1) * HEIGHT);
        for row in canvas.pixels.chunks(WIDTH) {
            rows.push(0);
            rows.extend_from_slice(row);
        }
        zlib.write_all(&rows)?;
        let (light, dark) = (canvas.mix.palette(Theme::Light), canvas.mix.palette(Theme::Dark));
        Ok(Self { pixels: zlib.finish()?, light, dark })
    }

    /// # Errors
    /// None in practice: memory is what is written to.
    pub fn png(&self, theme: Theme) -> io::Result<Vec<u8>> {
        let colours = if theme == Theme::Light { &self.light } else { &self.dark };
        let side = |pixels: usize| u32::try_from(pixels).unwrap_or(0);
        let mut bytes = Vec::with_capacity(self.pixels.len() + 2048);
        let mut encoder = png::Encoder::new(&mut bytes, side(WIDTH), side(HEIGHT));
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Eight);
        encoder.set_palette(colours.concat());
        let mut writer = encoder.write_header()?;
        writer.write_chunk(png::chunk::IDAT, &self.pixels)?;
        writer.finish()?;
        Ok(bytes)
    }
}

struct Canvas {
    pixels: Vec<u8>,
    mix: Mix,
    raster: Rasterizer,
}

impl Canvas {
    fn new() -> Self {
        Self { pixels: vec![Role::Surface as u8; WIDTH * HEIGHT], mix: Mix::new(), raster: Rasterizer::new(0, 0) }
    }

    fn paint(&mut self, role: Role, shape: &Shape) {
        match shape {
            Shape::Blocks(blocks) => blocks.iter().for_each(|block| self.block(role, block)),
            Shape::Lines { lines, width, dash } => {
                for line in lines {
                    match dash {
                        None => self.line(role, line, *width),
                        Some(dash) => dashes(line, *dash).iter().for_each(|line| self.line(role, line, *width)),
                    }
                }
            }
            Shape::Fill(outlines) => outlines.iter().for_each(|outline| self.fill(role, std::slice::from_ref(outline))),
            Shape::Discs { centres, radius } => {
                for centre in centres {
                    self.fill(role, &[disc(*centre, *radius)]);
                }
            }
            Shape::Text { at, anchor, style, text } => self.text(role, *at, *anchor, *style, text),
        }
    }

    fn block(&mut self, role: Role, block: &Block) {
        let side = |from: i32, length: i32, end: usize| {
            let start = usize::try_from(from).unwrap_or(0).min(end);
            start..usize::try_from(from.saturating_add(length)).unwrap_or(0).clamp(start, end)
        };
        let columns = side(block.x, block.width, WIDTH);
        for row in side(block.y, block.height, HEIGHT) {
            let row = &mut self.pixels[row * WIDTH + columns.start..row * WIDTH + columns.end];
            if opacity(role) < 1.0 {
                for under in row {
                    *under = self.mix.over(*under, role, LEVELS);
                }
            } else {
                row.fill(role as u8);
            }
        }
    }

    fn line(&mut self, role: Role, line: &[Spot], width: f64) {
        let mut strip: Vec<Vec<Spot>> = Vec::new();
        let (mut left, mut top, mut right, mut bottom) = (0.0, 0.0, 0.0, 0.0);
        for piece in line.windows(2).flat_map(|two| pieces(two[0], two[1])) {
            let Some(quad) = quad(piece, width) else { continue };
            let (from, to) = piece;
            if strip.is_empty() {
                (left, right, top, bottom) = (from.x, from.x, from.y, from.y);
            }
            (left, right) = (to.x.min(left), to.x.max(right));
            (top, bottom) = (to.y.min(top), to.y.max(bottom));
            strip.push(quad);
            if right - left > PIECE || bottom - top > 2.0 * PIECE {
                self.fill(role, &strip);
                strip.clear();
            }
        }
        self.fill(role, &strip);
    }

    /// Fills what any of the outlines encloses; all of them run the same way round.
    fn fill(&mut self, role: Role, outlines: &[Vec<Spot>]) {
        let spots = || outlines.iter().flatten();
        let least = |side: fn(&Spot) -> f64| pixel(spots().map(side).fold(f64::MAX, f64::min).floor()) - 1;
        let most = |side: fn(&Spot) -> f64| pixel(spots().map(side).fold(f64::MIN, f64::max).ceil()) + 1;
        let (left, top) = (least(|spot| spot.x), least(|spot| spot.y));
        let (right, bottom) = (most(|spot| spot.x), most(|spot| spot.y));
        let canvas = |size: usize| i32::try_from(size).unwrap_or(0);
        // Scenes are clipped by whoever makes them; this only keeps a mistake there from costing more than it shows.
        if left < -2 || top < -2 || right > canvas(WIDTH) + 2 || bottom > canvas(HEIGHT) + 2 || right <= left {
            return;
        }
        let size = |length: i32| usize::try_from(length).unwrap_or(0);
        self.raster.reset(size(right - left), size(bottom - top));
        let local = |spot: &Spot| -> Point { point(narrow(spot.x - f64::from(left)), narrow(spot.y - f64::from(top))) };
        for outline in outlines {
            for two in outline.windows(2) {
                self.raster.draw_line(local(&two[0]), local(&two[1]));
            }
            if let [first, .., last] = outline.as_slice() {
                self.raster.draw_line(local(last), local(first));
            }
        }
        let (pixels, mix) = (&mut self.pixels, &mut self.mix);
        let (mut x, mut y) = (left, top);
        // Row by row: to count is quicker than to divide.
        self.raster.for_each_pixel(|_, cover| {
            let level = level_of(cover);
            if level > 0 {
                cover_pixel(pixels, mix, (x, y), role, level);
            }
            x += 1;
            if x == right {
                (x, y) = (left, y + 1);
            }
        });
    }

    fn text(&mut self, role: Role, at: Spot, anchor: Anchor, style: Style, text: &str) {
        let start = match anchor {
            Anchor::Start => at.x,
            Anchor::Middle => at.x - glyphs::width(text, style) / 2.0,
            Anchor::End => at.x - glyphs::width(text, style),
        };
        let (pixels, mix, baseline) = (&mut self.pixels, &mut self.mix, pixel(at.y));
        glyphs::letters(text, style, start, |mask: &Mask, pen| {
            for (y, row) in (baseline + mask.top..).zip(mask.levels.chunks(mask.width.max(1))) {
                for (x, level) in (pen + mask.left..).zip(row) {
                    if *level > 0 {
                        cover_pixel(pixels, mix, (x, y), role, *level);
                    }
                }
            }
        });
    }
}

fn cover_pixel(pixels: &mut [u8], mix: &mut Mix, (x, y): (i32, i32), role: Role, level: u8) {
    let (Ok(x), Ok(y)) = (usize::try_from(x), usize::try_from(y)) else { return };
    if x < WIDTH && y < HEIGHT {
        let under = &mut pixels[y * WIDTH + x];
        *under = mix.over(*under, role, level);
    }
}

/// A straight line as pieces of at most [`PIECE`] pixels.
fn pieces(from: Spot, to: Spot) -> impl Iterator<Item = (Spot, Spot)> {
    let length = (to.x - from.x).hypot(to.y - from.y);
    let count = pixel((length / PIECE).ceil()).max(1);
    let at = move |number: i32| {
        let share = f64::from(number) / f64::from(count);
        Spot { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) }
    };
    (0..count).map(move |number| (at(number), at(number + 1)))
}

/// A line's outline; `None` for one of no length.
fn quad((from, to): (Spot, Spot), width: f64) -> Option<Vec<Spot>> {
    let (dx, dy) = (to.x - from.x, to.y - from.y);
    let length = dx.hypot(dy);
    let (nx, ny) = (-dy / length * width / 2.0, dx / length * width / 2.0);
    let aside = |spot: Spot, side: f64| Spot { x: spot.x + side * nx, y: spot.y + side * ny };
    (length > 0.0).then(|| vec![aside(from, 1.0), aside(to, 1.0), aside(to, -1.0), aside(from, -1.0)])
}

fn disc(centre: Spot, radius: f64) -> Vec<Spot> {
    let turn = std::f64::consts::TAU / f64::from(CORNERS);
    let corner = |number: u32| {
        let (sine, cosine) = (turn * f64::from(number)).sin_cos();
        Spot { x: centre.x + radius * cosine, y: centre.y + radius * sine }
    };
    (0..CORNERS).map(corner).collect()
}

/// The dashes of a line: so many pixels of it, then so many of gap.
fn dashes(line: &[Spot], (dash, gap): (f64, f64)) -> Vec<Vec<Spot>> {
    let mut dashes = Vec::new();
    for two in line.windows(2) {
        let (from, to) = (two[0], two[1]);
        let length = (to.x - from.x).hypot(to.y - from.y);
        let at = |walked: f64| {
            let share = (walked / length).min(1.0);
            Spot { x: from.x + share * (to.x - from.x), y: from.y + share * (to.y - from.y) }
        };
        let mut walked = 0.0;
        while walked < length && dash + gap > 0.0 {
            dashes.push(vec![at(walked), at(walked + dash)]);
            walked += dash + gap;
        }
    }
    dashes
}
