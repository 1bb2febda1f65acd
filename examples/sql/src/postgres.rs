//! Postgres with sqlx.

use ferrodash::prelude::*;
use sqlx::PgPool;

/// A row of the table `planes`.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct Plane {
    /// The registration.
    pub tailnum: String,
    /// The model.
    pub model: String,
}

/// Creates a batcher of planes by their registration.
pub fn planes(pool: PgPool) -> Batcher<String, Plane, sqlx::Error> {
    Batcher::new(move |tailnums: Vec<String>| {
        let pool = pool.clone();
        async move {
            let planes =
                sqlx::query_as("SELECT tailnum, model FROM planes WHERE tailnum = ANY($1)")
                    .bind(tailnums)
                    .fetch_all(&pool)
                    .await?;
            let by_tailnum = |plane: Plane| (plane.tailnum.clone(), plane);
            Ok(planes.into_iter().map(by_tailnum).collect())
        }
    })
}
