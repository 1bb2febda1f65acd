//! How long the changes of an input are held back, and what ends the wait.

use std::time::Duration;

use crate::carrier;

/// What ends the wait of a debounced or throttled input before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Flush {
    /// The component loses the focus.
    Blur,
    /// The Enter key is pressed in the component, except in a field of several lines.
    Enter,
    /// The form that contains the component is submitted.
    Submit,
    /// The page is hidden or closed. The call is made by a request that outlives the page.
    Hide,
    /// The component is removed from the page. The call has the last value of the property.
    Unmount,
}

impl Flush {
    /// What ends a wait by default.
    pub const DEFAULT: [Self; 3] = [Self::Blur, Self::Enter, Self::Submit];

    /// The letter by which the script of the page knows it.
    fn letter(self) -> char {
        match self {
            Self::Blur => 'b',
            Self::Enter => 'e',
            Self::Submit => 's',
            Self::Hide => 'h',
            Self::Unmount => 'u',
        }
    }
}

/// The options of an input whose changes are held back. Without `debounce` and `throttle`, the
/// input does not wait.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wait {
    /// The time for which the input must not have changed.
    pub debounce: Option<Duration>,
    /// The time between two calls.
    pub throttle: Option<Duration>,
    /// The longest time that a change is held back.
    pub longest: Option<Duration>,
    /// Whether the first change passes at once.
    pub leading: Option<bool>,
    /// Whether the last change passes at the end of the wait.
    pub trailing: Option<bool>,
    /// What ends the wait before its time.
    pub flush: Option<Vec<Flush>>,
    /// Whether changes that other callbacks make are held back too.
    pub holds_callbacks: bool,
}

/// A wait as the script of the page carries it out: a throttle is a debounce that passes at the
/// first change and after the longest wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaitTiming {
    /// The time for which the property must not have changed.
    pub quiet: Duration,
    /// The longest time that a change is held back.
    pub longest: Option<Duration>,
    /// True if the first change passes at once.
    pub leading: bool,
    /// True if the last change passes at the end of the wait.
    pub trailing: bool,
    /// What ends the wait, a letter each.
    pub flush: String,
    /// True if changes that other callbacks make are held back too.
    pub holds_callbacks: bool,
}

impl Wait {
    /// Returns `true` if changes are held back.
    pub fn is_set(&self) -> bool {
        self.debounce.or(self.throttle).is_some()
    }

    /// Returns the wait as the page carries it out; `None` for an input that does not wait.
    pub fn timing(&self) -> Option<WaitTiming> {
        let quiet = self.debounce.or(self.throttle)?;
        let mut flush = self.flush.clone().unwrap_or(Flush::DEFAULT.to_vec());
        flush.sort_unstable();
        flush.dedup();
        Some(WaitTiming {
            quiet: whole_millis(quiet),
            longest: self.longest.or(self.throttle).map(whole_millis),
            leading: self.leading.unwrap_or(self.throttle.is_some()),
            trailing: self.trailing.unwrap_or(true),
            flush: flush.into_iter().map(Flush::letter).collect(),
            holds_callbacks: self.holds_callbacks,
        })
    }

    /// Returns what is wrong with the options, if anything is.
    pub fn mistake(&self) -> Option<&'static str> {
        let times = [self.debounce, self.throttle, self.longest];
        let has_options = self.longest.is_some()
            || self.leading.is_some()
            || self.trailing.is_some()
            || self.flush.is_some()
            || self.holds_callbacks;
        if times.contains(&Some(Duration::ZERO)) {
            return Some("a debounce or throttle of zero waits for nothing; leave it out");
        }
        if self.debounce.is_some() && self.throttle.is_some() {
            return Some("an input has either a debounce or a throttle");
        }
        if !self.is_set() && has_options {
            return Some(
                "max_wait, leading, trailing, flush and hold_callbacks need a debounce or a throttle",
            );
        }
        if self.throttle.is_some() && self.longest.is_some() {
            return Some("max_wait is for a debounce; a throttle never waits longer than its time");
        }
        if self
            .longest
            .is_some_and(|longest| Some(longest) < self.debounce)
        {
            return Some("a max_wait below the debounce leaves no time to wait");
        }
        let timing = self.timing()?;
        let passes = timing.leading || timing.trailing;
        (!passes).then_some("with neither leading nor trailing, no change would ever pass")
    }
}

