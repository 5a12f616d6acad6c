//! The scale to the right of a pane: marks of its axis, and tags of prices, which give way to one another.

use super::scene::{Anchor, Area, Role, Scene, Shape, Spot, Style};

/// From the pane to a mark's text, and to a tag.
const MARK_ROOM: f64 = 8.0;
const TAG_ROOM: f64 = 8.0;
const TAG_WIDTH: f64 = 74.0;
const TAG_HEIGHT: f64 = 15.0;
/// From one tag to the next.
const TAG_APART: f64 = 16.0;
/// From a text's middle to its baseline.
pub(super) const TO_BASELINE: f64 = 4.0;

/// A price to point at.
#[derive(Debug, Clone)]
pub(super) struct Tag {
    pub y: f64,
    pub text: String,
    pub role: Role,
    /// Filled, for the one that matters most.
    pub is_filled: bool,
}

/// Draws the marks of an axis that no tag hides, and the tags, as near to their prices as their neighbours allow.
pub(super) fn draw(scene: &mut Scene, pane: &Area, marks: &[(f64, String)], mut tags: Vec<Tag>) {
    tags.sort_by(|a, b| a.y.total_cmp(&b.y));
    let places = spread(&tags.iter().map(|tag| tag.y).collect::<Vec<_>>(), pane);
    for (y, text) in marks {
        let is_hidden = places.iter().any(|place| (place - y).abs() < TAG_APART);
        if !is_hidden && *y > pane.top + 6.0 && *y < pane.bottom - 6.0 {
            let at = Spot { x: pane.right + MARK_ROOM, y: y + TO_BASELINE };
            scene.text(Role::Muted, Style::Small, Anchor::Start, at, text.clone());
        }
    }
    for (tag, y) in tags.iter().zip(places) {
        let from = Spot { x: pane.right, y: tag.y.clamp(pane.top, pane.bottom) };
        let left = pane.right + TAG_ROOM - 4.0;
        scene.lines(tag.role, 1.0, vec![vec![from, Spot { x: left, y }]]);
        let top = y.floor() - (TAG_HEIGHT / 2.0).floor();
        let area = Area { left, top, right: left + TAG_WIDTH, bottom: top + TAG_HEIGHT };
        scene.block(tag.role, area);
        let inner = Area { left: left + 1.0, top: top + 1.0, right: area.right - 1.0, bottom: area.bottom - 1.0 };
        let (role, style) = if tag.is_filled { (Role::OnFill, Style::Strong) } else { (tag.role, Style::Small) };
        if !tag.is_filled {
            scene.block(Role::Surface, inner);
        }
        let at = Spot { x: left + 4.0, y: top + TAG_HEIGHT / 2.0 + TO_BASELINE };
        let shape = Shape::Text { at, anchor: Anchor::Start, style, text: tag.text.clone() };
        scene.tell(role, shape, "tag", String::new());
    }
}

/// Heights in ascending order, moved as little as keeps them apart and inside the pane.
fn spread(wanted: &[f64], pane: &Area) -> Vec<f64> {
    let (top, bottom) = (pane.top + TAG_HEIGHT / 2.0, pane.bottom - TAG_HEIGHT / 2.0);
    // Groups of neighbours that touch stand around the mean of what they want.
    let mut groups: Vec<(f64, f64)> = Vec::new();
    let span = |count: f64| (count - 1.0) * TAG_APART;
    let first = |(sum, count): (f64, f64)| (sum / count - span(count) / 2.0).min(bottom - span(count)).max(top);
    for y in wanted {
        let mut group = (*y, 1.0);
        while let Some(above) = groups.last().copied() {
            if first(above) + span(above.1) + TAG_APART <= first(group) {
                break;
            }
            groups.pop();
            group = (above.0 + group.0, above.1 + group.1);
        }
        groups.push(group);
    }
    let mut places = Vec::with_capacity(wanted.len());
    for group in groups {
        let mut y = first(group);
        let mut left = group.1;
        while left > 0.0 {
            places.push(y);
            (y, left) = (y + TAG_APART, left - 1.0);
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_stand_apart_in_order_and_inside() {
        let pane = Area { left: 0.0, top: 0.0, right: 100.0, bottom: 400.0 };
        assert_eq!(spread(&[50.0, 200.0], &pane), [50.0, 200.0]);
        assert_eq!(spread(&[100.0, 104.0], &pane), [94.0, 110.0]);
        let crowded = [vec![0.0; 5], vec![201.0], vec![400.0; 7]].concat();
        let places = spread(&crowded, &pane);
        assert_eq!(places.len(), crowded.len());
        assert!(places.windows(2).all(|two| two[1] - two[0] >= TAG_APART - 1e-9), "{places:?}");
        assert!(places[0] >= 7.5 && places[12] <= 392.5, "{places:?}");
    }
}
