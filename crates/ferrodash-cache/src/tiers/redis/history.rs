//! The histories of invalidations. Each is a hash with the run of the server that wrote it, an era,
//! a counter, and marks.
//!
//! A server may come back with less than it had: from a snapshot, as a replica that was promoted,
//! with a counter that went back. An invalidation may be among what it has lost, so then another
//! era begins, and entries of the old one count as absent. A connection learns at its start which
//! run of the server it leads to, and each look at the marks compares this run with the one that
//! wrote them. So every process notices, also one that was idle during the restart, and one that
//! starts after it.
//!
//! A single server has one history. A cluster has many, spread over its slots, each with all marks:
//! an invalidation is written into all of them, and a value is compared with one that is on its own
//! node. The histories are independent: an entry belongs to the history whose era it has.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use redis::{Cmd, ErrorKind, RedisError, RedisResult};

use super::link::Link;
use super::names::Names;
use super::push::Pushes;
use super::script;
use crate::{Change, Marks, Recent, Selector, Stamp};

/// The number of looks at marks that turn out to be gone.
const LOOKS: usize = 3;

/// The limit of fields in a hash of marks, and the limit if each mark is in many hashes. Beyond it
/// a new era begins.
const MOST_MARKS: u64 = 100_000;
const MOST_OF_MANY: u64 = 20_000;

/// The histories of a tier, as far as this process has seen them.
pub(super) struct Histories {
    names: Arc<Names>,
    pushes: Arc<Pushes>,
    // Locked for one look or change.
    known: Box<[Mutex<Stamp>]>,
}

/// The fields of a hash of marks: run, era, sequence, and the marks of the requested selectors.
pub(super) type Fields = Vec<Option<Bytes>>;

impl Histories {
    pub(super) fn new(names: Arc<Names>, pushes: Arc<Pushes>) -> Self {
        let known = names.marks.iter().map(|_| Mutex::default()).collect();
        Self {
            names,
            pushes,
            known,
        }
    }

    /// Returns the newest moment of a history that is known here. The answer to a later request
    /// must not be older.
    pub(super) fn known(&self, history: usize) -> Stamp {
        *self.lock(history)
    }

    /// Returns the command that reads the marks of selectors.
    pub(super) fn fields(&self, history: usize, selectors: &[Selector]) -> Cmd {
        let mut command = redis::cmd("HMGET");
        command
            .arg(&self.names.marks[history])
            .arg("run")
            .arg("era")
            .arg("seq");
        for selector in selectors {
            command.arg(selector.to_string());
        }
        command
    }

    /// Reads the marks from their fields. `known` are the moments that were known before the
    /// request. Returns `None` if an era has to begin.
    pub(super) fn take(
        &self,
        history: usize,
        run: &str,
        known: impl IntoIterator<Item = Stamp>,
        fields: &Fields,
    ) -> Option<Marks> {
        let [by, era, sequence, marks @ ..] = &**fields else {
            return None;
        };
        let era = number(era)?;
        let now = Stamp {
            era,
            sequence: number(sequence).unwrap_or(0),
        };
        if by.as_deref() != Some(run.as_bytes()) {
            return None;
        }
        // The counter went back. The later moment is noted, so that every reader of this value
        // notices.
        if let Some(later) = known
            .into_iter()
            .find(|known| known.era == era && known.sequence > now.sequence)
        {
            self.note(history, later);
            return None;
        }
        self.note(history, now);
        let newest = marks.iter().filter_map(number).max().unwrap_or(0);
        Some(Marks {
            now,
            newest,
            history,
        })
    }

    /// Reads the marks of selectors, and begins an era if necessary.
    pub(super) async fn marks(
        &self,
        history: usize,
        link: &mut Link,
        selectors: &[Selector],
    ) -> RedisResult<Marks> {
        for _ in 0..LOOKS {
            let known = self.known(history);
            let (fields,) = link
                .ask::<(Fields,)>([self.fields(history, selectors)])
                .await?;
            if let Some(marks) = self.take(history, &link.run, [known], &fields) {
                return Ok(marks);
            }
            // The connection may lead to another run of the server than it did at its start. Then
            // the run that is known here must not be written.
            link.is_same_run().await?;
            self.change(&[history], link, &script::BEGIN, &[]).await?;
        }
        Err(unexpected("the marks are gone at once"))
    }

