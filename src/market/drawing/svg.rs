//! A scene as SVG: one element a shape, colours as attributes, nothing fetched from anywhere.
//!
//! Colours are attributes and not a style sheet, because the style sheet of an SVG that stands inside a page is the
//! page's. Classes tell levels, trendlines and patterns apart. Coordinates are tenths of a pixel, lines are written by
//! their steps, which keeps a thousand bars within 200 KB.

use std::fmt::Write as _;

use super::palette::opacity;
use super::scene::{Anchor, Block, Item, Role, Scene, Shape, Spot, Style};
use super::{HEIGHT, Theme, WIDTH};

/// What reads well for numbers, where the reader has it; the PNG's own first.
const FONTS: &str = "Roboto, Inter, 'Segoe UI', 'Helvetica Neue', Arial, sans-serif";
/// Bytes that a thousand bars need, about.
const BYTES: usize = 160 * 1024;
/// Bytes of a colour: `#rrggbb`.
const COLOUR_BYTES: usize = 7;

/// A scene as a document in the light theme, and where its colours stand: they are all that a theme changes.
#[derive(Debug)]
pub(super) struct Document {
    light: String,
    colours: Vec<(usize, Role)>,
}

impl Document {
    pub fn of(scene: &Scene) -> Self {
        let mut document = Self { light: String::with_capacity(BYTES), colours: Vec::new() };
        let title = escaped(&scene.title);
        put(
            &mut document.light,
            format_args!(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} \
                 {HEIGHT}\" role=\"img\" aria-label=\"{title}\" font-family=\"{FONTS}\" \
                 font-variant-numeric=\"tabular-nums\">\n<title>{title}</title>\n<rect width=\"{WIDTH}\" \
                 height=\"{HEIGHT}\" fill=\""
            ),
        );
        document.colour(Role::Surface);
        document.light.push_str("\"/>\n");
        for item in &scene.items {
            document.element(item);
        }
        document.light.push_str("</svg>\n");
        document
    }

    pub fn themed(&self, theme: Theme) -> String {
        let mut svg = self.light.clone();
        if theme != Theme::Light {
            for (at, role) in &self.colours {
                svg.replace_range(*at..at + COLOUR_BYTES, &hex(theme, *role));
            }
        }
        svg
    }

    fn colour(&mut self, role: Role) {
        self.colours.push((self.light.len(), role));
        self.light.push_str(&hex(Theme::Light, role));
    }

    fn element(&mut self, item: &Item) {
        let svg = &mut self.light;
        let name = if matches!(item.shape, Shape::Text { .. }) { "text" } else { "path" };
        put(svg, format_args!("<{name}"));
        if !item.kind.is_empty() {
            put(svg, format_args!(" class=\"{}\"", item.kind));
        }
        let stroked = matches!(item.shape, Shape::Lines { .. });
        let (paint, other) = if stroked { ("stroke", " fill=\"none\"") } else { ("fill", "") };
        put(svg, format_args!("{other} {paint}=\""));
        self.colour(item.role);
        let svg = &mut self.light;
        svg.push('"');
        let opacity = opacity(item.role);
        if opacity < 1.0 {
            put(svg, format_args!(" {paint}-opacity=\"{opacity}\""));
        }
        match &item.shape {
            Shape::Blocks(blocks) => {
                svg.push_str(" shape-rendering=\"crispEdges\" d=\"");
                for block in blocks {
                    rectangle(svg, block);
                }
                svg.push('"');
            }
            Shape::Lines { lines, width, dash } => {
                if (*width - 1.0).abs() > f64::EPSILON {
                    put(svg, format_args!(" stroke-width=\"{width}\""));
                }
                if let Some((dash, gap)) = dash {
                    put(svg, format_args!(" stroke-dasharray=\"{dash} {gap}\""));
                }
                svg.push_str(" d=\"");
                for line in lines {
                    path(svg, line);
                }
                svg.push('"');
            }
            Shape::Fill(outlines) => {
                svg.push_str(" d=\"");
                for outline in outlines {
                    path(svg, outline);
                    svg.push('z');
                }
                svg.push('"');
            }
            Shape::Discs { centres, radius } => {
                svg.push_str(" d=\"");
                for centre in centres {
                    circle(svg, *centre, *radius);
                }
                svg.push('"');
            }
            Shape::Text { at, anchor, style, .. } => letters(svg, *at, *anchor, *style),
        }
        let about =
            if item.about.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(&item.about)) };
        match &item.shape {
            Shape::Text { text, .. } => put(svg, format_args!(">{}{about}</text>\n", escaped(text))),
            _ if about.is_empty() => svg.push_str("/>\n"),
            _ => put(svg, format_args!(">{about}</path>\n")),
        }
    }
}

