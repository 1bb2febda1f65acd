use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value"))]
fn show(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[memoize(timeout = "5m")]
fn load() -> u32 {
    1
}

fn main() {}
