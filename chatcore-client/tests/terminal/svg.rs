//! The screen of a terminal as a picture.

use std::fmt::Write;

use vt100::{Cell, Color, Screen};

/// Units of the picture that a cell takes.
const CELL: (usize, usize) = (9, 18);

/// Units around the cells.
const MARGIN: usize = 9;

/// The colours of a terminal that has its own, on a light ground.
const GROUND: &str = "#fdfdfb";
const INK: &str = "#24292f";

/// The first 16 colours: the dark ones, and the bright ones.
const PALETTE: [&str; 16] = [
    "#24292f", "#c0362c", "#2c7a3f", "#8a6200", "#1f5fbf", "#8a3fa0", "#0f7482", "#6e7781", "#57606a", "#d3493d",
    "#3a9150", "#a37608", "#3a78d8", "#a158b8", "#1d8c9b", "#d0d7de",
];

/// Draws what a terminal shows. What looks the same is one piece of text, so that it can be searched and read out.
pub(crate) fn svg(screen: &Screen, title: &str) -> String {
    let (rows, columns) = screen.size();
    let (rows, columns) = (rows.get(), columns.get());
    let (width, height) = (usize::from(columns) * CELL.0 + 2 * MARGIN, usize::from(rows) * CELL.1 + 2 * MARGIN);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" role=\"img\">\n\
         <title>{}</title>\n<rect width=\"{width}\" height=\"{height}\" rx=\"6\" fill=\"{GROUND}\"/>\n\
         <g font-family=\"ui-monospace, 'DejaVu Sans Mono', monospace\" font-size=\"15\" xml:space=\"preserve\">\n",
        escaped(title)
    );
    for row in 0..rows {
        let mut column = 0;
        while column < columns {
            column = run(screen, row, column, columns, &mut svg);
        }
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

/// Draws the cells from this one on that look like it. Returns the column after them.
fn run(screen: &Screen, row: u16, first: u16, columns: u16, svg: &mut String) -> u16 {
    let Some(cell) = screen.cell(row, first) else { return columns };
    let look = Look::of(cell);
    let (mut text, mut column) = (String::new(), first);
    while column < columns
        && let Some(cell) = screen.cell(row, column)
        && (cell.is_wide_continuation() || Look::of(cell) == look)
    {
        if !cell.is_wide_continuation() {
            text.push_str(if cell.has_contents() { cell.contents() } else { " " });
        }
        column += 1;
        // The next letter stands where its cell is, however wide the font draws this one.
        if cell.is_wide() || !cell.contents().is_ascii() {
            column += u16::from(cell.is_wide());
            break;
        }
    }
    let place = |cell: u16, size: usize| usize::from(cell) * size + MARGIN;
    let (x, y) = (place(first, CELL.0), place(row, CELL.1));
    if let Some(ground) = look.ground {
        let width = usize::from(column - first) * CELL.0;
        writeln!(svg, "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{}\" fill=\"{ground}\"/>", CELL.1)
            .expect("a String takes everything");
    }
    if !text.trim().is_empty() {
        let weight = if look.is_bold { " font-weight=\"bold\"" } else { "" };
        let opacity = if look.is_dim { " opacity=\"0.6\"" } else { "" };
        writeln!(
            svg,
            "<text x=\"{x}\" y=\"{}\" fill=\"{}\"{weight}{opacity}>{}</text>",
            y + CELL.1 * 3 / 4,
            look.ink,
            escaped(text.trim_end())
        )
        .expect("a String takes everything");
    }
    column
}

#[derive(PartialEq, Eq)]
struct Look {
    ink: String,
    ground: Option<String>,
    is_bold: bool,
    is_dim: bool,
}

impl Look {
    fn of(cell: &Cell) -> Self {
        let (ink, ground) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
        let (ink, ground) = if cell.inverse() {
            (ground.unwrap_or_else(|| GROUND.to_owned()), Some(ink.unwrap_or_else(|| INK.to_owned())))
        } else {
            (ink.unwrap_or_else(|| INK.to_owned()), ground)
        };
        Self { ink, ground, is_bold: cell.bold(), is_dim: cell.dim() }
    }
}

/// A colour, if it is not the terminal's own.
fn colour(colour: Color) -> Option<String> {
    match colour {
        Color::Default => None,
        Color::Idx(index @ 0..16) => Some(PALETTE[usize::from(index)].to_owned()),
        // A cube of six steps for each of red, green and blue.
        Color::Idx(index @ 16..232) => {
            let step = |divisor: u8| match (index - 16) / divisor % 6 {
                0 => 0,
                step => 55 + 40 * step,
            };
            Some(format!("#{:02x}{:02x}{:02x}", step(36), step(6), step(1)))
        }
        Color::Idx(index) => {
            let grey = 8 + 10 * (index - 232);
            Some(format!("#{grey:02x}{grey:02x}{grey:02x}"))
        }
        Color::Rgb(red, green, blue) => Some(format!("#{red:02x}{green:02x}{blue:02x}")),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
