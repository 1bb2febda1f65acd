//! What the callbacks of the app would gain from a declaration, as lines of `ferrodash.toml`.

use std::fmt::Write as _;

use ferrodash_gateway::{CallbackReport, Report};

/// A declaration is worth while if it saves this share of the calls.
const ENOUGH: f64 = 0.2;

/// Fewer calls say nothing.
const ENOUGH_CALLS: u64 = 5;

/// Properties that change all the time while the pointer moves. Their last value is not all that a
/// user wants to see, so they are throttled.
const MOVING: [&str; 4] = ["drag_value", "hoverData", "mouse_position", "relayoutData"];

/// Returns the lines for all callbacks of a report; empty if there is nothing to gain.
pub(crate) fn lines(report: &Report) -> String {
    let mut lines = String::new();
    for callback in &report.callbacks {
        let mut functions = report.cached.iter();
        let is_kept = functions.any(|function| *function.name == *callback.output);
        lines.push_str(&of_callback(callback, is_kept));
    }
    lines
}

/// Returns the lines for a callback.
fn of_callback(callback: &CallbackReport, is_kept: bool) -> String {
    let mut lines = String::new();
    let keys = [
        keep(callback).filter(|_| !is_kept),
        wait(callback, "debounce", "500ms", |property| {
            !MOVING.contains(&property)
        }),
        wait(callback, "throttle", "200ms", |property| {
            MOVING.contains(&property)
        }),
    ];
    let keys: Vec<String> = keys.into_iter().flatten().collect();
    if keys.is_empty() {
        return lines;
    }
    let _ = writeln!(lines, "[[callback]]\noutput = {:?}", callback.output);
    for key in keys {
        lines.push_str(&key);
    }
    lines.push('\n');
    lines
}

/// Returns the keys by which answers are kept, if many were equal to an earlier one.
fn keep(callback: &CallbackReport) -> Option<String> {
    let CallbackReport {
        calls,
        equal_arguments,
        equal_answers,
        equal_for_visitor,
        ..
    } = callback;
    if !is_worth_it(*equal_answers, *calls) {
        return None;
    }
    let seconds = *equal_answers as f64 * mean(callback) / 1e3;
    let mut lines = format!(
        "# {equal_answers} of {calls} calls would not have reached the app, which took \
         {seconds:.1} s for them.\n"
    );
    let differ = equal_arguments - equal_answers;
    if differ > 0 {
        let _ = writeln!(
            lines,
            "# {differ} answers to equal arguments differed: keep them for a short time only."
        );
    }
    lines.push_str("timeout = \"1m\"\n");
    if is_worth_it(*equal_for_visitor, *calls) {
        let _ = writeln!(
            lines,
            "# {equal_for_visitor} of them would not have left the visitor's browser.\n\
             client = true"
        );
    }
    Some(lines)
}

/// Returns the key for the inputs that changed again at once, of those whose property is wanted.
fn wait(
    callback: &CallbackReport,
    key: &str,
    time: &str,
    is_wanted: fn(&str) -> bool,
) -> Option<String> {
    let inputs = callback.soon_again.iter().filter(|(input, count)| {
        let property = input.rsplit('.').next().unwrap_or_default();
        // Clicks and ticks are counted, so each of them matters.
        let is_count = property.starts_with("n_");
        !is_count && is_wanted(property) && is_worth_it(**count, callback.calls)
    });
    let (mut lines, mut waits) = (String::new(), Vec::new());
    for (input, count) in inputs {
        let _ = writeln!(
            lines,
            "# {count} of {} calls came less than 500 ms after the visitor's last one for {input}.",
            callback.calls
        );
        waits.push(format!("{input:?} = {time:?}"));
    }
    if waits.is_empty() {
        return None;
    }
    let _ = writeln!(lines, "{key} = {{ {} }}", waits.join(", "));
    Some(lines)
}

fn is_worth_it(saved: u64, calls: u64) -> bool {
    calls >= ENOUGH_CALLS && saved as f64 >= calls as f64 * ENOUGH
}

/// Returns the mean time of the app's answers, in milliseconds.
pub(crate) fn mean(callback: &CallbackReport) -> f64 {
    callback.time.as_secs_f64() * 1e3 / callback.calls.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn callback(calls: u64, equal: u64) -> CallbackReport {
        let mut callback = CallbackReport::default();
        callback.output = "out.children".to_owned();
        callback.calls = calls;
        callback.time = Duration::from_millis(100 * calls);
        callback.equal_arguments = equal;
        callback.equal_answers = equal;
        callback
    }

    #[test]
    fn equal_answers_are_to_be_kept() {
        assert_eq!(
            of_callback(&callback(10, 8), false),
            "[[callback]]\noutput = \"out.children\"\n\
             # 8 of 10 calls would not have reached the app, which took 0.8 s for them.\n\
             timeout = \"1m\"\n\n"
        );
        assert_eq!(of_callback(&callback(10, 8), true), "");
        assert_eq!(of_callback(&callback(10, 1), false), "");
        assert_eq!(of_callback(&callback(4, 4), false), "");
    }

    #[test]
    fn answers_that_differ_are_to_be_kept_for_a_short_time() {
        let mut callback = callback(10, 8);
        callback.equal_arguments = 9;
        let lines = of_callback(&callback, false);
        assert!(
            lines.contains("# 1 answers to equal arguments differed"),
            "{lines}"
        );
    }

    #[test]
    fn what_a_visitor_asks_again_is_to_be_kept_by_the_browser() {
        let mut callback = callback(10, 8);
        callback.equal_for_visitor = 6;
        let lines = of_callback(&callback, false);
        assert!(lines.contains("# 6 of them would not have left"), "{lines}");
        assert!(lines.contains("\nclient = true\n"), "{lines}");
    }

    #[test]
    fn inputs_that_change_again_at_once_are_to_wait() {
        let mut callback = callback(30, 0);
        callback.soon_again.insert("in.value".to_owned(), 29);
        callback.soon_again.insert("in.n_submit".to_owned(), 29);
        callback.soon_again.insert("graph.hoverData".to_owned(), 20);
        callback.soon_again.insert("other.value".to_owned(), 2);
        assert_eq!(
            of_callback(&callback, true),
            "[[callback]]\noutput = \"out.children\"\n\
             # 29 of 30 calls came less than 500 ms after the visitor's last one for in.value.\n\
             debounce = { \"in.value\" = \"500ms\" }\n\
             # 20 of 30 calls came less than 500 ms after the visitor's last one for \
             graph.hoverData.\n\
             throttle = { \"graph.hoverData\" = \"200ms\" }\n\n"
        );
    }
}
