use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value", debounce = 500))]
async fn show(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[memoize(timeout = "five")]
async fn load() -> u32 {
    1
}

fn main() {}
