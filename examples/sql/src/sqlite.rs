//! SQLite with sqlx.

use ferrodash::prelude::*;
use sqlx::SqlitePool;

/// A row of the table `planes`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Plane {
    /// The number of the row.
    pub id: i64,
    /// The model.
    pub model: String,
}

/// Creates a batcher of planes by their number.
pub fn planes(pool: SqlitePool) -> Batcher<i64, Plane, sqlx::Error> {
    Batcher::new(move |ids: Vec<i64>| {
        let pool = pool.clone();
        async move {
            let sql = "SELECT id, model FROM planes WHERE id IN (SELECT value FROM json_each($1))";
            // A list of integers is written as JSON writes it.
            let planes = sqlx::query_as(sql)
                .bind(format!("{ids:?}"))
                .fetch_all(&pool)
                .await?;
            let by_id = |plane: Plane| (plane.id, plane);
            Ok(planes.into_iter().map(by_id).collect())
        }
    })
}
