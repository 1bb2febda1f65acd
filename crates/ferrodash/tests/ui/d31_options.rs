use ferrodash::prelude::*;

#[derive(serde::Serialize)]
struct Choice {
    value: u32,
    label: &'static str,
}

fn main() {
    let _ = dcc::Dropdown::new().options([("a", "A", "B")]);
    let _ = dcc::Dropdown::new().options(vec![Choice { value: 1, label: "one" }]);
    let _ = dcc::Slider::new().marks(["a", "b"]);
}
