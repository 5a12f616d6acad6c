//! What a picture is made of: a list of shapes, each in a role, and no colour yet.
//!
//! Coordinates are pixels from the top left corner. Every number in a scene is finite, every text is clean of what XML
//! forbids ([`clean`]), and shapes lie on one another in the order of the list.

/// What a shape stands for; a theme gives it its colour. The first is what everything else is painted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub(super) enum Role {
    Surface,
    Border,
    Grid,
    Text,
    Muted,
    Up,
    Down,
    UpFaint,
    DownFaint,
    OnFill,
    Ema20,
    Ema50,
    Sma200,
    Band,
    BandFill,
    Support,
    Resistance,
    Bullish,
    Bearish,
    Neutral,
    Mean,
    Rsi,
    RsiZone,
    Macd,
    Signal,
    Plate,
}

impl Role {
    /// Every role, in the order of their numbers.
    pub const ALL: [Self; 26] = [
        Self::Surface,
        Self::Border,
        Self::Grid,
        Self::Text,
        Self::Muted,
        Self::Up,
        Self::Down,
        Self::UpFaint,
        Self::DownFaint,
        Self::OnFill,
        Self::Ema20,
        Self::Ema50,
        Self::Sma200,
        Self::Band,
        Self::BandFill,
        Self::Support,
        Self::Resistance,
        Self::Bullish,
        Self::Bearish,
        Self::Neutral,
        Self::Mean,
        Self::Rsi,
        Self::RsiZone,
        Self::Macd,
        Self::Signal,
        Self::Plate,
    ];
}

/// A place in the picture.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Spot {
    pub x: f64,
    pub y: f64,
}

/// A part of the picture; its edges are left, top, right and bottom.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Area {
    pub left: f64,
    pub top: f64,
    pub right: f64,
    pub bottom: f64,
}

impl Area {
    pub fn width(&self) -> f64 {
        self.right - self.left
    }

    pub fn middle(&self) -> f64 {
        f64::midpoint(self.top, self.bottom)
    }

    pub fn overlaps(&self, other: &Self) -> bool {
        self.left < other.right && other.left < self.right && self.top < other.bottom && other.top < self.bottom
    }

    /// The part of the straight line between two places that lies in this area (Liang and Barsky, 1984).
    pub fn clip(&self, from: Spot, to: Spot) -> Option<(Spot, Spot)> {
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let (mut start, mut end) = (0.0_f64, 1.0_f64);
        for (step, room) in [
            (-dx, from.x - self.left),
            (dx, self.right - from.x),
            (-dy, from.y - self.top),
            (dy, self.bottom - from.y),
        ] {
            if step == 0.0 {
                if room < 0.0 {
                    return None;
                }
            } else if step < 0.0 {
                start = start.max(room / step);
            } else {
                end = end.min(room / step);
            }
        }
        // Ends that are inside stay what they are to the last bit, so that segments still meet.
        let at = |share: f64| match share {
            0.0 => from,
            1.0 => to,
            _ => Spot {
                x: (from.x + share * dx).clamp(self.left, self.right),
                y: (from.y + share * dy).clamp(self.top, self.bottom),
            },
        };
        (start <= end).then(|| (at(start), at(end)))
    }
}

/// A filled rectangle on whole pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    pub x: i32,
    pub y: i32,
    pub width: i32,
    pub height: i32,
}

impl Block {
    /// The pixels that an area covers, one at least each way.
    pub fn of(area: Area) -> Self {
        let (x, y) = (pixel(area.left), pixel(area.top));
        Self { x, y, width: (pixel(area.right) - x).max(1), height: (pixel(area.bottom) - y).max(1) }
    }
}

/// Which end of a text its place is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set; each is a size and a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Style {
    /// Axes, legends and labels.
    Small,
    /// What stands out among those.
    Strong,
    /// The title.
    Title,
}

impl Style {
    pub const ALL: [Self; 3] = [Self::Small, Self::Strong, Self::Title];

    /// Pixels of an em.
    pub fn size(self) -> f64 {
        match self {
            Self::Small | Self::Strong => 11.0,
            Self::Title => 16.0,
        }
    }
}

/// One thing to see.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Blocks(Vec<Block>),
    /// Lines through places, `width` thick; each list is one line.
    Lines { lines: Vec<Vec<Spot>>, width: f64, dash: Option<(f64, f64)> },
    /// Filled outlines.
    Fill(Vec<Vec<Spot>>),
    Discs { centres: Vec<Spot>, radius: f64 },
    Text { at: Spot, anchor: Anchor, style: Style, text: String },
}

/// A shape in its role; `kind` is its class in SVG and `about` its tooltip there, both empty where nobody asks.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Item {
    pub role: Role,
    pub shape: Shape,
    pub kind: &'static str,
    pub about: String,
}

/// The shapes of a picture, those that lie below first.
#[derive(Debug, Clone, Default)]
pub(super) struct Scene {
    pub items: Vec<Item>,
    /// What the picture shows, in a sentence.
    pub title: String,
}

impl Scene {
    pub fn add(&mut self, role: Role, shape: Shape) {
        self.tell(role, shape, "", String::new());
    }

    pub fn tell(&mut self, role: Role, shape: Shape, kind: &'static str, about: String) {
        self.items.push(Item { role, shape, kind, about });
    }

    pub fn block(&mut self, role: Role, area: Area) {
        self.add(role, Shape::Blocks(vec![Block::of(area)]));
    }

    pub fn blocks(&mut self, role: Role, blocks: Vec<Block>) {
        if !blocks.is_empty() {
            self.add(role, Shape::Blocks(blocks));
        }
    }

    pub fn lines(&mut self, role: Role, width: f64, lines: Vec<Vec<Spot>>) {
        if !lines.is_empty() {
            self.add(role, Shape::Lines { lines, width, dash: None });
        }
    }

    pub fn text(&mut self, role: Role, style: Style, anchor: Anchor, at: Spot, text: impl Into<String>) {
        self.add(role, Shape::Text { at, anchor, style, text: text.into() });
    }
}

/// The pixel that a coordinate lies in; what no picture holds is cut to what an `i16` does.
#[expect(clippy::cast_possible_truncation, reason = "clamped, and a pixel is a whole number")]
pub(super) fn pixel(coordinate: f64) -> i32 {
    coordinate.clamp(f64::from(i16::MIN), f64::from(i16::MAX)).round() as i32
}

/// Text as it may stand in XML and on one line: what controls a terminal, the direction of reading or a parser is a
/// space, and what is longer than `chars_max` ends in an ellipsis.
pub(super) fn clean(text: &str, chars_max: usize) -> String {
    let harmful = |letter: char| {
        letter.is_control()
            || matches!(letter, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
            || matches!(letter, '\u{feff}' | '\u{fff0}'..='\u{ffff}')
    };
    let mut letters = text.chars().map(|letter| if harmful(letter) { ' ' } else { letter });
    let mut kept: String = letters.by_ref().take(chars_max).collect();
    if letters.next().is_some() {
        kept.pop();
        kept.push('…');
    }
    kept
}
