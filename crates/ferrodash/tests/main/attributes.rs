//! Every option of the attributes in one place: what the guide lists compiles, and has an effect on
//! the app.

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

#[derive(Debug, Clone, serde::Serialize, serde::Deserialize)]
struct Missing;

fn only_missing(_: &Missing) -> Option<std::time::Duration> {
    Some(std::time::Duration::from_secs(5))
}

#[memoize(
    timeout = "5m",
    stale_while_revalidate = "1h",
    stale_if_error = "1d",
    soft_timeout = "2s",
    hard_timeout = "1m",
    slower_than = "1ms",
    lease = "5s",
    jitter = 0.1,
    early = 1.0,
    tags = ["orders", "order:{id}"],
    negative = only_missing,
    ignore = [connection]
)]
async fn order(id: u32, connection: &str) -> Result<u32, Missing> {
    let _ = connection;
    Ok(id)
}

#[memoize(timeout = "5m", key = id / 10, blocking)]
fn decade(id: u32) -> u32 {
    id / 10
}

#[callback(
    output("refreshed", "children"),
    input("a", "value"),
    cache(
        timeout = "1m",
        refresh,
        negative_timeout = "5s",
        stale_while_revalidate = "1h",
        stale_if_error = "1d",
        tags = "orders",
        vary = ["user", "roles", "session", "locale"]
    )
)]
async fn refreshed(_a: Option<String>, ctx: Context) -> String {
    ctx.locale().unwrap_or_default()
}

fn answer(failure: &Failure, _: &Context) -> String {
    failure.to_string()
}

#[callback(
    output(id!{type: "out", index: MATCH}, "children", allow_duplicate),
    input(id!{type: "in", index: MATCH}, "value", optional),
    args(text = input("a", "value"), more = args(r#type = state("b", "value", default = 1, optional))),
    state(id!{type: "in", index: ALLSMALLER}, "value"),
    prevent_initial_call = "initial_duplicate",
    optional,
    hidden,
    on_error = answer,
    api_endpoint = "/api/rows",
    timeout = "10m",
    dynamic_callbacks,
    batch
)]
async fn rows(
    value: Option<String>,
    fields: serde_json::Value,
    smaller: Vec<u32>,
    _context: Context,
) -> String {
    format!("{value:?} {fields} {smaller:?}")
}

#[callback(input("save", "n_clicks"), prevent_initial_call = true)]
async fn save(_clicks: u32) -> Result<(), CallbackError> {
    Ok(())
}

#[callback(output("out", "children"), prevent_initial_call = false)]
async fn once() -> Patch {
    Patch::new()
}

#[test]
fn every_option_is_taken() {
    let layout = html::Div::new(()).id("page");
    let app = App::new(layout).callbacks(callbacks![figure, refreshed, rows, save, once]);
    let built = app
        .suppress_callback_exceptions(true)
        .identity(|_| None)
        .build();
    built
        .map(drop)
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[tokio::test]
async fn memoized_functions_stay_functions() {
    assert_eq!(load("a", 2).await, Ok(vec!["a".to_owned(); 2]));
    assert_eq!(names(1, 2, 3).await, 6);
    assert_eq!(order(7, "primary").await.unwrap(), 7);
    assert_eq!(decade(42).await, 4);
}

/// A function whose argument has its name.
#[memoize(timeout = "5m")]
async fn region(region: String) -> usize {
    region.len()
}

static POLICY: f64 = 0.25;

/// Arguments with the names that generated code might use.
#[memoize(timeout = "5m", jitter = POLICY, tags = ["n:{value}"])]
async fn hostile(
    value: u32,
    call: u32,
    me: u32,
    make: u32,
    item_0: u32,
    forget: u32,
    key: u32,
    run: u32,
) -> u32 {
    value + call + me + make + item_0 + forget + key + run
}

#[derive(Clone, serde::Serialize)]
struct Shop(u32);

impl Shop {
    #[memoize(timeout = "5m")]
    async fn stock(&self, stock: u32) -> u32 {
        self.0 + stock
    }

    fn stock_function(&self) -> u32 {
        self.0
    }

    fn stock_policy(&self) -> u32 {
        self.0
    }
}

#[tokio::test]
async fn c23_names_of_arguments_and_generated_code_do_not_meet() {
    assert_eq!(region("north".into()).await, 5);
    assert_eq!(region::refresh("south".into()).await, 5);
    assert!(region::prime("x".into(), 7).await);
    assert_eq!(region("x".into()).await, 7);
    region::forget("x".into()).await.unwrap();
    assert_eq!(region("x".into()).await, 1);
    assert_eq!(hostile(1, 2, 3, 4, 5, 6, 7, 8).await, 36);
    assert_eq!(hostile::refresh(1, 2, 3, 4, 5, 6, 7, 8).await, 36);
    let shop = Shop(1);
    assert_eq!((shop.stock(2).await, shop.stock_refresh(2).await), (3, 3));
    assert_eq!((shop.stock_function(), shop.stock_policy()), (1, 1));
}

type Borrowed = (usize, String);

#[memoize(timeout = "5m")]
#[expect(clippy::too_many_arguments, reason = "each is a form of its own")]
async fn borrowing(
    one: Option<&str>,
    many: &[&str],
    list: Vec<&str>,
    pair: (&str, u32),
    map: std::collections::HashMap<&str, Vec<&str>>,
    cow: std::borrow::Cow<'_, str>,
    array: [&[u8]; 2],
    constant: &'static str,
    deep: &Option<&str>,
    mut owned: Vec<u8>,
) -> Borrowed {
    owned.push(1);
    let mapped: usize = map.values().map(Vec::len).sum();
    let count = many.len()
        + list.len()
        + array.map(<[u8]>::len).iter().sum::<usize>()
        + owned.len()
        + mapped;
    let text = [
        one.unwrap_or("-"),
        &many.concat(),
        &list.concat(),
        pair.0,
        &cow,
        constant,
        deep.unwrap_or("~"),
    ]
    .concat();
    (count + pair.1 as usize, text)
}

#[memoize(timeout = "5m", blocking)]
fn blocking_borrow(name: Option<&str>, path: &std::path::Path) -> usize {
    name.map_or(0, str::len) + path.as_os_str().len()
}

#[tokio::test]
async fn c23_borrowed_arguments_are_taken_in_every_form() {
    let local = String::from("local");
    let map = || std::collections::HashMap::from([("k", vec!["v", "w"])]);
    let call = async |one| {
        borrowing(
            one,
            &["a", &local],
            vec!["b"],
            (&local, 3),
            map(),
            (&*local).into(),
            [b"xy", b"z"],
            "!",
            &None,
            vec![],
        )
        .await
    };
    assert_eq!(
        call(Some("1")).await,
        (2 + 1 + 3 + 1 + 2 + 3, "1alocalblocallocal!~".to_owned())
    );
    assert_eq!(call(None).await.1, "-alocalblocallocal!~");
    assert_ne!(
        blocking_borrow::key(None, "a".as_ref()),
        blocking_borrow::key(Some("a"), "a".as_ref()),
        "each argument is part of the key"
    );
    assert_eq!(blocking_borrow(Some("ab"), "c".as_ref()).await, 3);
}
