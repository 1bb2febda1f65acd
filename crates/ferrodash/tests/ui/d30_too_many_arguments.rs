use ferrodash::prelude::*;

type Text = Option<String>;

#[expect(clippy::too_many_arguments)]
async fn show(
    _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text, _: Text,
) -> String {
    String::new()
}

fn main() {
    let _ = Callback::builder().handler(show);
}
