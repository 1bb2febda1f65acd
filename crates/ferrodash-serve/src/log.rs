//! A log for programs that have set up none, and texts in it that hold what others sent.
//!
//! Without a log, the reason of a failing callback would be lost. Everything that a client may have
//! sent is logged through [`OneLine`].

use std::fmt::{self, Display, Write};

/// A text that stays on one line of the log.
///
/// Its line breaks and control characters are written as escapes, so that nothing in it can look
/// like a line of its own or move the cursor of a terminal.
pub struct OneLine<T>(pub T);

/// Writes the text with escapes.
impl<T: Display> Display for OneLine<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

/// Writes its text with escapes to a formatter.
struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        // U+2028 and U+2029 separate lines too, though they are no control characters.
        let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
        let mut rest = text;
        while let Some(index) = rest.find(breaks) {
            self.0.write_str(&rest[..index])?;
            let mut letters = rest[index..].chars();
            if let Some(letter) = letters.next() {
                write!(self.0, "{}", letter.escape_default())?;
            }
            rest = letters.as_str();
        }
        self.0.write_str(rest)
    }
}

/// Writes events to standard error from now on, unless the program has set a subscriber.
///
/// `RUST_LOG` says which; by default those from the level `info` on. Panics then become events too.
/// Without the feature `log` it does nothing.
#[cfg(feature = "log")]
pub fn install() {
    use tracing_subscriber::filter::{LevelFilter, Targets};
    use tracing_subscriber::layer::SubscriberExt;
    use tracing_subscriber::util::SubscriberInitExt;

    if tracing::dispatcher::has_been_set() {
        return;
    }
    let wanted = std::env::var("RUST_LOG").unwrap_or_default();
    let filter = if wanted.is_empty() {
        Ok(Targets::new().with_default(LevelFilter::INFO))
    } else {
        wanted.parse::<Targets>()
    };
    let (filter, mistake) = match filter {
        Ok(filter) => (filter, None),
        Err(error) => (Targets::new().with_default(LevelFilter::INFO), Some(error)),
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let installed = tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .try_init();
    // An error means that the program has set up a log in this very moment.
    if installed.is_ok() {
        // What a panic says may hold what others sent, and would otherwise be written to the same
        // place as it is.
        std::panic::set_hook(Box::new(|panic| tracing::error!("{}", OneLine(panic))));
        if let Some(error) = mistake {
            tracing::warn!(
                "RUST_LOG is ignored: {error}; write a level such as debug, \
                 or ferrodash=debug,info"
            );
        }
    }
}

/// Does nothing: the feature `log` is off.
#[cfg(not(feature = "log"))]
pub fn install() {}

#[cfg(test)]
mod tests {
    use super::OneLine;

    #[test]
    fn what_begins_a_line_is_escaped_and_all_else_stays() {
        for (text, expected) in [
            (
                "plain, größe, 日本 \"quoted\" \\ {}",
                "plain, größe, 日本 \"quoted\" \\ {}",
            ),
            ("a\nb\r\nc\td", "a\\nb\\r\\nc\\td"),
            (
                "\u{1b}[2K\u{85}\u{2028}\u{2029}\u{0}",
                "\\u{1b}[2K\\u{85}\\u{2028}\\u{2029}\\u{0}",
            ),
            ("", ""),
        ] {
            assert_eq!(OneLine(text).to_string(), expected);
        }
    }
}
