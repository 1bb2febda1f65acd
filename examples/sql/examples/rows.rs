//! A page of 50 components, each with a call that loads its own row of a SQLite database.

use std::error::Error;
use std::sync::{Arc, LazyLock, Mutex};

use ferrodash::IdValue;
use ferrodash::prelude::*;
use ferrodash_sql::rusqlite::{Plane, planes};
use rusqlite::Connection;

const ROWS: i64 = 50;

static PLANES: LazyLock<Batcher<i64, Plane, rusqlite::Error>> = LazyLock::new(|| {
    let connection = database().expect("a database in memory can be made");
    planes(Arc::new(Mutex::new(connection)))
});

/// Creates a table of planes in memory.
fn database() -> rusqlite::Result<Connection> {
    let connection = Connection::open_in_memory()?;
    connection
        .execute_batch("CREATE TABLE planes (id INTEGER PRIMARY KEY, model TEXT NOT NULL)")?;
    for id in 1..=ROWS {
        let model = format!("A320-{}", 100 + id);
        connection.execute("INSERT INTO planes VALUES (?1, ?2)", (id, model))?;
    }
    Ok(connection)
}

/// Shows one plane.
#[callback(
    output(id! {type: "plane", index: MATCH}, "children"),
    input("reload", "n_clicks"),
    state(id! {type: "plane", index: MATCH}, "id")
)]
async fn plane(_reload: Option<u32>, id: Id) -> Result<String, CallbackError> {
    let Some(IdValue::Number(number)) = id.get("index") else {
        return Err(CallbackError::new("the id of a plane has its number"));
    };
    let plane = PLANES.load(*number).await?;
    Ok(format!("{}: {}", plane.id, plane.model))
}

/// Shows how many statements there were.
#[callback(
    output("count", "children"),
    input("ask", "n_clicks"),
    prevent_initial_call
)]
async fn count(_ask: Option<u32>) -> String {
    let report = PLANES.report();
    format!("{} rows with {} statements", report.ids, report.batches)
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let plane = |index| html::Li::new(()).id(id! {type: "plane", index: index});
    let layout = html::Div::new((
        html::Button::new("Load again").id("reload"),
        html::Button::new("How many statements?").id("ask"),
        html::Span::new(()).id("count"),
        html::Ul::new((1..=ROWS).map(plane).collect::<Vec<_>>()),
    ));
    let app = App::new(layout).callbacks(callbacks![plane, count]);
    Ok(app.run("127.0.0.1:8050").await?)
}
