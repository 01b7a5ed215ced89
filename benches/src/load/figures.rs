//! What is measured.

use std::collections::BTreeMap;

use super::scenario::Scenario;

/// A kind of figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Figure {
    Cpu,
    Rate,
    Load,
    PerRead,
    PerWrite,
    P50,
    P99,
    P999,
    Resident,
    Kernel,
    SetUp,
    IdleCpu,
    Return,
    Seconds,
}

impl Figure {
    /// As it stands in tables and in JSON, with its unit.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu_us_per_message",
            Self::Rate => "messages_per_second",
            Self::Load => "server_cpu_percent",
            Self::PerRead => "messages_per_read",
            Self::PerWrite => "messages_per_write",
            Self::P50 => "latency_p50_us",
            Self::P99 => "latency_p99_us",
            Self::P999 => "latency_p999_us",
            Self::Resident => "resident_kib_per_user",
            Self::Kernel => "kernel_kib_per_user",
            Self::SetUp => "set_up_cpu_us_per_user",
            Self::IdleCpu => "idle_cpu_ms_per_second",
            Self::Return => "return_cpu_us_per_user",
            Self::Seconds => "seconds",
        }
    }

    /// The head of its column.
    pub(crate) const fn head(self) -> &'static str {
        match self {
            Self::Cpu => "CPU µs/msg",
            Self::Rate => "msg/s",
            Self::Load => "CPU %",
            Self::PerRead => "msg/read",
            Self::PerWrite => "msg/write",
            Self::P50 => "p50 µs",
            Self::P99 => "p99 µs",
            Self::P999 => "p99.9 µs",
            Self::Resident => "KiB/user",
            Self::Kernel => "kernel KiB/user",
            Self::SetUp => "set-up CPU µs/user",
            Self::IdleCpu => "idle CPU ms/s",
            Self::Return => "return CPU µs/user",
            Self::Seconds => "s",
        }
    }

    /// What a scenario measures. The first figure is what it is about.
    pub(crate) const fn of(scenario: Scenario) -> &'static [Self] {
        match scenario {
            Scenario::Direct | Scenario::Room | Scenario::Many => {
                &[Self::Cpu, Self::Rate, Self::Load, Self::PerRead, Self::PerWrite]
            }
            Scenario::Latency => &[Self::P50, Self::P99, Self::P999, Self::Cpu],
            Scenario::Idle => &[Self::Resident, Self::SetUp, Self::Kernel, Self::IdleCpu],
            Scenario::Storm => &[Self::Return, Self::Seconds],
        }
    }

    /// The figures of a scenario that are compared with the floor, and drawn.
    pub(crate) const fn compared(scenario: Scenario) -> &'static [Self] {
        match scenario {
            Scenario::Direct | Scenario::Room | Scenario::Many => &[Self::Cpu],
            Scenario::Latency => &[Self::P50, Self::P99],
            Scenario::Idle => &[Self::Resident, Self::SetUp],
            Scenario::Storm => &[Self::Return],
        }
    }
}

/// The figures of one measurement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Figures(BTreeMap<Figure, f64>);

impl Figures {
    pub(crate) fn set(&mut self, figure: Figure, value: f64) {
        self.0.insert(figure, value);
    }
}

/// The same figure of several rounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread {
    pub(crate) min: f64,
    pub(crate) median: f64,
    pub(crate) max: f64,
}

impl Spread {
    /// Of the rounds that have this figure; none if no round has.
    pub(crate) fn of(rounds: &[Figures], figure: Figure) -> Option<Self> {
        let mut values: Vec<f64> = rounds.iter().filter_map(|figures| figures.0.get(&figure).copied()).collect();
        values.sort_by(f64::total_cmp);
        let middle = values.len() / 2;
        let median = match values.len() {
            0 => return None,
            odd if odd % 2 == 1 => values[middle],
            _ => f64::midpoint(values[middle - 1], values[middle]),
        };
        Some(Self { min: values[0], median, max: values[values.len() - 1] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rounds(values: &[f64]) -> Vec<Figures> {
        let figures = |value: &f64| {
            let mut figures = Figures::default();
            figures.set(Figure::Cpu, *value);
            figures
        };
        values.iter().map(figures).collect()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        let median = |values: &[f64]| Spread::of(&rounds(values), Figure::Cpu).map(|spread| spread.median);
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
    }

    #[test]
    fn a_figure_that_some_rounds_lack_is_of_the_others() {
        let mut rounds = rounds(&[1.0, 5.0]);
        rounds.push(Figures::default());
        let spread = Spread::of(&rounds, Figure::Cpu).unwrap();
        assert_eq!((spread.min, spread.max), (1.0, 5.0));
    }
}
