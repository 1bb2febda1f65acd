//! The batchers of this crate with real databases. Names of tests begin with the scenario they show.

#![expect(
    clippy::unwrap_used,
    reason = "a test fails where something is not as it should be"
)]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use ferrodash::prelude::*;
use ferrodash_sql::{postgres, rusqlite as blocking, sqlite};
use ferrodash_testing::Postgres;
use http_body_util::BodyExt;
use rusqlite::trace::{TraceEvent, TraceEventCodes};
use serde_json::{Value, json};
use sqlx::postgres::PgPoolOptions;
use sqlx::sqlite::SqlitePoolOptions;
use sqlx::{Executor, PgPool};
use tower::ServiceExt;

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(20);

/// A table of planes, in Postgres and in SQLite.
const TABLE: &str =
    "CREATE TABLE planes (id INTEGER PRIMARY KEY, tailnum TEXT NOT NULL, model TEXT NOT NULL);
    INSERT INTO planes VALUES (1, 'N1', 'A320'), (2, 'N2', 'A321'), (3, 'N3', 'B737');";

/// Starts Postgres with the table.
async fn start() -> (Postgres, PgPool) {
    let server = Postgres::start();
    let connect = async {
        loop {
            // The server listens before it lets anybody in.
            match PgPoolOptions::new().connect(&server.url()).await {
                Ok(pool) => break pool,
                Err(sqlx::Error::Database(_)) => tokio::time::sleep(SHORT).await,
                Err(error) => panic!("{error}"),
            }
        }
    };
    let pool = tokio::time::timeout(LONG, connect).await.unwrap();
    pool.execute(TABLE).await.unwrap();
    (server, pool)
}

/// The number of statements that the server got for rows.
async fn statements(server: &Postgres, pool: &PgPool) -> usize {
    // The log is written by a process of its own, in order.
    const MARK: &str = "SELECT 'all that came before is in the log'";
    let before = server.logged(MARK).len();
    pool.execute(MARK).await.unwrap();
    let written = async {
        while server.logged(MARK).len() == before {
            tokio::time::sleep(SHORT).await;
        }
    };
    tokio::time::timeout(LONG, written).await.unwrap();
    let rows = server.logged("WHERE tailnum = ANY($1)");
    rows.iter().filter(|line| line.contains("execute")).count()
}

#[tokio::test]
async fn b3_b5_rows_of_postgres_find_their_callers() {
    let (server, pool) = start().await;
    let planes = postgres::planes(pool.clone()).max_size(2);
    let ids = ["N3", "N1", "N9", "N1", "N2"].map(String::from);
    let rows = planes.load_many(ids).await;
    let models: Vec<_> = rows
        .iter()
        .map(|row| row.as_ref().map(|plane| plane.model.as_str()))
        .collect();
    let missing = &LoadError::Missing;
    assert_eq!(
        models,
        [Ok("B737"), Ok("A320"), Err(missing), Ok("A320"), Ok("A321")]
    );
    assert_eq!(
        statements(&server, &pool).await,
        2,
        "four ids, two for each statement"
    );
}

#[tokio::test]
async fn a_statement_that_fails_is_an_error_for_its_batch_only() {
    let (_server, pool) = start().await;
    let planes = postgres::planes(pool.clone());
    pool.execute("ALTER TABLE planes RENAME TO aircraft")
        .await
        .unwrap();
    let error = planes.load("N1".to_owned()).await.unwrap_err();
    assert!(
        error.to_string().contains("\"planes\" does not exist"),
        "{error}"
    );
    pool.execute("ALTER TABLE aircraft RENAME TO planes")
        .await
        .unwrap();
    assert_eq!(planes.load("N1".to_owned()).await.unwrap().model, "A320");
}

/// An app with two outputs, each of which shows the model of a plane.
fn app(planes: &Batcher<String, postgres::Plane, sqlx::Error>) -> Router {
    let layout = html::Div::new((
        dcc::Input::new().id("tailnum").value("N1"),
        html::Div::new(()).id("one"),
        html::Div::new(()).id("two"),
    ));
    let callback = |id: &'static str| {
        let planes = planes.clone();
        let callback = Callback::builder()
            .output(Output::new(id, "children"))
            .input(("tailnum", "value"));
        callback.handler(move |tailnum: String| {
            let planes = planes.clone();
            async move { Ok::<_, CallbackError>(planes.load(tailnum).await?.model) }
        })
    };
    let app = App::new(layout).callbacks([callback("one"), callback("two")]);
    app.build().unwrap().into_router()
}

