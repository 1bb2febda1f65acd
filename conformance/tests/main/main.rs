//! Holds the apps in Rust against the recorded answers of their Python twins.

use std::io::Write;

use conformance::report::Report;
use conformance::{answer, case, twins};

#[tokio::test]
async fn answers_are_those_of_python_dash() {
    let cases = case::all();
    let report = Report::new(
        &cases,
        &answer::recorded(&cases),
        &twins::answers(&cases).await,
    );
    // Past the test harness, which shows what passing tests print only when asked.
    writeln!(std::io::stdout(), "\n{report}").expect("standard output takes text");
    assert!(
        report.wrong.is_empty(),
        "{report}\n{}",
        report.wrong.join("\n")
    );
}
