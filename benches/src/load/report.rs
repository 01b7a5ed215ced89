//! The figures of all, as a table and as JSON.

use std::fmt;

use serde_json::{Value, json};

use super::figures::{Figure, Figures, Spread};
use super::scenario::Scenario;
use super::target::{Role, Target};
use crate::over::Over;

/// One server in one scenario.
pub(crate) struct Entry<'a> {
    pub(crate) target: &'a Target,
    pub(crate) rounds: Vec<Figures>,
}

/// All that was measured.
pub(crate) struct Report {
    machine: String,
    rounds: usize,
    pub(crate) sections: Vec<Section>,
}

/// All servers in one scenario.
pub(crate) struct Section {
    pub(crate) scenario: Scenario,
    pub(crate) body_bytes: usize,
    pub(crate) description: String,
    pub(crate) rows: Vec<Row>,
}

pub(crate) struct Row {
    pub(crate) role: Role,
    /// What the same server is called over TCP, if this is over something else.
    plain: Option<String>,
    pub(crate) name: String,
    pub(crate) figures: Vec<(Figure, Option<Spread>)>,
}

impl<'a> Entry<'a> {
    pub(crate) fn new(target: &'a Target) -> Self {
        Self { target, rounds: Vec::new() }
    }
}

impl Report {
    /// A report without sections. `machine` describes where the figures come from.
    pub(crate) fn new(machine: String, rounds: usize) -> Self {
        Self { machine, rounds, sections: Vec::new() }
    }

    pub(crate) fn add(&mut self, scenario: Scenario, body_bytes: usize, description: String, entries: &[Entry<'_>]) {
        let row = |entry: &Entry<'_>| Row {
            role: entry.target.server.role,
            plain: (entry.target.server.over != Over::Tcp).then(|| entry.target.plain_name()),
            name: entry.target.name.clone(),
            figures: Figure::of(scenario).iter().map(|figure| (*figure, Spread::of(&entry.rounds, *figure))).collect(),
        };
        self.sections.push(Section { scenario, body_bytes, description, rows: entries.iter().map(row).collect() });
    }

    /// Calls of a server could not be counted.
    pub(crate) fn lacks_calls(&self) -> bool {
        let figures = self.sections.iter().flat_map(|section| &section.rows).flat_map(|row| &row.figures);
        figures.into_iter().any(|(figure, spread)| *figure == Figure::PerRead && spread.is_none())
    }

    pub(crate) fn json(&self) -> Value {
        let row = |row: &Row| {
            let figure = |(figure, spread): &(Figure, Option<Spread>)| {
                let spread = spread.map(|s| json!({ "min": s.min, "median": s.median, "max": s.max }));
                (figure.name().to_owned(), spread.unwrap_or_default())
            };
            json!({ "server": row.name, "figures": row.figures.iter().map(figure).collect::<serde_json::Map<_, _>>() })
        };
        let section = |section: &Section| {
            json!({
                "work": section.scenario.name(),
                "body_bytes": section.body_bytes,
                "description": section.description,
                "servers": section.rows.iter().map(row).collect::<Vec<_>>(),
            })
        };
        json!({
            "machine": self.machine,
            "rounds": self.rounds,
            "sections": self.sections.iter().map(section).collect::<Vec<_>>(),
        })
    }
}

impl Section {
    /// How many times the floor's a figure is; none without a floor.
    fn times_floor(&self, row: &Row, figure: Figure) -> Option<f64> {
        let floor = self.rows.iter().find(|row| row.role == Role::Floor)?.median(figure)?;
        Some(row.median(figure)? / floor)
    }

    /// How many times that of the same server over TCP a figure is; none for that itself, and without it.
    fn times_plain(&self, row: &Row, figure: Figure) -> Option<f64> {
        let plain = row.plain.as_ref()?;
        let plain = self.rows.iter().find(|other| other.name == *plain)?.median(figure)?;
        Some(row.median(figure)? / plain)
    }
}

impl Row {
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        let found = self.figures.iter().find(|(other, _)| *other == figure);
        found.and_then(|(_, spread)| spread.map(|spread| spread.median))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}; medians of {} rounds, with the least and the most", self.machine, self.rounds)?;
        for section in &self.sections {
            write!(f, "\n{section}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {}", self.scenario.name(), self.description)?;
        if self.rows.is_empty() {
            return writeln!(f, "  none of the servers carries {} B in a message", self.body_bytes);
        }
        let has_plain = self.rows.iter().any(|row| row.plain.is_some());
        let mut table: Vec<Vec<String>> = vec![vec![String::new()]];
        for figure in Figure::of(self.scenario) {
            table[0].push(figure.head().to_owned());
            if Figure::compared(self.scenario).contains(figure) {
                table[0].push("× floor".to_owned());
                table[0].extend(has_plain.then(|| "× TCP".to_owned()));
            }
        }
        for row in &self.rows {
            let mut cells = vec![row.name.clone()];
            for (figure, spread) in &row.figures {
                cells.push(spread.map_or("-".to_owned(), cell));
                if Figure::compared(self.scenario).contains(figure) {
                    cells.push(ratio(self.times_floor(row, *figure)));
                    cells.extend(has_plain.then(|| ratio(self.times_plain(row, *figure))));
                }
            }
            table.push(cells);
        }
        let columns = table[0].len();
        let width = |column: usize| table.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in &table {
            write!(f, "  {:<width$}", row[0], width = widths[0])?;
            for (cell, width) in row.iter().zip(&widths).skip(1) {
                write!(f, "  {cell:>width$}")?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

fn ratio(times: Option<f64>) -> String {
    times.map_or("-".to_owned(), |times| format!("{times:.2}"))
}

/// A median, and then the least and the most of the rounds.
fn cell(spread: Spread) -> String {
    format!("{} {}–{}", digits(spread.median), digits(spread.min), digits(spread.max))
}

/// Three digits, more or less.
pub(crate) fn digits(value: f64) -> String {
    match value.abs() {
        0.0..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        100.0..10_000.0 => format!("{value:.0}"),
        10_000.0..1e6 => format!("{:.0} k", value / 1e3),
        _ => format!("{:.2} M", value / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_three_digits() {
        let shown: Vec<String> = [0.104, 1.5, 28.04, 635.2, 12_345.0, 9_876_543.0].into_iter().map(digits).collect();
        assert_eq!(shown, ["0.104", "1.50", "28.0", "635", "12 k", "9.88 M"]);
    }
}
