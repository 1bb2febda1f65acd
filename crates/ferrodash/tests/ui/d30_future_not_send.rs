use ferrodash::prelude::*;

#[callback(output("out", "children"), input("a", "value"))]
async fn show(a: Option<String>) -> String {
    let shared = std::rc::Rc::new(a);
    std::future::ready(()).await;
    format!("{shared:?}")
}

fn main() {}
