//! The device of the examples, which has no system.

#[path = "../../examples/serial_no_std/firmware.rs"]
mod firmware;
#[path = "../../examples/serial_no_std/gateway.rs"]
mod gateway;
#[path = "../../examples/serial_no_std/greenhouse.rs"]
mod greenhouse;

use std::time::Duration;

use greenhouse::Greenhouse;

const MINUTE: Duration = Duration::from_secs(60);

/// What the gardener has read, as text.
fn reports(greenhouse: &Greenhouse) -> Vec<&str> {
    let reports = greenhouse.gateway.reports.iter();
    reports.map(|report| std::str::from_utf8(report).expect("it is text")).collect()
}

#[test]
fn the_device_of_the_examples_reports_and_answers() {
    let mut greenhouse = Greenhouse::new();
    greenhouse.run(MINUTE * 8 / 3);
    assert_eq!(reports(&greenhouse), ["0.0 °C", "1.0 °C", "2.0 °C"]);
    greenhouse.gateway.ask(greenhouse.now);
    greenhouse.run(Duration::from_secs(1));
    assert_eq!(reports(&greenhouse)[3..], ["2.6 °C"]);
}

#[test]
fn the_device_of_the_examples_loses_no_report_while_its_line_is_pulled_out() {
    let mut greenhouse = Greenhouse::new();
    greenhouse.run(MINUTE / 2);
    greenhouse.line.pull(true);
    greenhouse.run(MINUTE * 3 / 4);
    assert_eq!(reports(&greenhouse), ["0.0 °C"], "nothing comes through");
    greenhouse.line.pull(false);
    greenhouse.run(5 * MINUTE);
    let reports = reports(&greenhouse);
    assert_eq!(reports[..4], ["0.0 °C", "1.0 °C", "2.0 °C", "3.0 °C"]);
}