impl WaitTiming {
    /// Returns the name of the carrier. Inputs with the same property and timing have the same one,
    /// unless `own` tells them apart.
    pub fn carrier(&self, property: &str, own: &str) -> String {
        let mut suffix = String::new();
        if let Some(longest) = self.longest {
            suffix.push_str(&format!("-{}", longest.as_millis()));
        }
        let flags = [
            (self.leading, "l"),
            (!self.trailing, "t"),
            (self.holds_callbacks, "c"),
        ];
        let letters: String = flags
            .iter()
            .filter(|(set, _)| *set)
            .map(|(_, letter)| *letter)
            .collect();
        let usual = self.flush == "bes";
        for part in [letters.as_str(), if usual { "" } else { &self.flush }, own] {
            if !part.is_empty() {
                suffix.push('-');
                suffix.push_str(part);
            }
        }
        // A set without anything to end the wait differs from the usual one.
        if self.flush.is_empty() {
            suffix.push_str("-0");
        }
        carrier(property, self.quiet) + &suffix
    }
}

/// The timers of pages, and the names of carriers, have whole milliseconds.
fn whole_millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis().try_into().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MILLI: Duration = Duration::from_millis(1);

    fn debounce(millis: u32) -> Wait {
        Wait {
            debounce: Some(MILLI * millis),
            ..Wait::default()
        }
    }

    #[test]
    fn different_waits_have_different_carriers() {
        let all = [
            debounce(500),
            debounce(501),
            Wait {
                debounce: None,
                throttle: Some(MILLI * 500),
                ..Wait::default()
            },
            Wait {
                longest: Some(MILLI * 900),
                ..debounce(500)
            },
            Wait {
                leading: Some(true),
                ..debounce(500)
            },
            Wait {
                leading: Some(true),
                trailing: Some(false),
                ..debounce(500)
            },
            Wait {
                flush: Some(vec![Flush::Hide]),
                ..debounce(500)
            },
            Wait {
                flush: Some(vec![]),
                ..debounce(500)
            },
            Wait {
                holds_callbacks: true,
                ..debounce(500)
            },
        ];
        let mut carriers: Vec<_> = all
            .iter()
            .flat_map(|wait| ["", "a1"].map(|own| wait.timing().unwrap().carrier("value", own)))
            .collect();
        assert_eq!(carriers[0], "data-fd-value-500");
        let count = carriers.len();
        carriers.sort();
        carriers.dedup();
        assert_eq!(carriers.len(), count, "{carriers:?}");
        assert!(all.iter().all(|wait| wait.mistake().is_none()));
    }

    #[test]
    fn the_order_of_what_ends_a_wait_makes_no_difference() {
        let with = |flush: &[Flush]| Wait {
            flush: Some(flush.to_vec()),
            ..debounce(500)
        };
        let usual = with(&[Flush::Submit, Flush::Blur, Flush::Enter, Flush::Blur]);
        assert_eq!(usual.timing(), debounce(500).timing());
    }

    #[test]
    fn options_that_contradict_each_other_are_mistakes() {
        let wrong = [
            debounce(0),
            Wait {
                throttle: Some(MILLI),
                ..debounce(1)
            },
            Wait {
                leading: Some(true),
                ..Wait::default()
            },
            Wait {
                throttle: Some(MILLI),
                longest: Some(MILLI),
                ..Wait::default()
            },
            Wait {
                longest: Some(MILLI),
                ..debounce(2)
            },
            Wait {
                trailing: Some(false),
                ..debounce(1)
            },
        ];
        for wait in wrong {
            assert!(wait.mistake().is_some(), "{wait:?}");
        }
        assert_eq!(Wait::default().mistake(), None);
    }
}
