use ferrodash::prelude::*;

fn main() {
    let _ = html::Div::new("text").n_clicks("many");
    let _ = html::Div::new("text").placeholder("none");
    let _ = html::Div::new(std::time::Duration::ZERO);
}
