//! How long messages take, as a distribution.

use std::time::Duration;

use hdrhistogram::Histogram;

/// Latencies, each kept to three digits.
#[derive(Clone, Debug)]
pub(crate) struct Latencies(Histogram<u64>);

impl Latencies {
    /// None yet. A latency above `longest` counts as `longest`.
    pub(crate) fn up_to(longest: Duration) -> Self {
        let longest = u64::try_from(longest.as_nanos()).expect("a latency is shorter than five centuries");
        Self(Histogram::new_with_max(longest, 3).expect("three digits are possible"))
    }

    pub(crate) fn record(&mut self, latency: Duration) {
        self.0.saturating_record(latency.as_nanos() as u64);
    }

    /// The latency in microseconds that this share (0 to 1) of all latencies does not exceed.
    pub(crate) fn quantile_us(&self, share: f64) -> f64 {
        self.0.value_at_quantile(share) as f64 / 1e3
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_in_the_middle_and_the_slowest_is_bounded() {
        let mut latencies = Latencies::up_to(Duration::from_secs(1));
        for latency_ms in [1, 2, 3, 4, 5_000] {
            latencies.record(Duration::from_millis(latency_ms));
        }
        assert!((latencies.quantile_us(0.5) - 3_000.0).abs() < 10.0);
        assert!((latencies.quantile_us(1.0) - 1e6).abs() < 1e4);
    }
}
