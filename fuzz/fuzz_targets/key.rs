//! Keys: two calls have the same key exactly if function and arguments are the same.

#![no_main]

use arbitrary::Arbitrary;
use ferrodash_cache::Key;
use ferrodash_fuzz::Value;
use libfuzzer_sys::fuzz_target;

#[derive(Debug, Arbitrary)]
struct Input {
    function: String,
    /// Another function, or the same one.
    other: Option<String>,
    a: Value,
    b: Value,
    /// Where a part of `a` is replaced by `b`.
    path: Vec<u8>,
    /// In which of its forms each part of `a` is written again.
    choices: Vec<u8>,
    /// What stands before the values in longer arguments, if at all.
    padding: Option<u16>,
}

/// How much a cache hashes at once, and how far before the end of that values begin.
const PIECE: usize = 64 << 10;
const WITHIN: usize = 1 << 10;

fuzz_target!(init: ferrodash_fuzz::seed("key", ferrodash_fuzz::noise()), |input: Input| {
    let Input { function, other, a, b, path, choices, padding } = input;
    let other = other.as_deref().unwrap_or(&function);
    check((&function, &a), (other, &b));

    let mut almost = a.clone();
    *almost.place(&path) = b;
    check((&function, &a), (&function, &almost));
    if let Some(padding) = padding {
        // Long arguments are hashed in pieces, and one ends somewhere in the values.
        let long = |value: &Value| {
            let padding = usize::from(padding) % WITHIN;
            Value::List(vec![Value::Bytes(vec![0; PIECE - padding]), value.clone(), value.clone()])
        };
        check((&function, &long(&a)), (&function, &long(&almost)));
    }

    let again = a.respelled(&mut choices.into_iter().chain(std::iter::repeat(0)));
    assert_eq!(a.meaning(), again.meaning(), "a mistake of the fuzzer");
    check((&function, &a), (&function, &again));

    // Reading a key that somebody wrote.
    if let Ok(key) = function.parse::<Key>() {
        assert!(key.to_string().eq_ignore_ascii_case(&function));
    }
});

fn check(a: (&str, &Value), b: (&str, &Value)) {
    let (left, right) = (Key::of(a.0, a.1), Key::of(b.0, b.1));
    let same = a.0 == b.0 && a.1.meaning() == b.1.meaning();
    assert_eq!(same, left == right, "{a:?} and {b:?}");
    assert_eq!(a.0 == b.0, left.function() == right.function());
    assert_eq!(left.to_string().parse(), Ok(left));
}
