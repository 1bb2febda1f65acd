//! Measures the same actions of a user on an app of Python Dash and on the same app of Ferrodash,
//! and prints a table: `user_actions PYTHON [ROUNDS [FOLDER]]`.
//!
//! PYTHON has Dash and gunicorn. Each figure is the median of the rounds; each round has new
//! servers and a new Chromium. FOLDER gets a picture after each action. `scripts/user-actions`
//! runs it.

use std::path::{Path, PathBuf};
use std::process::Command;

use e2e::{Browser, Site};
use ferrodash::prelude::Cache;
use ferrodash_testing::{Program, free_port};
use serde_json::json;

use crate::page::{Measured, Page};
use crate::table::Row;

mod actions;
mod app;
mod page;
mod table;

const PYTHON: &str = "Python Dash";
const FERRODASH: &str = "Ferrodash";

/// The actions in the order of the table, with their titles.
const TYPING: &str = "typing 30 characters, 40 ms apart; function of 100 ms";
const DRAGGING: &str = "dragging a slider for 3 s; function of 50 ms";
const WATCHING: &str = "watching an interval of 200 ms for 10 s; function of 1 s";
const CHOOSING: &str = "choosing B, then A again: a figure of 2,000 points; function of 300 ms";
const MOVING: &str = "going to page 2, Back, Forward; function of 300 ms";
const RELOADING: &str =
    "reloading, until the text and until the figure is shown; functions of 300 ms";
const INVALIDATING: &str = "invalidating the page that three tabs show; function of 300 ms";

/// The Python app.
struct Python {
    gunicorn: Program,
    url: String,
}

impl Python {
    fn start(python: &str) -> Self {
        let port = free_port();
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
        let mut command = Command::new(python);
        command.args(["-m", "gunicorn", "--workers", "1", "--threads", "8"]);
        command.args(["--no-control-socket", "--bind"]);
        command.arg(format!("127.0.0.1:{port}"));
        command.arg("--chdir").arg(folder);
        command.arg("user_actions:server");
        Self {
            gunicorn: Program::listening(&mut command, port),
            url: format!("http://127.0.0.1:{port}"),
        }
    }

    /// Ends the server by a signal that it passes to its worker.
    fn stop(self) {
        let id = self.gunicorn.id().to_string();
        let sent = Command::new("kill").arg(id).status();
        assert!(sent.is_ok_and(|status| status.success()));
        self.gunicorn.wait();
    }
}

/// Measures actions, and notes them with their side.
struct Round<'a> {
    rows: Vec<Row>,
    side: &'static str,
    pictures: Option<&'a Path>,
}

impl<'a> Round<'a> {
    fn new(side: &'static str, pictures: Option<&'a Path>) -> Self {
        let rows = Vec::new();
        Self {
            rows,
            side,
            pictures,
        }
    }

    async fn note(
        &mut self,
        page: &Page<'_>,
        action: &'static str,
        option: &str,
        measured: Measured,
    ) {
        if let Some(folder) = self.pictures {
            let file = format!("{}-{}.png", self.side.replace(' ', "-"), self.rows.len());
            page.picture(&folder.join(file)).await;
        }
        self.rows.push(Row {
            action,
            app: format!("{}{option}", self.side),
            rounds: vec![measured],
        });
    }
}

async fn python_round(python: &str, pictures: Option<&Path>) -> Vec<Row> {
    let server = Python::start(python);
    let browser = Browser::start().await;
    let page = &Page::open(&browser, server.url.clone()).await;
    let mut round = Round::new(PYTHON, pictures);
    let measured = actions::typing(page, "text", "typed").await;
    round.note(page, TYPING, "", measured).await;
    let measured = actions::typing(page, "slow-text", "slow-typed").await;
    let option = ", `dcc.Input(debounce=0.5)`";
    round.note(page, TYPING, option, measured).await;
    let measured = actions::dragging(page).await;
    round.note(page, DRAGGING, "", measured).await;
    let measured = actions::watching(page).await;
    round.note(page, WATCHING, "", measured).await;
    let measured = actions::choosing(page).await;
    round.note(page, CHOOSING, "", measured).await;
    let measured = actions::moving(page).await;
    round.note(page, MOVING, "", measured).await;
    let measured = actions::reloading(page).await;
    round.note(page, RELOADING, "", measured).await;
    drop(browser);
    server.stop();
    round.rows
}

async fn ferrodash_round(pictures: Option<&Path>) -> Vec<Row> {
    app::restore();
    let cache = Cache::memory(1 << 24);
    let site = Site::serve(app::app(cache.clone())).await;
    let browser = Browser::start().await;
    let page = &Page::open(&browser, site.url("")).await;
    let mut round = Round::new(FERRODASH, pictures);
    let measured = actions::typing(page, "text", "typed").await;
    let option = ", `debounce = \"500ms\"`";
    round.note(page, TYPING, option, measured).await;
    let measured = actions::dragging(page).await;
    let option = ", `throttle = \"200ms\"`";
    round.note(page, DRAGGING, option, measured).await;
    let measured = actions::watching(page).await;
    let option = ", `overlap = \"latest\"`";
    round.note(page, WATCHING, option, measured).await;
    let measured = actions::choosing(page).await;
    let option = ", `cache(client, …)`";
    round.note(page, CHOOSING, option, measured).await;
    let measured = actions::moving(page).await;
    round.note(page, MOVING, option, measured).await;
    let measured = actions::reloading(page).await;
    round.note(page, RELOADING, option, measured).await;
    let measured = actions::invalidating(page, &cache).await;
    let option = ", `cache(client, tags = [\"pages\"], …)`";
    round.note(page, INVALIDATING, option, measured).await;
    round.rows
}

/// The name and the version of the browser.
async fn browser_version() -> String {
    let browser = Browser::start().await;
    let cdp = browser.driver.cdp();
    let version = cdp.send_raw("Browser.getVersion", json!({})).await;
    let version = version.expect("Chromium has a version");
    version["product"].as_str().unwrap_or_default().to_owned()
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the table is what the program is for")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [python, rest @ ..] = arguments.as_slice() else {
        panic!("usage: user_actions PYTHON [ROUNDS [FOLDER]]");
    };
    let count: usize = rest
        .first()
        .map_or(3, |text| text.parse().expect("a number of rounds"));
    let pictures = rest.get(1).map(PathBuf::from);
    let mut rows: Vec<Row> = Vec::new();
    for _ in 0..count {
        let mut round = python_round(python, pictures.as_deref()).await;
        round.extend(ferrodash_round(pictures.as_deref()).await);
        for row in round {
            match rows.iter_mut().find(|known| known.is_of(&row)) {
                Some(known) => known.rounds.extend(row.rounds),
                None => rows.push(row),
            }
        }
    }
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    println!(
        "{count} rounds, {cores} cores, {}\n",
        browser_version().await
    );
    println!("{}", table::table(&rows));
    println!("{}", table::others(&rows));
}
