//! A small HTTP service that knows aircraft, and the batcher that asks it.

use std::collections::HashMap;

use axum::extract::{Query, State};
use axum::routing::get;
use axum::{Json, Router};
use ferrodash::batch::Batcher;
use ferrodash::batch::http::{HttpBatch, HttpError};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::OnceCell;

use crate::data::Plane;

/// One aircraft, as the service describes it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Aircraft {
    tailnum: String,
    /// Maker, model, year and seats in one line.
    pub(crate) description: String,
}

static BATCHER: OnceCell<Batcher<String, Aircraft, HttpError>> = OnceCell::const_new();

/// Loads aircraft by tail number; all that one page of flights needs become one request.
pub(crate) fn batcher() -> &'static Batcher<String, Aircraft, HttpError> {
    BATCHER.get().expect("started before the app listens")
}

/// Starts the service on a free port.
pub(crate) async fn start(planes: HashMap<String, Plane>) -> std::io::Result<()> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/aircraft/", listener.local_addr()?);
    let service = Router::new()
        .route("/aircraft/", get(find))
        .with_state(Arc::new(planes));
    tokio::spawn(axum::serve(listener, service).into_future());
    // Set once, as the program starts once.
    let _ = BATCHER.set(
        HttpBatch::new(url)
            .param("tailnums")
            .key("tailnum")
            .batcher(),
    );
    Ok(())
}

#[derive(Deserialize)]
struct Wanted {
    tailnums: String,
}

async fn find(
    State(planes): State<Arc<HashMap<String, Plane>>>,
    Query(Wanted { tailnums }): Query<Wanted>,
) -> Json<Vec<Aircraft>> {
    let found = tailnums.split(',').filter_map(|tailnum| {
        let plane = planes.get(tailnum)?;
        let seats = plane
            .seats
            .map_or_else(String::new, |seats| format!(", {seats} seats"));
        let year = plane
            .year
            .map_or_else(String::new, |year| format!(" ({year})"));
        let maker = plane
            .manufacturer
            .split_whitespace()
            .next()
            .unwrap_or_default();
        let description = format!("{} {}{year}{seats}", capitalized(maker), plane.model);
        Some(Aircraft {
            tailnum: tailnum.to_owned(),
            description,
        })
    });
    Json(found.collect())
}

fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    letters
        .next()
        .into_iter()
        .chain(letters.flat_map(char::to_lowercase))
        .collect()
}
