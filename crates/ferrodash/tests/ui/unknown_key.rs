use ferrodash::prelude::*;

#[callback(output("out", "children"), inputs("a", "value"))]
async fn show(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[callback(output("out", "children"), input("a", "value"), cache(timeout = "5m", ttl = "1m"))]
async fn cached(a: Option<String>) -> String {
    a.unwrap_or_default()
}

fn main() {}
