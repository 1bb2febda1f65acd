//! What a newcomer meets first: errors that can be read, functions and values that are taken, a log
//! without any set-up.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use ferrodash::prelude::*;
use ferrodash::{Error, OutputValue, server};
use ferrodash_testing::free_port;
use serde_json::{Value, json};

use super::{Client, output};

fn layout() -> html::Div {
    html::Div::new((
        dcc::Input::new().id("a"),
        html::Div::new(()).id("out"),
        html::Div::new(()).id("b"),
    ))
}

/// A callback of `out.children` and its answer to a call.
async fn answer(callback: Callback) -> super::Answer {
    Client::new(App::new(layout()).callback(callback))
        .call(&[json!("x")])
        .await
}

#[derive(Debug, thiserror::Error)]
enum Own {
    #[error("nothing of the kind {0}")]
    Missing(String),
    #[error(transparent)]
    Other(#[from] PreventUpdate),
}

#[callback(output("out", "children"), input("a", "value"))]
async fn own_error(a: Option<String>) -> Result<String, Own> {
    if a.is_some() {
        Err(Own::Missing("x".into()))
    } else {
        Err(PreventUpdate)?
    }
}

#[callback(output("out", "children"), input("a", "value"))]
async fn with_anyhow(a: Option<String>) -> anyhow::Result<String> {
    let text = a.ok_or(PreventUpdate)?;
    anyhow::bail!("no {text} today")
}

#[callback(output("out", "children"), input("a", "value"))]
async fn with_box(_a: Option<String>) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    Err("boxed")?
}

#[callback(output("out", "children"), input("a", "value"))]
async fn with_text(_a: Option<String>) -> Result<String, &'static str> {
    Err("only text")
}

#[tokio::test]
async fn d30_every_error_type_can_be_returned() {
    for (callback, text) in [
        (own_error::callback(), "nothing of the kind x"),
        (with_anyhow::callback(), "no x today"),
        (with_box::callback(), "boxed"),
        (with_text::callback(), "only text"),
    ] {
        let answer = answer(callback).await;
        assert_eq!(answer.status, 500);
        assert!(answer.text().ends_with(text), "{}", answer.text());
    }
}

#[tokio::test]
async fn d30_prevent_update_is_found_inside_other_errors() {
    for callback in [own_error::callback(), with_anyhow::callback()] {
        let client = Client::new(App::new(layout()).callback(callback));
        assert_eq!(client.call(&[Value::Null]).await.status, 204);
    }
}

#[expect(clippy::too_many_arguments, reason = "that is what is tested")]
#[callback(
    output("out", "children"),
    input("a", "value", default = 1),
    input("a", "disabled", default = 1),
    input("a", "name", default = 1),
    input("a", "pattern", default = 1),
    input("a", "list", default = 1),
    input("a", "min", default = 1),
    input("a", "max", default = 1),
    input("a", "step", default = 1),
    input("a", "size", default = 1),
    input("a", "type", default = 1),
    input("a", "title", default = 1),
    input("a", "style", default = 1),
    state("a", "placeholder", default = 1)
)]
async fn thirteen(
    a: u32,
    b: u32,
    c: u32,
    d: u32,
    e: u32,
    f: u32,
    g: u32,
    h: u32,
    i: u32,
    j: u32,
    k: u32,
    l: u32,
    m: u32,
    _context: Context,
) -> u32 {
    a + b + c + d + e + f + g + h + i + j + k + l + m
}

#[tokio::test]
async fn d30_a_function_of_the_attribute_has_any_number_of_arguments() {
    let app = App::new(layout())
        .suppress_callback_exceptions(true)
        .callback(thirteen::callback());
    let names = "value disabled name pattern list min max step size type title style".split(' ');
    let inputs: Vec<Value> = names
        .map(|name| json!({"id": "a", "property": name, "value": 2}))
        .collect();
    let call = json!({
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": inputs,
        "changedPropIds": [],
        "state": [{"id": "a", "property": "placeholder", "value": 3}],
    });
    assert_eq!(output(&Client::new(app).post(&call).await), 27);
}

#[callback(
    output("out", "children"),
    output("out", "title"),
    output("out", "lang"),
    output("out", "dir"),
    output("out", "hidden"),
    output("out", "role"),
    output("b", "children"),
    output("b", "title"),
    output("b", "lang"),
    output("b", "dir"),
    output("b", "role"),
    input("a", "value")
)]
async fn eleven(
    a: Option<String>,
) -> Result<
    (
        u8,
        String,
        NoUpdate,
        &'static str,
        bool,
        u8,
        u8,
        u8,
        u8,
        u8,
        Option<String>,
    ),
    CallbackError,
> {
    Ok((1, "t".into(), NoUpdate, "d", true, 6, 7, 8, 9, 10, a))
}

