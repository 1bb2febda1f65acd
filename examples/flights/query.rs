//! Filters and aggregates over the columns.

use serde::{Deserialize, Serialize};

use crate::data::{Flights, NO_DELAY};

/// What the filters of the page say.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Filter {
    pub(crate) origins: Vec<String>,
    pub(crate) carriers: Vec<String>,
    pub(crate) months: (u8, u8),
}

/// Numbers of a group of flights.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Group {
    pub(crate) flights: u32,
    pub(crate) cancelled: u32,
    pub(crate) late: u32,
    pub(crate) delay_sum: i64,
}

/// The aggregates of a filter.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Summary {
    pub(crate) total: Group,
    /// By origin, then month.
    pub(crate) by_month: Vec<(String, [Group; 12])>,
    pub(crate) by_carrier: Vec<(String, Group)>,
    /// Weekday (Monday first) by hour.
    pub(crate) by_hour: Vec<[Group; 24]>,
    pub(crate) destinations: Vec<(String, u32)>,
}

/// From how many minutes on a departure is late.
const LATE: i16 = 15;

impl Group {
    fn add(&mut self, delay: i16) {
        self.flights += 1;
        if delay == NO_DELAY {
            self.cancelled += 1;
        } else {
            self.delay_sum += i64::from(delay);
            self.late += u32::from(delay >= LATE);
        }
    }

    /// Mean delay in minutes of the flights that left.
    pub(crate) fn mean_delay(&self) -> Option<f64> {
        let left = self.flights - self.cancelled;
        (left > 0).then(|| (self.delay_sum as f64 / f64::from(left) * 10.0).round() / 10.0)
    }

    /// A part of all flights, in percent.
    pub(crate) fn percent(&self, part: u32) -> f64 {
        if self.flights == 0 {
            0.0
        } else {
            f64::from(part) / f64::from(self.flights) * 100.0
        }
    }
}

impl Filter {
    /// The indices of the flights that match. An empty list of carriers means all.
    pub(crate) fn rows<'a>(&self, flights: &'a Flights) -> impl Iterator<Item = usize> + use<'a> {
        let origins: Vec<u16> = self
            .origins
            .iter()
            .filter_map(|name| flights.airports.index(name))
            .collect();
        let carriers: Vec<u16> = self
            .carriers
            .iter()
            .filter_map(|name| flights.carriers.index(name))
            .collect();
        let (first, last) = self.months;
        (0..flights.len()).filter(move |&row| {
            (first..=last).contains(&flights.month[row])
                && origins.contains(&flights.origin[row])
                && (carriers.is_empty() || carriers.contains(&flights.carrier[row]))
        })
    }

    /// The aggregates of the flights that match.
    pub(crate) fn summary(&self, flights: &Flights) -> Summary {
        let mut total = Group::default();
        let mut months = vec![[Group::default(); 12]; flights.airports.iter().count()];
        let mut carriers = vec![Group::default(); flights.carriers.iter().count()];
        let mut hours = vec![[Group::default(); 24]; 7];
        let mut destinations = vec![0; flights.airports.iter().count()];
        for row in self.rows(flights) {
            let delay = flights.delay[row];
            total.add(delay);
            months[usize::from(flights.origin[row])][usize::from(flights.month[row]) - 1]
                .add(delay);
            carriers[usize::from(flights.carrier[row])].add(delay);
            hours[weekday(flights.month[row], flights.day[row])]
                [usize::from(flights.hour[row]) % 24]
                .add(delay);
            destinations[usize::from(flights.destination[row])] += 1;
        }
        let named = |name: &str| name.to_owned();
        let by_month = flights.airports.iter().map(named).zip(months);
        let by_carrier = flights.carriers.iter().map(named).zip(carriers);
        let destinations = flights.airports.iter().map(named).zip(destinations);
        let mut summary = Summary {
            total,
            by_month: by_month
                .filter(|(_, months)| months.iter().any(|group| group.flights > 0))
                .collect(),
            by_carrier: by_carrier.filter(|(_, group)| group.flights > 0).collect(),
            by_hour: hours,
            destinations: destinations.filter(|(_, count)| *count > 0).collect(),
        };
        summary.by_month.sort_by(|a, b| a.0.cmp(&b.0));
        summary.by_carrier.sort_by_key(|(_, group)| group.flights);
        summary
            .destinations
            .sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        summary
    }
}

/// The day of the week in 2013, Monday being 0. The year began on a Tuesday.
pub(crate) fn weekday(month: u8, day: u8) -> usize {
    const BEFORE: [usize; 12] = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334];
    (BEFORE[usize::from(month) - 1] + usize::from(day)) % 7
}
