use ferrodash::prelude::*;

#[callback(
    output("graph", "figure"),
    output("text", "children"),
    input("year", "value", default = 2013),
    input("search", "value", debounce = "500ms"),
    state([("type", "row".into()), ("index", 1.into())], "data"),
    running("button", "disabled", true, false),
    cache(timeout = "1h30m", vary = ["trigger", "cookie:session"]),
    prevent_initial_call
)]
async fn figure(
    year: i32,
    search: Option<String>,
    data: Option<serde_json::Value>,
    ctx: Context,
) -> Result<(serde_json::Value, String), CallbackError> {
    let _ = (year, search, data, ctx.triggered_id());
    Ok((serde_json::Value::Null, String::new()))
}

#[memoize(timeout = "5m")]
async fn load(name: &str, count: u32) -> Result<Vec<String>, String> {
    Ok(vec![name.to_owned(); count as usize])
}

#[memoize(timeout = "5m")]
async fn names(function: u32, policy: u32, arguments: u32) -> u32 {
    function + policy + arguments
}

fn main() {
    let _ = callbacks![figure];
    let _ = figure;
    let _ = load;
    let _ = names;
}