    /// Reads what the last invalidations marked.
    pub(super) async fn recent(
        &self,
        history: usize,
        era: u64,
        link: &mut Link,
    ) -> RedisResult<Recent> {
        let mut command = redis::cmd("HMGET");
        command
            .arg(&self.names.marks[history])
            .arg("era")
            .arg("log");
        let ((now, log),) = link
            .ask::<((Option<u64>, Option<String>),)>([command])
            .await?;
        let log = log.filter(|_| now == Some(era)).unwrap_or_default();
        Ok(read_log(&log))
    }

    /// Raises the counters of histories on one node, and marks selectors with them. Returns the
    /// moment of each.
    pub(super) async fn invalidate(
        &self,
        histories: &[usize],
        link: &mut Link,
        selectors: &[Selector],
    ) -> RedisResult<Vec<Marks>> {
        let marks = self
            .change(histories, link, &script::INVALIDATE, selectors)
            .await?;
        let marks = marks.into_iter().collect::<Option<Vec<_>>>();
        marks.ok_or_else(|| unexpected("an invalidation left no mark"))
    }

    /// Runs a script that begins an era if necessary.
    async fn change(
        &self,
        histories: &[usize],
        link: &mut Link,
        script: &script::Script,
        selectors: &[Selector],
    ) -> RedisResult<Vec<Option<Marks>>> {
        let run = link.run.clone();
        let most = if self.known.len() > 1 {
            MOST_OF_MANY
        } else {
            MOST_MARKS
        };
        let selectors: Vec<_> = selectors.iter().map(Selector::to_string).collect();
        let (mut all_known, mut calls) = (Vec::new(), Vec::new());
        for history in histories {
            let known = self.known(*history);
            let numbers = [crate::random::number(), known.era, known.sequence, most]
                .map(|number| number.to_string());
            let arguments = [run.to_string()]
                .into_iter()
                .chain(numbers)
                .chain(selectors.iter().cloned());
            calls.push((
                [&*self.names.marks[*history]],
                arguments.collect::<Vec<_>>(),
            ));
            all_known.push((*history, known));
        }
        let calls: Vec<_> = calls
            .iter()
            .map(|(keys, arguments)| (&keys[..], &arguments[..]))
            .collect();
        let fields = script.run_each::<Vec<Fields>, _>(link, &calls).await?;
        let taken = all_known.into_iter().zip(&fields);
        Ok(taken
            .map(|((history, known), fields)| self.take(history, &run, [known], fields))
            .collect())
    }

    /// Remembers the newest moment, and reports a change if it is in another era than the last one.
    fn note(&self, history: usize, now: Stamp) {
        let mut known = self.lock(history);
        let before = *known;
        // Answers of one era may arrive in another order than they were given.
        let sequence = if before.era == now.era {
            before.sequence.max(now.sequence)
        } else {
            now.sequence
        };
        *known = Stamp { sequence, ..now };
        drop(known);
        if before.era != now.era && before != Stamp::default() {
            tracing::info!(
                history,
                "the marks in Redis begin an era; what it held before counts as absent"
            );
            self.pushes.tell(Change::Marks);
        }
    }

    fn lock(&self, history: usize) -> MutexGuard<'_, Stamp> {
        self.known[history]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reads the lines of the log up to the last one that has a number without a gap.
fn read_log(log: &str) -> Recent {
    let read = |line: &str| {
        let (number, selectors) = line.split_once(' ')?;
        let selectors = selectors.split(' ').map(|text| text.parse().ok());
        Some((number.parse().ok()?, selectors.collect::<Option<_>>()?))
    };
    let records: Recent = log.lines().filter_map(read).collect();
    let gap = records
        .windows(2)
        .rposition(|pair| pair[0].0 + 1 != pair[1].0);
    records[gap.map_or(0, |gap| gap + 1)..].to_vec()
}

/// Reads a field as a number.
fn number(field: &Option<Bytes>) -> Option<u64> {
    std::str::from_utf8(field.as_deref()?).ok()?.parse().ok()
}

/// Makes an error for an answer that a working server does not give.
pub(super) fn unexpected(what: &'static str) -> RedisError {
    (ErrorKind::UnexpectedReturnType, what).into()
}
