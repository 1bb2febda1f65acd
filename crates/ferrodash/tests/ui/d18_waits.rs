use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value", throttle = 200))]
async fn without_unit(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[callback(output("out", "children"), input("a", "value", debounce = "1s", flush(focus)))]
async fn unknown_end(a: Option<String>) -> String {
    a.unwrap_or_default()
}

#[callback(output("out", "children"), input("a", "value"), overlap = "newest")]
async fn unknown_overlap(a: Option<String>) -> String {
    a.unwrap_or_default()
}

fn main() {
    let _ = Input::new("a", "value").debounce(500);
}
