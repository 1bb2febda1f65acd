//! Keys differ exactly when the arguments do.

use std::collections::{BTreeMap, HashMap};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn key(arguments: impl Serialize) -> Key {
    Key::of("f", &arguments)
}

#[test]
fn s17_types_do_not_collide() {
    let keys = [
        key(1),
        key(1.0),
        key("1"),
        key('1'),
        key(true),
        key(None::<u8>),
        key(Some(1)),
        key(()),
        key(""),
        key(0),
        key(-1),
        key(false),
        key([1]),
        key([[1]]),
        key(serde_bytes(b"1")),
        key(Vec::<u8>::new()),
        key(BTreeMap::<u8, u8>::new()),
    ];
    for (i, a) in keys.iter().enumerate() {
        for (j, b) in keys.iter().enumerate() {
            assert_eq!(i == j, a == b, "{i} and {j}");
        }
    }
}

fn serde_bytes(bytes: &'static [u8]) -> impl Serialize {
    struct Raw(&'static [u8]);
    impl Serialize for Raw {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.serialize_bytes(self.0)
        }
    }
    Raw(bytes)
}

#[test]
fn s17_maps_of_the_same_content_share_a_key_in_any_order() {
    let forth: HashMap<String, i32> = (0..100).map(|i| (i.to_string(), i)).collect();
    let back: HashMap<String, i32> = (0..100).rev().map(|i| (i.to_string(), i)).collect();
    let sorted: BTreeMap<String, i32> = (0..100).map(|i| (i.to_string(), i)).collect();
    assert_eq!(key(&forth), key(&back));
    assert_eq!(key(&forth), key(&sorted));
}

#[test]
fn s17_nan_hits_itself() {
    let other_nan = f64::from_bits(0x7ff8_0000_0000_0001);
    assert!(other_nan.is_nan());
    assert_eq!(key(f64::NAN), key(other_nan));
    assert_eq!(key(-f64::NAN), key(f64::NAN));
    assert_ne!(key(f64::NAN), key(f64::INFINITY));
}

#[test]
fn arguments_do_not_run_into_each_other() {
    assert_ne!(key(("ab", "c")), key(("a", "bc")));
    assert_ne!(key((vec![1, 2], vec![3])), key((vec![1], vec![2, 3])));
    assert_ne!(Key::of("ab", &"c"), Key::of("a", &"bc"));
}

#[test]
fn long_arguments_are_hashed_in_pieces_and_no_piece_is_lost() {
    let numbers: Vec<u64> = (0..100_000).collect();
    assert_eq!(key(&numbers), key(&numbers));
    for changed in [0, 3_700, 50_000, 99_999] {
        let mut other = numbers.clone();
        other[changed] += 1;
        assert_ne!(key(&numbers), key(&other), "number {changed}");
    }
    assert_ne!(key(&numbers), key((&numbers, 1)));
    assert_ne!(key(&numbers), key(&numbers[..99_999]));
    // What is inside a map is sorted first, and so not hashed in pieces.
    assert_eq!(
        key(json!({"a": numbers, "b": 1})),
        key(json!({"b": 1, "a": numbers}))
    );
}

#[test]
fn width_of_an_integer_does_not_count() {
    assert_eq!(key(7u8), key(7i64));
    assert_eq!(key(-7i8), key(-7i64));
    assert_eq!(key(7u128), key(7i128));
    assert_eq!(key(-7i8), key(-7i128));
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3i64..3).prop_map(Value::from),
        prop_oneof![Just(0.0), Just(1.0), Just(-1.5)].prop_map(|number: f64| json!(number)),
        "[ab:1]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[ab]{0,2}", inner, 0..4).prop_map(|map| json!(map)),
        ]
    })
}

proptest! {
    #[test]
    fn equal_arguments_and_only_those_share_a_key(a in values(), b in values()) {
        prop_assert_eq!(a == b, key(&a) == key(&b));
        prop_assert_eq!(key(&a), key(a));
    }
}
