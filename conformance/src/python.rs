//! Asks the Python apps, over HTTP.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use ferrodash_testing::{Program, free_port};

use crate::answer::{Answer, Recording};
use crate::case::Case;
use crate::files;

/// The Python interpreter that has the packages of `requirements.txt`.
#[derive(Debug, Clone, Copy)]
pub struct Python<'a>(pub &'a Path);

/// Apps that are served.
#[derive(Debug)]
pub struct Server {
    port: u16,
    _program: Program,
}

impl Server {
    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}

impl Python<'_> {
    /// Serves one app at the root.
    pub fn serve(self, app: &str) -> Server {
        self.start(&["--root", app])
    }

    fn start(self, arguments: &[&str]) -> Server {
        let port = free_port();
        let mut command = Command::new(self.0);
        command
            .arg(files::path("python/serve.py"))
            .arg(port.to_string())
            .args(arguments);
        // Hashes of texts decide the order of sets, and no bytecode is to be left beside the
        // sources.
        command.envs([("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1")]);
        Server {
            port,
            _program: Program::listening(&mut command, port),
        }
    }

    /// The answers to all cases.
    ///
    /// # Panics
    /// When the apps cannot be served or asked.
    pub async fn answers(self, cases: &[Case]) -> BTreeMap<String, Recording> {
        // Pages are registered for a whole process.
        let is_alone = |app: &str| app.starts_with("pages");
        let apps: BTreeSet<&str> = cases.iter().map(|case| case.app.as_str()).collect();
        let (alone, together): (Vec<&str>, Vec<&str>) =
            apps.into_iter().partition(|app| is_alone(app));
        let shared = self.start(&together);
        let own: BTreeMap<&str, Server> = alone
            .into_iter()
            .map(|app| (app, self.serve(app)))
            .collect();
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build();
        let client = client.expect("a client without special wishes");
        let mut recordings: BTreeMap<String, Recording> = BTreeMap::new();
        for case in cases {
            let path = case.line().1;
            let url = match own.get(case.app.as_str()) {
                Some(server) => server.url(path),
                None => shared.url(&format!("/{}{path}", case.app)),
            };
            let answer = ask(&client, &url, case).await;
            recordings
                .entry(case.area.clone())
                .or_default()
                .insert(case.name.clone(), answer);
        }
        recordings
    }
}

async fn ask(client: &reqwest::Client, url: &str, case: &Case) -> Answer {
    let request = match case.line().0 {
        "GET" => client.get(url),
        _ => client.post(url).body(case.bytes()),
    };
    let request = case
        .headers()
        .into_iter()
        .fold(request, |request, (name, value)| {
            request.header(name, value)
        });
    let response = request
        .send()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", case.title()));
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response
        .bytes()
        .await
        .unwrap_or_else(|error| panic!("{}: {error}", case.title()));
    let values = |name: &str| {
        let values = headers.get_all(name).iter();
        values
            .map(|value| value.to_str().expect("headers are text").to_owned())
            .collect()
    };
    Answer::new(case, status, values, &body)
}
