//! The table of what was measured.

use std::fmt::Write as _;

use crate::page::Measured;

/// An action on one of the apps, measured in each round.
pub(crate) struct Row {
    pub(crate) action: &'static str,
    pub(crate) app: String,
    pub(crate) rounds: Vec<Measured>,
}

impl Row {
    /// Whether another row is of the same action on the same app.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.action == other.action && self.app == other.app
    }

    fn count(&self, field: impl Fn(&Measured) -> u64) -> String {
        let mut values: Vec<u64> = self.rounds.iter().map(field).collect();
        values.sort_unstable();
        thousands(values[values.len() / 2])
    }

    /// The medians of the steps.
    fn times(&self) -> String {
        let steps = self.rounds[0].times.len();
        let of_step = |step: usize| {
            let values = self.rounds.iter().map(|round| round.times[step]);
            format!("{:.0}", median(values.collect()))
        };
        let times: Vec<String> = (0..steps).map(of_step).collect();
        if times.is_empty() {
            "–".to_owned()
        } else {
            format!("{} ms", times.join(", "))
        }
    }
}

/// The value in the middle.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A number with commas, as the guide writes it.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The table in Markdown, the rows of an action together.
pub(crate) fn table(rows: &[Row]) -> String {
    let mut text = String::from(
        "| Action | App | Requests | Runs | Bytes | Changes | Time |\n\
         |---|---|---:|---:|---:|---:|---:|\n",
    );
    let mut actions: Vec<&str> = Vec::new();
    for row in rows {
        if !actions.contains(&row.action) {
            actions.push(row.action);
        }
    }
    for action in actions {
        let of_action: Vec<&Row> = rows.iter().filter(|row| row.action == action).collect();
        let only_one = of_action.len() == 1;
        if only_one {
            let _ = writeln!(text, "| {action} | Python Dash | – | – | – | – | – |");
        }
        for (index, row) in of_action.iter().enumerate() {
            let title = if index == 0 && !only_one { action } else { "" };
            let _ = writeln!(
                text,
                "| {title} | {} | {} | {} | {} | {} | {} |",
                row.app,
                row.count(|measured| measured.requests),
                row.count(|measured| measured.runs),
                row.count(|measured| measured.bytes),
                row.count(|measured| measured.changes),
                row.times(),
            );
        }
    }
    text
}

/// The requests of scripts that are not for callbacks, where there are any.
pub(crate) fn others(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows {
        let count = row.count(|measured| measured.others);
        if count != "0" {
            let _ = writeln!(
                text,
                "{}, {}: {count} requests that are not for callbacks",
                row.action, row.app
            );
        }
    }
    text
}