#[tokio::test]
async fn c25_a_tuple_of_the_attribute_has_any_number_of_values() {
    let client = Client::new(App::new(layout()).callback(eleven::callback()));
    let names = "out.children out.title out.lang out.dir out.hidden out.role b.children b.title b.lang b.dir b.role";
    let answer = call_many(&client, &names.split(' ').collect::<Vec<_>>()).await;
    let out = json!({"children": 1, "title": "t", "dir": "d", "hidden": true, "role": 6});
    let b = json!({"children": 7, "title": 8, "lang": 9, "dir": 10, "role": "x"});
    assert_eq!(answer.json()["response"], json!({"out": out, "b": b}));
}

/// A call of a callback with these outputs and the input `a.value`.
async fn call_many(client: &Client, outputs: &[&str]) -> super::Answer {
    let parts = outputs.iter().map(|output| output.split_once('.').unwrap());
    let described: Vec<Value> = parts
        .map(|(id, property)| json!({"id": id, "property": property}))
        .collect();
    let call = json!({
        "output": format!("..{}..", outputs.join("...")),
        "outputs": described,
        "inputs": [{"id": "a", "property": "value", "value": "x"}],
        "changedPropIds": ["a.value"],
        "state": [],
    });
    client.post(&call).await
}

#[tokio::test]
async fn c25_outputs_that_are_known_when_the_app_runs() {
    let ids: Vec<String> = (0..12).map(|number| format!("room-{number}")).collect();
    let rooms: Vec<_> = ids
        .iter()
        .map(|id| html::Div::new(()).id(id.clone()))
        .collect();
    let layout = html::Div::new((dcc::Input::new().id("a"), rooms));
    for (values, status) in [(12, 200), (11, 500)] {
        let callback = Callback::builder()
            .outputs(ids.iter().map(|id| Output::new(id.clone(), "children")))
            .input(("a", "value"))
            .handler(move |_: Option<String>| async move {
                let mut all: Outputs = (0..values - 1)
                    .map(|number| format!("{number} °C"))
                    .collect();
                all.push(NoUpdate);
                all
            });
        let client = Client::new(App::new(layout.clone()).callback(callback));
        let outputs: Vec<String> = ids.iter().map(|id| format!("{id}.children")).collect();
        let answer = call_many(
            &client,
            &outputs.iter().map(String::as_str).collect::<Vec<_>>(),
        )
        .await;
        assert_eq!(answer.status, status, "{}", answer.text());
        if status == 200 {
            let response = answer.json()["response"].clone();
            assert_eq!(response.as_object().unwrap().len(), 11, "{response}");
            assert_eq!(response["room-10"]["children"], "10 °C");
        } else {
            assert!(
                answer
                    .text()
                    .contains("it returned 11 values for 12 outputs"),
                "{}",
                answer.text()
            );
        }
    }
}

#[test]
fn c25_the_number_of_values_is_checked_when_the_app_is_built() {
    let base = || {
        Callback::builder()
            .name("app::pair", "")
            .input(("a", "value"))
    };
    let two = || {
        base()
            .output(Output::new("out", "children"))
            .output(Output::new("b", "children"))
    };
    let built = |callback: Callback| App::new(layout()).callback(callback).build().map(drop);
    let mistake = |callback: Callback| built(callback).unwrap_err().to_string();
    let text = mistake(two().handler(async |_: Option<String>| ("", "", "")));
    assert!(
        text.contains("its function returns 3 value(s), but it has 2 output(s)"),
        "{text}"
    );
    let text = mistake(two().handler(async |_: Option<String>| Ok::<_, CallbackError>("")));
    assert!(
        text.contains("its function returns 1 value(s), but it has 2 output(s)"),
        "{text}"
    );
    let text = mistake(base().handler(async |_: Option<String>| ("", "")));
    assert!(
        text.contains("its function returns 2 value(s), but it has 0 output(s)"),
        "{text}"
    );
    assert!(built(two().handler(async |_: Option<String>| NoUpdate)).is_ok());
    assert!(built(two().handler(async |_: Option<String>| Outputs::new())).is_ok());
    assert!(built(base().handler(async |_: Option<String>| {})).is_ok());
}

/// An error prints as its `Display` form, also where a `main` returns it.
fn reads_well(error: &(impl Debug + std::fmt::Display)) {
    assert_eq!(format!("{error:?}"), error.to_string());
    assert_eq!(format!("{error:#?}"), error.to_string());
}

