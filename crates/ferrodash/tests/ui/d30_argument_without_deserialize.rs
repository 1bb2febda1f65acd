use ferrodash::prelude::*;

struct Filter;

#[callback(output("out", "children"), input("a", "value"), state("b", "value"))]
async fn show(_a: Option<String>, _filter: Filter) -> String {
    String::new()
}

fn main() {
    let base = || Callback::builder().output(Output::new("z", "children")).input(("a", "value"));
    let _ = base().handler(async |_: Filter| "");
}
