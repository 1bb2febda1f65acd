//! What the callbacks of the app would gain from a declaration, as lines of `ferrodash.toml`, or of
//! the app for callbacks that are declared there.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use ferrodash_gateway::{CallbackReport, Report, Source};

/// A declaration is suggested if it saves at least this share of the calls.
const ENOUGH: f64 = 0.2;

/// The number of calls below which nothing is suggested.
const ENOUGH_CALLS: u64 = 5;

/// Properties that change all the time while the pointer moves. A user wants to see more than their
/// last value, so they are throttled.
const MOVING: [&str; 2] = ["drag_value", "hoverData"];

/// How answers of a callback are to be kept.
#[derive(Clone, Copy, PartialEq)]
enum Keep {
    /// For each visitor, also in browsers.
    Own,
    /// For all visitors.
    Shared,
}

/// A wait that is suggested: the word for it, its time, and the inputs with the calls that came too
/// soon.
struct Wait<'a> {
    word: &'static str,
    time: &'static str,
    inputs: BTreeMap<&'a str, u64>,
}

/// Returns the lines for all callbacks of a report; empty if there is nothing to gain.
pub(crate) fn lines(report: &Report) -> String {
    let callbacks = report.callbacks.iter();
    let lines = callbacks.map(|callback| of_callback(callback, report.can_wait));
    lines.collect()
}

/// Returns the lines for a callback.
fn of_callback(callback: &CallbackReport, can_wait: bool) -> String {
    let keep = keep(callback);
    let waits = if can_wait {
        waits(callback)
    } else {
        Vec::new()
    };
    if !callback.is_usual || (keep.is_none() && waits.is_empty()) {
        return String::new();
    }
    let mut lines = reasons(callback, keep, &waits);
    let output = quoted(&callback.output);
    match callback.source {
        Source::Nowhere => {
            let _ = writeln!(lines, "[[callback]]\noutput = {output}");
            options(&mut lines, "", keep, &waits);
        }
        Source::Decorators => {
            let _ = writeln!(
                lines,
                "# {output} has decorators, which a [[callback]] would replace. Add to them:"
            );
            decorators(&mut lines, keep, &waits);
        }
        _ => {
            let _ = writeln!(
                lines,
                "# Add to the [[callback]] of {output}, or to the tables that it has there:"
            );
            options(&mut lines, "# ", keep, &waits);
        }
    }
    lines.push('\n');
    lines
}

/// Returns how the answers are to be kept, if many calls repeated an earlier one.
fn keep(callback: &CallbackReport) -> Option<Keep> {
    if callback.is_kept || callback.writes {
        None
    } else if is_enough(callback.own.equal, callback.calls) {
        Some(Keep::Own)
    } else if is_enough(callback.others.equal, callback.calls) && callback.others.different == 0 {
        // No two visitors got different answers.
        Some(Keep::Shared)
    } else {
        None
    }
}

/// Returns the waits of inputs that often changed again at once.
fn waits(callback: &CallbackReport) -> Vec<Wait<'_>> {
    let mut debounce = BTreeMap::new();
    let mut throttle = BTreeMap::new();
    for (input, count) in &callback.soon_again {
        let property = input.rsplit('.').next().unwrap_or_default();
        // Clicks and ticks are counted, so each of them matters.
        if property.starts_with("n_") || !is_enough(*count, callback.calls) {
            continue;
        }
        if MOVING.contains(&property) {
            throttle.insert(input.as_str(), *count);
        } else {
            debounce.insert(input.as_str(), *count);
        }
    }
    let waits = [
        ("debounce", "500ms", debounce),
        ("throttle", "200ms", throttle),
    ];
    let waits = waits.into_iter().filter(|(.., inputs)| !inputs.is_empty());
    let wait = |(word, time, inputs)| Wait { word, time, inputs };
    waits.map(wait).collect()
}