#[tokio::test]
async fn d29_errors_print_what_they_display() {
    let twice = || html::Div::new(()).id("twice");
    let app = App::new(html::Div::new((twice(), twice()))).routes_pathname_prefix("x");
    let error = Error::from(app.build().map(drop).unwrap_err());
    reads_well(&error);
    let text = format!("{error:?}");
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "the app has 2 mistakes:");
    for line in &lines[1..] {
        let (place, _) = line.trim().split_once(": ").unwrap();
        let (file, number) = place.rsplit_once(':').unwrap();
        assert!(
            file.ends_with("first_contact.rs") && number.parse::<u32>().is_ok(),
            "{line}"
        );
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let error = ferrodash::serve(
        axum::Router::new(),
        &taken.local_addr().unwrap().to_string(),
    )
    .await
    .unwrap_err();
    let Error::Serve(reason) = &error else {
        panic!("{error}");
    };
    assert!(matches!(reason, server::Error::Listen { .. }), "{error}");
    reads_well(&error);
    for url in ["tape://x", "disk:/proc/nothing", "redis://h?max_item=much"] {
        let error = Cache::from_url(url).await.unwrap_err();
        reads_well(&error);
        reads_well(&Error::from(error));
    }
    reads_well(&PreventUpdate);
    reads_well(&NotFound);
    reads_well(&CallbackError::new("two\nlines"));
    reads_well(&ferrodash::StoredError::Serialize("\"quoted\"".into()));
    reads_well(&ferrodash::cache::Unreached {
        tiers: vec!["redis"],
    });
    reads_well(&LoadError::<std::io::Error>::Missing);
    reads_well(&"x".parse::<ferrodash::cache::Key>().unwrap_err());
    let panicked = ferrodash::cache::Failure::<Own>::Panic("at \"once\"".into());
    reads_well(&panicked);
}

#[tokio::test]
async fn d29_the_error_of_a_batch_over_http_says_why() {
    use ferrodash::batch::http::HttpBatch;
    let url = format!("http://127.0.0.1:{}/data", free_port());
    let batcher: Batcher<u32, Value, _> = HttpBatch::new(&url).batcher();
    let error = batcher.load(1).await.unwrap_err();
    let text = format!("{error:?}");
    assert!(
        text.starts_with(&format!("no answer from {url}: ")) && !text.contains("NoAnswer"),
        "{text}"
    );
}

#[test]
fn d31_a_value_that_the_function_cannot_take_at_load_is_a_mistake() {
    let years = |year: dcc::Input| html::Div::new((year.id("year"), html::Div::new(()).id("out")));
    let callback = |input: Input| {
        Callback::builder()
            .name("app::show", "")
            .output(Output::new("out", "children"))
            .input(input)
    };
    let mistakes = |year: dcc::Input, callback: Callback| match App::new(years(year))
        .callback(callback)
        .build()
    {
        Ok(_) => String::new(),
        Err(mistakes) => mistakes.to_string(),
    };
    let input = || Input::new("year", "value");
    let text = mistakes(
        dcc::Input::new(),
        callback(input()).handler(async |year: u32| year),
    );
    let wanted = "callback app::show: year.value is unset when the page is loaded, and its function takes `u32`, which \
                  cannot be null; give it a default (`default = …` in the attribute";
    assert!(text.contains(wanted), "{text}");
    let text = mistakes(
        dcc::Input::new().value("soon"),
        callback(input()).handler(async |year: u32| year),
    );
    assert!(
        text.contains("year.value is \"soon\" in the layout, and its function takes `u32`"),
        "{text}"
    );
    let text = mistakes(
        dcc::Input::new(),
        callback(input().default_value("x")).handler(async |year: u32| year),
    );
    assert!(
        text.contains("the default of year.value is \"x\", which is no `u32`"),
        "{text}"
    );
    let state = callback(Input::new("year", "n_submit")).state(State::new("year", "value"));
    let text = mistakes(
        dcc::Input::new(),
        state.handler(async |_: Option<u8>, year: Vec<String>| year),
    );
    assert!(
        text.contains("year.value is unset") && text.contains("`Vec<String>`"),
        "{text}"
    );

    let fine = [
        mistakes(
            dcc::Input::new(),
            callback(input()).handler(async |year: Option<u32>| year),
        ),
        mistakes(
            dcc::Input::new(),
            callback(input().default_value(2013)).handler(async |year: u32| year),
        ),
        mistakes(
            dcc::Input::new().value(2013),
            callback(input()).handler(async |year: u32| year),
        ),
        mistakes(
            dcc::Input::new(),
            callback(input())
                .prevent_initial_call()
                .handler(async |year: u32| year),
        ),
    ];
    assert!(fine.iter().all(String::is_empty), "{fine:?}");
}

