//! The 336,776 flights that left New York in 2013: filtered, aggregated, plotted and listed.
//!
//! The filters' answers are cached in the browser and on the server, the search is debounced, and
//! the aircraft of a page of flights are looked up in one batch. The corner shows where each answer
//! came from and how long it took.

mod aircraft;
mod data;
mod figures;
mod pages;
mod query;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::OnceLock;

use clap::Parser;
use ferrodash::prelude::*;

#[derive(Parser)]
#[command(about = "The flights that left New York in 2013, as a Ferrodash app")]
struct Options {
    /// The port of the app.
    #[arg(long, default_value_t = 8050)]
    port: u16,
    /// Where answers are kept: memory, disk:DIR, redis://… or memcached://…
    #[arg(long, default_value = "memory")]
    cache: String,
    /// Mounts the admin page of the cache at /_cache/, for everyone who can reach the port.
    #[arg(long)]
    admin: bool,
    /// The directory in which the data set is kept.
    #[arg(long)]
    data: Option<PathBuf>,
}

static FLIGHTS: OnceLock<data::Flights> = OnceLock::new();

/// The data set; read before the app listens.
fn flights() -> &'static data::Flights {
    FLIGHTS.get().expect("read before the app listens")
}

fn app(cache: Cache) -> App {
    App::new(pages::layout())
        .title("Flights from New York, 2013")
        .meta_tag([
            ("name", "description"),
            ("content", "All flights that left New York in 2013"),
        ])
        .assets_folder(concat!(env!("CARGO_MANIFEST_DIR"), "/flights/assets"))
        .health_endpoint("health")
        // The pages' own components come with the answer of `show_page`.
        .suppress_callback_exceptions(true)
        .cache(cache)
        .callbacks(callbacks![
            pages::show_page,
            pages::overview,
            pages::list_flights
        ])
}

async fn run(options: Options) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    // Before the data, so that a mistyped address does not cost a download.
    let cache = Cache::builder()
        .namespace("flights")
        .url(&options.cache)
        .await?
        .build();
    let directory = options.data.unwrap_or_else(data::default_directory);
    let read = tokio::task::spawn_blocking(move || data::Flights::obtain(&directory)).await??;
    let planes = FLIGHTS.get_or_init(|| read).planes.clone();
    aircraft::start(planes).await?;
    let mut app = app(cache);
    if options.admin {
        app = app.cache_admin("/_cache/", |_| true);
    }
    Ok(app.run(&format!("127.0.0.1:{}", options.port)).await?)
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "a program says why it ends")]
async fn main() -> ExitCode {
    match run(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