fn call(output: &str, tailnum: &str) -> Value {
    json!({
        "output": format!("{output}.children"),
        "outputs": {"id": output, "property": "children"},
        "inputs": [{"id": "tailnum", "property": "value", "value": tailnum}],
        "changedPropIds": ["tailnum.value"],
    })
}

async fn post(app: &Router, path: &str, body: Value) -> String {
    let request = Request::post(path).header("content-type", "application/json");
    let request = request.body(Body::from(body.to_string())).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b11_two_callbacks_of_one_request_send_one_statement() {
    let (server, pool) = start().await;
    let app = app(&postgres::planes(pool.clone()));
    let both = json!([call("one", "N1"), call("two", "N2")]);
    let answer = post(&app, "/_ferrodash/batch", both).await;
    assert!(
        answer.contains("A320") && answer.contains("A321"),
        "{answer}"
    );
    assert_eq!(statements(&server, &pool).await, 1);
    // The same row for both is one id.
    let both = json!([call("one", "N3"), call("two", "N3")]);
    assert_eq!(
        post(&app, "/_ferrodash/batch", both)
            .await
            .matches("B737")
            .count(),
        2
    );
    assert_eq!(statements(&server, &pool).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b10_two_requests_are_never_in_one_statement() {
    let (server, pool) = start().await;
    let app = app(&postgres::planes(pool.clone()).window(Duration::from_millis(50)));
    let path = "/_dash-update-component";
    let (one, two) = tokio::join!(
        post(&app, path, call("one", "N1")),
        post(&app, path, call("two", "N2"))
    );
    assert!(one.contains("A320") && two.contains("A321"), "{one} {two}");
    assert_eq!(statements(&server, &pool).await, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b11_two_requests_within_the_window_send_one_statement_if_the_batcher_is_shared() {
    let (server, pool) = start().await;
    let planes = postgres::planes(pool.clone())
        .shared()
        .window(Duration::from_millis(500));
    let app = app(&planes);
    let path = "/_dash-update-component";
    let later = async {
        tokio::time::sleep(Duration::from_millis(30)).await;
        post(&app, path, call("two", "N2")).await
    };
    let (one, two) = tokio::join!(post(&app, path, call("one", "N1")), later);
    assert!(one.contains("A320") && two.contains("A321"), "{one} {two}");
    assert_eq!(statements(&server, &pool).await, 1);
}

#[tokio::test]
async fn b3_b5_rows_of_sqlite_find_their_callers() {
    let pool = SqlitePoolOptions::new().max_connections(1);
    let pool = pool.connect("sqlite::memory:").await.unwrap();
    pool.execute(TABLE).await.unwrap();
    let planes = sqlite::planes(pool);
    let rows = planes.load_many([3, 9, 1, 3]).await;
    assert_eq!(rows[0].as_ref().unwrap().model, "B737");
    assert!(matches!(rows[1], Err(LoadError::Missing)));
    assert_eq!(rows[2].as_ref().unwrap().model, "A320");
    assert_eq!(rows[3].as_ref().unwrap().model, "B737");
    assert_eq!(planes.report().batches, 1);
}

static TRACED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// Notes a statement that runs.
fn note(event: TraceEvent<'_>) {
    if let TraceEvent::Stmt(_, sql) = event {
        TRACED.lock().unwrap().push(sql.to_owned());
    }
}

#[tokio::test]
async fn b11_fifty_loads_of_rusqlite_are_one_statement() {
    let connection = rusqlite::Connection::open_in_memory().unwrap();
    connection.execute_batch(TABLE).unwrap();
    connection.trace_v2(TraceEventCodes::SQLITE_TRACE_STMT, Some(note));
    let planes = blocking::planes(Arc::new(Mutex::new(connection)));
    let load = |id| {
        let planes = planes.clone();
        tokio::spawn(async move { planes.load(id).await })
    };
    let loads: Vec<_> = (0..50).map(load).collect();
    for (id, load) in loads.into_iter().enumerate() {
        let plane = load.await.unwrap();
        assert_eq!(plane.is_ok(), (1..=3).contains(&id), "{id}: {plane:?}");
    }
    let statements = TRACED.lock().unwrap();
    let select = "SELECT id, model FROM planes WHERE id IN (SELECT value FROM json_each(?1))";
    assert_eq!(*statements, [select]);
}
