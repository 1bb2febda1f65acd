//! The history of invalidations: an era, a counter, and the marks of selectors.
//!
//! The server may drop any of them at any time, so each loss has to invalidate too much rather than
//! too little. If the era is missing, or the counter of the era, a new era begins, which
//! invalidates all older entries. If the mark of a selector is missing, the selector gets the
//! current number as its mark, which invalidates everything that began before. The counter of an
//! era is created before the era, so an era without a counter has lost it. A counter that is below
//! a mark was put back, and a new era begins as well.

use std::sync::atomic::Ordering;

use memcache::exp::{Arithmetic, Delete, Op, Set};

use super::Memcached;
use super::link::{Call, fetch};
use super::reply::Reply;
use crate::{Marks, Selector, Stamp, TierResult};

/// The number with which an era begins.
const FIRST: u64 = 1;

/// Returns the newest of some marks.
fn newest_of(marks: &[Reply]) -> u64 {
    marks.iter().filter_map(Reply::number).max().unwrap_or(0)
}

impl Memcached {
    /// Returns the commands that read a history. [`settle`](Self::settle) takes the replies.
    pub(super) fn look(&self, era: u64, selectors: &[Selector]) -> Vec<Op> {
        self.history(era, selectors, fetch(self.names.sequence(era)))
    }

    /// Reads the marks of selectors from the replies to [`look`](Self::look), which are right if
    /// the era was guessed right. If it was not, or if something is missing, that is repaired and
    /// the marks are requested again.
    pub(super) async fn settle(
        &self,
        call: &Call<'_>,
        selectors: &[Selector],
        mut era: u64,
        mut replies: Vec<Reply>,
    ) -> TierResult<Marks> {
        // The deadline of the call ends this at the latest.
        loop {
            let marks = replies.split_off(2);
            let (current, sequence) = (&replies[0], replies[1].number());
            match (current.number(), sequence) {
                (Some(found), Some(sequence)) if found == era => {
                    let newest = newest_of(&marks);
                    if self.fell_back(call, era, sequence, newest).await? {
                        self.begin(call, current.cas).await?;
                        replies = call.run_all(self.look(era, selectors)).await?;
                        continue;
                    }
                    // A mark can be newer than the number, if it was raised after the number was
                    // read.
                    let sequence = sequence.max(newest);
                    if marks.iter().all(|mark| mark.number().is_some()) {
                        return Ok(Marks {
                            now: Stamp { era, sequence },
                            newest,
                            history: 0,
                        });
                    }
                    let missing = selectors
                        .iter()
                        .copied()
                        .zip(marks)
                        .filter(|(_, mark)| mark.number().is_none());
                    self.raise(call, Stamp { era, sequence }, missing.collect())
                        .await?;
                }
                (Some(found), _) if found != era => {
                    era = found;
                    self.era.store(era, Ordering::Relaxed);
                }
                _ => self.begin(call, current.cas).await?,
            }
            replies = call.run_all(self.look(era, selectors)).await?;
        }
    }

    /// Reads the marks of selectors.
    pub(super) async fn marks_at(
        &self,
        call: &Call<'_>,
        selectors: &[Selector],
    ) -> TierResult<Marks> {
        let era = self.last_era();
        let replies = call.run_all(self.look(era, selectors)).await?;
        self.settle(call, selectors, era, replies).await
    }

    /// Raises the counter and marks selectors with it.
    pub(super) async fn mark(&self, selectors: &[Selector]) -> TierResult<Stamp> {
        let call = self.link.call();
        loop {
            let era = self.last_era();
            let raise = Arithmetic::new(self.names.sequence(era)).into();
            let mut replies = call.run_all(self.history(era, selectors, raise)).await?;
            let marks = replies.split_off(2);
            match (replies[0].number(), replies[1].number()) {
                (Some(found), Some(sequence)) if found == era => {
                    // Nobody else gets this number, so no mark has it.
                    let newest = newest_of(&marks);
                    if newest == sequence || self.fell_back(&call, era, sequence, newest).await? {
                        self.begin(&call, replies[0].cas).await?;
                        continue;
                    }
                    let stamp = Stamp { era, sequence };
                    self.raise(&call, stamp, selectors.iter().copied().zip(marks).collect())
                        .await?;
                    return Ok(stamp);
                }
                // Learns the present era, or begins one.
                _ => self.marks_at(&call, &[]).await.map(drop)?,
            }
        }
    }

