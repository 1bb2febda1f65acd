//! Stored entries: whatever is in a store either does not open, or is an entry that can be stored
//! again.

#![no_main]

use std::time::Duration;

use ferrodash_cache::{Entry, Key, Parts, Sealer, Selector, Stamp, fuzz_open};
use libfuzzer_sys::fuzz_target;

const LEFT: Duration = Duration::from_secs(1);

fuzz_target!(init: ferrodash_fuzz::seed("envelope", seeds()), |stored: &[u8]| {
    let Some(entry) = fuzz_open(stored) else { return };
    let (key, other) = (Key::from_bytes([1; 32]), Key::from_bytes([2; 32]));
    for sealer in [Sealer::default(), Sealer::new(Some("secret")).within("app")] {
        let sealed = sealer.seal(&key, &entry);
        // Signed, it also ends by the clock: what is past its time does not open.
        match sealer.open(&key, &sealed, LEFT) {
            Some(again) => assert_same(entry.parts(), again.parts()),
            None => assert!(sealer.open(&other, &sealed, LEFT).is_none() && entry.age() + LEFT >= entry.parts().lifetime),
        }
    }
    let signed = Sealer::new(Some("secret")).seal(&key, &entry);
    assert!(Sealer::new(Some("secret")).open(&other, &signed, LEFT).is_none(), "it is bound to its key");
    // None of these may panic, however large the times are.
    let _ = (entry.age(), entry.remaining(), entry.lifetime_left());
});

fn assert_same(a: &Parts, b: &Parts) {
    // Named one by one, so that a part that is added is not forgotten here.
    let Parts {
        bytes,
        id,
        timeout,
        lifetime,
        cost,
        negative,
        fingerprint,
        born,
        selectors,
        validator,
        compressed,
    } = a;
    assert_eq!(
        (bytes, id, timeout, lifetime, cost),
        (&b.bytes, &b.id, &b.timeout, &b.lifetime, &b.cost)
    );
    assert_eq!(
        (negative, fingerprint, born, selectors),
        (&b.negative, &b.fingerprint, &b.born, &b.selectors)
    );
    assert_eq!((validator, compressed), (&b.validator, &b.compressed));
}

fn seeds() -> Vec<Vec<u8>> {
    let plain = |bytes: Vec<u8>| Parts {
        id: 1,
        ..Parts::new(bytes.into(), Duration::from_secs(60))
    };
    let full = Parts {
        lifetime: Duration::from_secs(3600),
        cost: Duration::from_millis(20),
        fingerprint: 5,
        born: Stamp {
            era: 7,
            sequence: 9,
        },
        selectors: [
            Selector::ALL,
            Selector::function("rows"),
            Selector::tag("orders"),
        ]
        .into(),
        validator: Some("\"etag\"".into()),
        ..plain(b"value".to_vec())
    };
    let failed = Parts {
        negative: true,
        ..plain(b"no such order".to_vec())
    };
    let packed = Parts {
        compressed: true,
        ..plain(vec![7; 3000])
    };
    // This one is compressed when it is sealed.
    let large = plain(vec![7; 3000]);
    let all = [plain(Vec::new()), full.clone(), failed, packed, large];
    let sealed = all.map(|parts| {
        Sealer::default()
            .seal(&Key::from_bytes([0; 32]), &Entry::new(parts))
            .to_vec()
    });
    let signed = Sealer::new(Some("another"))
        .seal(&Key::from_bytes([0; 32]), &Entry::new(full))
        .to_vec();
    sealed.into_iter().chain([signed]).collect()
}
