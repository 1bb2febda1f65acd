//! SQLite with rusqlite, whose statements block their thread.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ferrodash::prelude::*;
use rusqlite::Connection;

/// A row of the table `planes`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plane {
    /// The number of the row.
    pub id: i64,
    /// The model.
    pub model: String,
}

/// Creates a batcher of planes by their number.
pub fn planes(connection: Arc<Mutex<Connection>>) -> Batcher<i64, Plane, rusqlite::Error> {
    Batcher::new(move |ids: Vec<i64>| {
        let connection = connection.clone();
        let work = move || {
            let connection = connection.lock().unwrap_or_else(PoisonError::into_inner);
            select(&connection, &ids)
        };
        async move {
            let work = tokio::task::spawn_blocking(work).await;
            work.expect("the statement does not panic")
        }
    })
}

/// Selects the rows with these numbers.
fn select(connection: &Connection, ids: &[i64]) -> rusqlite::Result<HashMap<i64, Plane>> {
    let sql = "SELECT id, model FROM planes WHERE id IN (SELECT value FROM json_each(?1))";
    let mut statement = connection.prepare_cached(sql)?;
    // A list of integers is written as JSON writes it.
    let planes = statement.query_map([format!("{ids:?}")], |row| {
        let plane = Plane {
            id: row.get(0)?,
            model: row.get(1)?,
        };
        Ok((plane.id, plane))
    })?;
    planes.collect()
}