/// Returns comments that say why something is suggested.
fn reasons(callback: &CallbackReport, keep: Option<Keep>, waits: &[Wait<'_>]) -> String {
    let mut lines = String::new();
    let calls = callback.calls;
    match keep {
        Some(Keep::Own) => {
            let equal = callback.own.equal;
            let _ = writeln!(
                lines,
                "# {equal} of {calls} calls repeated one of the same visitor within a minute, \
                 which took {}.",
                seconds(callback, equal)
            );
        }
        Some(Keep::Shared) => {
            let equal = callback.others.equal;
            let _ = writeln!(
                lines,
                "# {equal} of {calls} calls repeated one of another visitor within a minute, which \
                 took {}.\n# Use `shared` only if all visitors may have the same answer.",
                seconds(callback, equal)
            );
        }
        None => {}
    }
    if keep.is_some() && callback.own.different > 0 {
        let _ = writeln!(
            lines,
            "# {} of {calls} calls repeated one of the same visitor and had another answer: keep \
             answers for a short time only.",
            callback.own.different
        );
    }
    for (input, count) in waits.iter().flat_map(|wait| &wait.inputs) {
        let _ = writeln!(
            lines,
            "# {count} of {calls} calls came less than 500 ms after the visitor's last one for {}.",
            quoted(input)
        );
    }
    lines
}

/// Writes options of `ferrodash.toml`.
fn options(lines: &mut String, start: &str, keep: Option<Keep>, waits: &[Wait<'_>]) {
    if let Some(keep) = keep {
        let whose = if keep == Keep::Own {
            "client"
        } else {
            "shared"
        };
        let _ = writeln!(lines, "{start}timeout = \"1m\"\n{start}{whose} = true");
    }
    for Wait { word, time, inputs } in waits {
        let inputs = inputs.keys();
        let inputs: Vec<String> = inputs
            .map(|input| format!("{} = \"{time}\"", quoted(input)))
            .collect();
        let _ = writeln!(lines, "{start}{word} = {{ {} }}", inputs.join(", "));
    }
}

/// Writes decorators of the Python package, as comments.
fn decorators(lines: &mut String, keep: Option<Keep>, waits: &[Wait<'_>]) {
    if let Some(keep) = keep {
        let whose = if keep == Keep::Own {
            "client"
        } else {
            "shared"
        };
        let _ = writeln!(lines, "# @ferrodash.cached(timeout=\"1m\", {whose}=True)");
    }
    for Wait { word, time, inputs } in waits {
        let inputs: Vec<String> = inputs.keys().map(|input| quoted(input)).collect();
        let inputs = inputs.join(", ");
        let _ = writeln!(lines, "# @ferrodash.{word}(\"{time}\", inputs=[{inputs}])");
    }
}

/// Returns a text as TOML and Python write it. The escapes of JSON are a part of those of both.
fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a text is JSON");
    // JSON has it as it is, and TOML does not allow that.
    json.replace('\u{7f}', "\\u007f")
}

fn seconds(callback: &CallbackReport, calls: u64) -> String {
    format!("{:.1} s", calls as f64 * mean(callback) / 1e3)
}

fn is_enough(saved: u64, calls: u64) -> bool {
    calls >= ENOUGH_CALLS && saved as f64 >= calls as f64 * ENOUGH
}

/// Returns the mean time of the app's answers, in milliseconds.
pub(crate) fn mean(callback: &CallbackReport) -> f64 {
    callback.time.as_secs_f64() * 1e3 / callback.calls.max(1) as f64
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ferrodash_gateway::Config;

    use super::*;

    fn callback(calls: u64) -> CallbackReport {
        let mut callback = CallbackReport::default();
        callback.output = "out.children".to_owned();
        callback.is_usual = true;
        callback.calls = calls;
        callback.time = Duration::from_millis(100 * calls);
        callback
    }

    /// A callback that a visitor calls again and again.
    fn repeated() -> CallbackReport {
        let mut callback = callback(10);
        callback.own.equal = 8;
        callback
    }

    #[test]
    fn what_a_visitor_asks_again_is_to_be_kept_also_by_the_browser() {
        assert_eq!(
            of_callback(&repeated(), true),
            "# 8 of 10 calls repeated one of the same visitor within a minute, which took 0.8 s.\n\
             [[callback]]\noutput = \"out.children\"\ntimeout = \"1m\"\nclient = true\n\n"
        );
    }

    #[test]
    fn what_several_visitors_ask_is_to_be_shared_with_a_warning() {
        let mut callback = repeated();
        callback.own.equal = 1;
        callback.own.different = 2;
        callback.others.equal = 7;
        let lines = of_callback(&callback, true);
        assert!(
            lines.contains("\ntimeout = \"1m\"\nshared = true\n"),
            "{lines}"
        );
        assert!(
            lines.contains("# Use `shared` only if all visitors"),
            "{lines}"
        );
        assert!(
            lines.contains("# 2 of 10 calls repeated one of the same visitor and had"),
            "{lines}"
        );
    }

    #[test]
    fn nothing_is_suggested_that_cannot_be_or_does_not_help() {
        let mut few = repeated();
        few.calls = 4;
        let mut rare = repeated();
        rare.calls = 100;
        let mut personal = callback(10);
        personal.others.equal = 3;
        personal.others.different = 1;
        let [mut kept, mut writes, mut background] = [repeated(), repeated(), repeated()];
        kept.is_kept = true;
        writes.writes = true;
        background.is_usual = false;
        for callback in [few, rare, personal, kept, writes, background] {
            assert_eq!(of_callback(&callback, true), "", "{callback:?}");
        }
    }

    #[test]
    fn inputs_that_change_again_at_once_are_to_wait() {
        let mut callback = callback(30);
        callback.soon_again.insert("in.value".to_owned(), 29);
        callback.soon_again.insert("in.n_submit".to_owned(), 29);
        callback.soon_again.insert("graph.hoverData".to_owned(), 20);
        callback.soon_again.insert("other.value".to_owned(), 2);
        let reasons = "# 29 of 30 calls came less than 500 ms after the visitor's last one for \
                       \"in.value\".\n\
                       # 20 of 30 calls came less than 500 ms after the visitor's last one for \
                       \"graph.hoverData\".\n";
        assert_eq!(
            of_callback(&callback, true),
            format!(
                "{reasons}[[callback]]\noutput = \"out.children\"\n\
                 debounce = {{ \"in.value\" = \"500ms\" }}\n\
                 throttle = {{ \"graph.hoverData\" = \"200ms\" }}\n\n"
            )
        );
        assert_eq!(of_callback(&callback, false), "", "Dash is too old for it");
        callback.source = Source::Decorators;
        let lines = of_callback(&callback, true);
        let expected = "# @ferrodash.debounce(\"500ms\", inputs=[\"in.value\"])\n";
        assert!(lines.contains(expected), "{lines}");
        assert!(
            lines
                .lines()
                .all(|line| line.is_empty() || line.starts_with('#'))
        );
        callback.source = Source::File;
        let lines = of_callback(&callback, true);
        assert!(lines.contains("\n# debounce = { \"in.value\""), "{lines}");
        assert!(
            lines
                .lines()
                .all(|line| line.is_empty() || line.starts_with('#'))
        );
    }

    #[test]
    fn all_names_are_toml() {
        for name in [
            "a\u{3000}b",
            "e\u{301}",
            "a\nb",
            "\"\\\u{7f}\0",
            "日本",
            "{\"a\":[\"MATCH\"]}",
        ] {
            let mut callback = repeated();
            callback.output = format!("{name}.children");
            callback.soon_again.insert(format!("{name}.value"), 9);
            let lines = of_callback(&callback, true);
            let text = format!("upstreams = [\"http://127.0.0.1:1\"]\n{lines}");
            let config = Config::parse(&text, "f.toml").expect(&text);
            let (declared, _) = &config.callbacks[0];
            assert_eq!(declared.output, callback.output);
            assert!(
                declared.debounce.contains_key(&format!("{name}.value")),
                "{declared:?}"
            );
        }
    }
}
