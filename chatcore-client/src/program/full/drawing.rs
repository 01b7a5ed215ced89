//! Glyphs in the cells of a picture.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};

use super::placed::put;
use super::text::{Glyph, Row};

/// Draws glyphs from the left, as far as they fit. Returns the column after the last.
pub(super) fn draw_row(row: &Row, area: Rect, style: Style, buffer: &mut Buffer) -> u16 {
    draw_styled(row.iter().map(|glyph| (glyph, style)), area, buffer)
}

/// The same with a style for each.
pub(super) fn draw_styled<'a>(row: impl Iterator<Item = (&'a Glyph, Style)>, area: Rect, buffer: &mut Buffer) -> u16 {
    let area = area.intersection(buffer.area);
    let mut x = area.x;
    for (glyph, style) in row {
        if u32::from(x) + u32::from(glyph.width) > u32::from(area.right()) || area.height == 0 {
            return x;
        }
        // No text is written in this style: only what stands for something that is not shown.
        let style = if glyph.is_mark { style.add_modifier(Modifier::REVERSED) } else { style };
        for covered in x..x + glyph.width {
            let cell = &mut buffer[(covered, area.y)];
            cell.reset();
            cell.set_style(style);
        }
        put(&mut buffer[(x, area.y)], &glyph.text, glyph.width);
        x += glyph.width;
    }
    x
}