#[test]
fn d31_values_that_are_there_before_the_first_call_are_no_mistakes() {
    let layout = html::Div::new((
        dcc::Location::new("url"),
        dcc::Store::new("store"),
        html::Div::new(()).id("first"),
        html::Div::new(()).id("second"),
    ));
    let to = |id: &'static str, from: &'static str, property: &'static str| {
        Callback::builder()
            .output(Output::new(id, "children"))
            .input((from, property))
    };
    let app = App::new(layout)
        .callback(to("first", "url", "pathname").handler(async |path: String| path))
        .callback(to("second", "first", "children").handler(async |text: String| text))
        .callback(
            Callback::builder()
                .input(("store", "data"))
                .handler(async |_: BTreeMap<String, u8>| {}),
        );
    app.build()
        .map(drop)
        .unwrap_or_else(|mistakes| panic!("{mistakes}"));
}

#[test]
fn d31_a_struct_is_read_from_the_values_at_load() {
    #[derive(serde::Deserialize)]
    struct Filter {
        name: Option<String>,
        year: u32,
    }
    let app = |year: dcc::Input| {
        let args = Args::new()
            .input("name", Input::new("name", "value"))
            .state("year", State::new("year", "value"));
        let callback = Callback::builder()
            .output(Output::new("out", "children"))
            .args(args)
            .handler(async |filter: Filter| format!("{:?} {}", filter.name, filter.year));
        let layout = (
            dcc::Input::new().id("name"),
            year.id("year"),
            html::Div::new(()).id("out"),
        );
        App::new(html::Div::new(layout))
            .callback(callback)
            .build()
            .map(drop)
    };
    let text = app(dcc::Input::new()).unwrap_err().to_string();
    assert!(
        text.contains("its function takes `Filter`, which cannot be read") && text.contains("null"),
        "{text}"
    );
    assert!(app(dcc::Input::new().value(2013)).is_ok());
}

const CHILD: &str = "FERRODASH_TEST_CHILD";

#[callback(output("out", "children"), input("a", "value"))]
async fn failing(_a: Option<String>) -> Result<String, Own> {
    Err(Own::Missing("whale".into()))
}

/// Serves an app that has set up no log; only as a process of its own.
#[tokio::test]
async fn child_serves_without_a_log_of_its_own() {
    let Ok(port) = std::env::var(CHILD) else {
        return;
    };
    App::new(layout())
        .callback(failing::callback())
        .debug(false)
        .run(&format!("127.0.0.1:{port}"))
        .await
        .unwrap();
}

struct Process(Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The lines on standard error after a callback failed once, up to the one with `wanted`.
async fn log_of_a_failing_callback(filter: Option<&str>, wanted: &str) -> Vec<String> {
    let port = free_port();
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args([
        "--exact",
        "first_contact::child_serves_without_a_log_of_its_own",
        "--nocapture",
    ]);
    command
        .env(CHILD, port.to_string())
        .env_remove("RUST_LOG")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    if let Some(filter) = filter {
        command.env("RUST_LOG", filter);
    }
    let mut process = Process(command.spawn().unwrap());
    let said = BufReader::new(process.0.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let address = said
        .into_iter()
        .find(|line| line.starts_with("Listening on"));
    assert_eq!(
        address,
        Some(format!("Listening on http://127.0.0.1:{port}"))
    );
    let call = json!({
        "output": "out.children",
        "outputs": {"id": "out", "property": "children"},
        "inputs": [{"id": "a", "property": "value", "value": "x"}],
        "changedPropIds": ["a.value"],
    });
    let url = format!("http://127.0.0.1:{port}/_dash-update-component");
    let answer = reqwest::Client::new()
        .post(url)
        .json(&call)
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 500);
    let log = BufReader::new(process.0.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok);
    let mut lines = Vec::new();
    for line in log {
        lines.push(line);
        if lines.last().is_some_and(|line| line.contains(wanted)) {
            return lines;
        }
    }
    panic!("the log has no {wanted:?}: {lines:#?}");
}

#[tokio::test]
async fn d28_a_failing_callback_prints_its_error_without_any_set_up() {
    let lines = log_of_a_failing_callback(None, "nothing of the kind whale").await;
    let line = lines.last().unwrap();
    assert!(
        line.contains("ERROR") && line.contains("first_contact::failing"),
        "{line}"
    );
    assert!(
        lines.iter().all(|line| !line.contains("DEBUG")),
        "{lines:#?}"
    );
    assert!(!line.contains('\u{1b}'), "no colours in a file: {line}");
}

#[tokio::test]
async fn d28_the_environment_says_what_is_logged() {
    let lines = log_of_a_failing_callback(
        Some("ferrodash=trace,hyper=off"),
        "nothing of the kind whale",
    )
    .await;
    assert!(
        lines.iter().all(|line| !line.contains("hyper")),
        "{lines:#?}"
    );
}

#[test]
fn values_for_outputs_of_every_type() {
    let mut outputs = Outputs::from(vec!["a", "b"]);
    outputs.extend([1, 2]);
    outputs.push(Update::<u8>::No);
    outputs.push(OutputValue::No);
    assert!(format!("{outputs:?}").contains("No"));
}
