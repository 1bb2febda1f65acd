use ferrodash::prelude::*;

#[derive(serde::Serialize)]
struct Rows {
    count: u32,
}

#[callback(output("out", "children"), input("a", "value"))]
async fn one(_a: Option<String>) -> Rows {
    Rows { count: 1 }
}

#[callback(output("x", "children"), output("y", "children"), input("a", "value"))]
async fn two(_a: Option<String>) -> Result<(String, Rows), CallbackError> {
    Ok((String::new(), Rows { count: 1 }))
}

fn main() {
    let base = || Callback::builder().output(Output::new("z", "children")).input(("a", "value"));
    let _ = base().handler(async |_: Option<String>| Rows { count: 1 });
}
