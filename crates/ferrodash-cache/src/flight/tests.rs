//! Interleavings of the flight map, tried out by shuttle: `scripts/test shuttle`.
//!
//! Without its feature, the same scenes are played once.

use std::sync::Arc;
use std::sync::atomic::AtomicU32;

use bytes::Bytes;

use super::*;
use crate::Parts;

/// Plays a scene in many interleavings of its threads.
fn play(scene: fn()) {
    #[cfg(shuttle)]
    shuttle::check_random(scene, 20_000);
    #[cfg(not(shuttle))]
    scene();
}

#[cfg(shuttle)]
use shuttle::{future::block_on, thread};
#[cfg(not(shuttle))]
use std::thread;

#[cfg(not(shuttle))]
fn block_on<T>(future: impl Future<Output = T>) -> T {
    futures_util::future::FutureExt::now_or_never(future)
        .expect("whoever waits here waits for another thread")
}

fn value(text: &'static str) -> Landing {
    let parts = Parts::new(
        Bytes::from_static(text.as_bytes()),
        std::time::Duration::from_secs(60),
    );
    Landing::Value {
        entry: Entry::new(parts),
        status: Status::Miss { stored: true },
        superseded: false,
    }
}

fn key() -> Key {
    Key::from_bytes([7; 32])
}

fn selectors() -> Arc<[Selector]> {
    [Selector::ALL].into()
}

/// Boards, runs the function if the caller is the first, and returns the landing.
fn ask(flights: &Arc<Flights>, runs: &AtomicU32) -> Landing {
    match flights.board(key(), &selectors(), false) {
        Boarding::Start(mut ticket, departure) => {
            runs.fetch_add(1, Ordering::SeqCst);
            departure.land(value("value"));
            block_on(ticket.landing())
        }
        Boarding::Join(mut ticket) => {
            #[cfg(shuttle)]
            return block_on(ticket.landing());
            #[cfg(not(shuttle))]
            loop {
                if let Some(landing) = ticket.arrival.borrow_and_update().clone() {
                    return landing;
                }
                thread::yield_now();
            }
        }
    }
}

#[test]
fn everyone_gets_a_value_and_no_flight_is_left() {
    play(|| {
        let (flights, runs) = (Arc::new(Flights::default()), Arc::new(AtomicU32::new(0)));
        let callers: Vec<_> = (0..3)
            .map(|_| {
                let (flights, runs) = (flights.clone(), runs.clone());
                thread::spawn(move || {
                    assert!(matches!(ask(&flights, &runs), Landing::Value { .. }))
                })
            })
            .collect();
        callers
            .into_iter()
            .for_each(|caller| caller.join().expect("no caller panics"));
        assert!((1..=3).contains(&runs.load(Ordering::SeqCst)));
        assert!(flights.lock().is_empty());
    });
}

#[test]
fn who_boards_after_a_removal_does_not_get_what_was_begun_before_it() {
    play(|| {
        let flights = Arc::new(Flights::default());
        let Boarding::Start(ticket, old) = flights.board(key(), &selectors(), false) else {
            panic!("the map is empty")
        };
        let remover = {
            let flights = flights.clone();
            thread::spawn(move || {
                flights.cancel(&key());
                // From here on, no caller may join the old flight.
                match flights.board(key(), &selectors(), false) {
                    Boarding::Start(_, departure) => {
                        assert!(!departure.is_canceled());
                        departure.land(value("new"));
                    }
                    Boarding::Join(_) => panic!("it joined a flight that was canceled"),
                }
            })
        };
        let lander = thread::spawn(move || {
            // Either it was removed before this look, or the old value was kept first and the
            // removal took it away.
            let _ = old.is_canceled();
            old.land(value("old"));
        });
        remover.join().expect("no thread panics");
        lander.join().expect("no thread panics");
        drop(ticket);
        assert!(
            flights.lock().is_empty(),
            "a flight that lands takes only itself off the map"
        );
    });
}

#[test]
fn nobody_joins_a_flight_whose_last_waiter_has_left() {
    play(|| {
        let flights = Arc::new(Flights::default());
        let Boarding::Start(ticket, departure) = flights.board(key(), &selectors(), false) else {
            panic!("the map is empty")
        };
        let leaver = thread::spawn(move || drop(ticket));
        let joiner = {
            let flights = flights.clone();
            thread::spawn(move || match flights.board(key(), &selectors(), false) {
                // The flight goes on for this one.
                Boarding::Join(ticket) => assert!(ticket.state.waiters.load(Ordering::SeqCst) >= 1),
                Boarding::Start(_, departure) => departure.land(value("own")),
            })
        };
        leaver.join().expect("no thread panics");
        joiner.join().expect("no thread panics");
        drop(departure);
        assert!(flights.lock().is_empty());
    });
}

#[test]
fn a_dropped_departure_ends_the_wait() {
    play(|| {
        let flights = Arc::new(Flights::default());
        let Boarding::Start(mut ticket, departure) = flights.board(key(), &selectors(), false)
        else {
            panic!("the map is empty")
        };
        let dropper = thread::spawn(move || drop(departure));
        dropper.join().expect("no thread panics");
        assert!(matches!(block_on(ticket.landing()), Landing::Panic(_)));
        assert!(flights.lock().is_empty());
    });
}
