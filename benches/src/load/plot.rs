//! The figures as bars.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use super::figures::Figure;
use super::report::{Report, Row, Section, digits};
use super::target::Role;
use crate::failure::Result;

const WIDTH: f64 = 720.0;
const NAMES_WIDTH: f64 = 190.0;
const VALUES_WIDTH: f64 = 70.0;
const BAR_HEIGHT: f64 = 18.0;
const BAR_DISTANCE: f64 = 26.0;
const TOP: f64 = 34.0;

/// Draws each figure that is compared with the floor into a file of its own, `<scenario>-<bytes>-<figure>.svg`.
pub(crate) fn draw(report: &Report, directory: &Path) -> Result<()> {
    fs::create_dir_all(directory)?;
    for section in &report.sections {
        for figure in Figure::compared(section.scenario) {
            let bars: Vec<(&Row, f64)> =
                section.rows.iter().filter_map(|row| Some((row, row.median(*figure)?))).collect();
            let name = format!("{}-{}-{}.svg", section.scenario.name(), section.body_bytes, figure.name());
            fs::write(directory.join(name), svg(section, *figure, &bars))?;
        }
    }
    Ok(())
}

fn svg(section: &Section, figure: Figure, bars: &[(&Row, f64)]) -> String {
    let height = TOP + BAR_DISTANCE * bars.len() as f64 + 6.0;
    let most = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let title = format!("{}, {} B: {}", section.scenario.name(), section.body_bytes, figure.head());
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         height=\"{height}\" role=\"img\" font-family=\"sans-serif\" font-size=\"13\" fill=\"#777\">\n\
         <title>{title}</title>\n<text x=\"0\" y=\"18\" font-weight=\"bold\">{title}</text>\n"
    );
    for (number, (row, value)) in bars.iter().enumerate() {
        let top = TOP + BAR_DISTANCE * number as f64;
        let base = top + BAR_HEIGHT - 4.0;
        let length = (WIDTH - NAMES_WIDTH - VALUES_WIDTH) * value.max(0.0) / most;
        let color = match row.role {
            Role::Ours => "#d2691e",
            Role::Floor => "#999",
            Role::Other => "#4682b4",
        };
        let name = escape(&row.name);
        // Writing to a string does not fail.
        let _ = writeln!(
            svg,
            "<text x=\"{}\" y=\"{base:.1}\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{NAMES_WIDTH}\" y=\"{top:.1}\" width=\"{length:.1}\" height=\"{BAR_HEIGHT}\" fill=\"{color}\"/>\
             <text x=\"{:.1}\" y=\"{base:.1}\">{}</text>",
            NAMES_WIDTH - 8.0,
            NAMES_WIDTH + length + 6.0,
            digits(*value),
        );
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}