/// Writing to a string cannot fail.
fn put(svg: &mut String, text: std::fmt::Arguments<'_>) {
    let _ = svg.write_fmt(text);
}

fn hex(theme: Theme, role: Role) -> String {
    let [red, green, blue] = theme.colour(role);
    format!("#{red:02x}{green:02x}{blue:02x}")
}

fn letters(svg: &mut String, at: Spot, anchor: Anchor, style: Style) {
    put(svg, format_args!(" x=\"{}\" y=\"{}\" font-size=\"{}\"", Tenths::of(at.x), Tenths::of(at.y), style.size()));
    match anchor {
        Anchor::Start => {}
        Anchor::Middle => svg.push_str(" text-anchor=\"middle\""),
        Anchor::End => svg.push_str(" text-anchor=\"end\""),
    }
    if style != Style::Small {
        svg.push_str(" font-weight=\"500\"");
    }
}

fn rectangle(svg: &mut String, Block { x, y, width, height }: &Block) {
    for (step, number) in [("M", x), (" ", y), ("h", width), ("v", height), ("h-", width)] {
        svg.push_str(step);
        if *number < 0 {
            svg.push('-');
        }
        push_number(svg, number.unsigned_abs());
    }
    svg.push('z');
}

fn circle(svg: &mut String, centre: Spot, radius: f64) {
    let (r, width) = (Tenths::of(radius), Tenths::of(radius * 2.0));
    let start = Spot { x: centre.x - radius, y: centre.y };
    put(svg, format_args!("M{} {}", Tenths::of(start.x), Tenths::of(start.y)));
    put(svg, format_args!("a{r} {r} 0 1 0 {width} 0a{r} {r} 0 1 0 -{width} 0z"));
}

/// A line: its first place, then the steps between its places, each between rounded places so that no error adds up.
fn path(svg: &mut String, line: &[Spot]) {
    let mut places = line.iter().map(|spot| (Tenths::of(spot.x), Tenths::of(spot.y)));
    let Some((mut x, mut y)) = places.next() else { return };
    put(svg, format_args!("M{x} {y}l"));
    let mut first = true;
    for (to_x, to_y) in places {
        let steps = [Tenths(to_x.0 - x.0), Tenths(to_y.0 - y.0)];
        for step in steps {
            // A minus parts numbers as well as a space does.
            if !first && step.0 >= 0 {
                svg.push(' ');
            }
            first = false;
            step.write_short(svg);
        }
        (x, y) = (to_x, to_y);
    }
    if first {
        svg.push_str("0 0");
    }
}

/// Tenths of a pixel.
#[derive(Clone, Copy)]
struct Tenths(i32);

impl Tenths {
    fn of(value: f64) -> Self {
        Self(super::scene::pixel(value * 10.0))
    }

    /// Without a 0 before the point.
    fn write_short(self, svg: &mut String) {
        let (whole, part) = (self.0.unsigned_abs() / 10, self.0.unsigned_abs() % 10);
        if self.0 < 0 {
            svg.push('-');
        }
        if whole > 0 || part == 0 {
            push_number(svg, whole);
        }
        if part > 0 {
            svg.push('.');
            push_number(svg, part);
        }
    }
}

/// The quick way through the thousands of numbers of a picture.
fn push_number(svg: &mut String, number: u32) {
    if number >= 10 {
        push_number(svg, number / 10);
    }
    svg.push(char::from_digit(number % 10, 10).unwrap_or('0'));
}

impl std::fmt::Display for Tenths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut text = String::new();
        self.write_short(&mut text);
        f.write_str(&text)
    }
}

/// Text between tags or in an attribute. What XML cannot hold at all is gone since [`clean`](super::scene::clean).
fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            letter => safe.push(letter),
        }
    }
    safe
}