    /// Returns whether the counter of an era is below a mark: it was put back, or lost and raised
    /// again. What was computed with the number of the mark would then survive later invalidations.
    ///
    /// A mark that was raised after the number was read is newer too. So the number is read again.
    async fn fell_back(
        &self,
        call: &Call<'_>,
        era: u64,
        sequence: u64,
        newest: u64,
    ) -> TierResult<bool> {
        if newest <= sequence {
            return Ok(false);
        }
        let [counter] = call.run([fetch(self.names.sequence(era))]).await?;
        Ok(counter.number().is_some_and(|now| now < newest))
    }

    /// Ends the present era. The next reader of the marks begins another.
    pub(super) async fn forget_era(&self) -> TierResult<()> {
        self.link
            .call()
            .run([Delete::new(self.names.era()).into()])
            .await
            .map(drop)
    }

    pub(super) fn last_era(&self) -> u64 {
        self.era.load(Ordering::Relaxed)
    }

    /// Returns commands for the era, the counter and the marks, which one server carries out in
    /// this order.
    fn history(&self, era: u64, selectors: &[Selector], counter: Op) -> Vec<Op> {
        // One more than is added here, for the command that reads the entry.
        let mut commands = Vec::with_capacity(selectors.len() + 3);
        commands.extend([fetch(self.names.era()), counter]);
        commands.extend(
            selectors
                .iter()
                .map(|selector| fetch(self.names.mark(era, *selector))),
        );
        commands
    }

    /// Makes sure that each mark is at least the number of the stamp. If several processes do so,
    /// the largest number stays.
    async fn raise(
        &self,
        call: &Call<'_>,
        at: Stamp,
        mut marks: Vec<(Selector, Reply)>,
    ) -> TierResult<()> {
        loop {
            marks.retain(|(_, mark)| mark.number().is_none_or(|number| number < at.sequence));
            if marks.is_empty() {
                return Ok(());
            }
            let write = |(selector, mark): &(Selector, Reply)| {
                let set = Set::new(self.names.mark(at.era, *selector), at.sequence.to_string());
                mark.cas
                    .map_or_else(|| set.clone().add(), |cas| set.clone().compare_cas(cas))
                    .into()
            };
            let read =
                |(selector, _): &(Selector, Reply)| fetch(self.names.mark(at.era, *selector));
            let commands = marks
                .iter()
                .map(write)
                .chain(marks.iter().map(read))
                .collect();
            let read = call.run_all(commands).await?.split_off(marks.len());
            marks = marks
                .into_iter()
                .map(|(selector, _)| selector)
                .zip(read)
                .collect();
        }
    }

    /// Begins an era, unless another process has just done so. `replaced` is the CAS of the era
    /// that lost its counter.
    async fn begin(&self, call: &Call<'_>, replaced: Option<u64>) -> TierResult<()> {
        let era = crate::random::number().max(1);
        let counter = self.names.sequence(era);
        let set = Set::new(self.names.era(), era.to_string());
        let set = if let Some(cas) = replaced {
            set.compare_cas(cas)
        } else {
            set.add()
        };
        let [_, begun] = call
            .run([
                Set::new(&counter, FIRST.to_string()).add().into(),
                set.into(),
            ])
            .await?;
        if begun.done() {
            tracing::info!(
                era,
                "the Memcached server lost its marks or never had them; \
                 discarding all that it has"
            );
        } else {
            call.run([Delete::new(counter).into()]).await?;
        }
        Ok(())
    }
}
