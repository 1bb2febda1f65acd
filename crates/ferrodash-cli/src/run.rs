//! `ferrodash run`: the app and the gateway together.

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use ferrodash_gateway::{Config, Gateway, Run, Upstream};
use rustix::process::{Pid, Signal};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep};

use crate::workers::{self, App, Workers, arguments};
use crate::{RunArguments, admin, file, python, sources};

/// How long the app may take to start.
const START_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked whether old workers have ended.
const LOOK: Duration = Duration::from_millis(50);

/// How long old workers may take to end after SIGHUP. A child of the app that stays longer is none
/// that is replaced.
const REPLACED_WITHIN: Duration = Duration::from_secs(600);

/// Starts the app and serves in front of it, until the process is asked to stop.
///
/// # Errors
/// If something is missing, or if the app ends before it has answered.
pub(crate) async fn run(options: RunArguments) -> Result<(), String> {
    let folder = options.chdir.clone().unwrap_or_else(|| PathBuf::from("."));
    let folder = folder
        .canonicalize()
        .map_err(|error| format!("the folder {}: {error}", folder.display()))?;
    let mut config = match file(options.config.clone(), &folder)? {
        Some(file) => Config::read(&file).map_err(|error| error.to_string())?,
        None => Config::to(Vec::new()),
    };
    let run = what(&options, &config)?;
    if let Some(listen) = options.listen {
        config.set_listen(&listen)?;
    }
    // Only this user gets at the sockets.
    let sockets = tempfile::Builder::new().prefix("ferrodash-").tempdir();
    let sockets = sockets.map_err(|error| format!("no folder for sockets: {error}"))?;
    let socket = sockets.path().join("app.sock");
    let control = match &config.control.socket {
        Some(path) => PathBuf::from(path),
        None => sockets.path().join("control.sock"),
    };
    config.control.socket = Some(control.display().to_string());
    config.upstreams = vec![Upstream::Unix(socket.display().to_string())];
    let has_build = config.build.is_some();
    if !has_build {
        config.build = version(&folder);
    }
    let server = if options.asgi { "uvicorn" } else { "gunicorn" };
    let python = python::interpreter();
    python::needs(&python, server)?;
    let app = App {
        python,
        server,
        arguments: arguments(server, &run.app, run.workers, &socket, &options.arguments),
        folder: folder.clone(),
        control,
    };
    config.patience = START_WITHIN;
    // Before the app is started: from then on a signal has to end it too.
    let mut stop = Stop::new()?;
    let mut workers = app.start()?;
    let gateway = tokio::select! {
        started = Gateway::start(config) => started.map_err(|error| error.to_string()),
        reason = workers.ended() => {
            return Err(format!("the app {reason} before it answered; its lines above say why"));
        }
        () = stop.asked() => {
            workers.stop().await;
            return Ok(());
        }
    };
    let served = match gateway {
        Ok(gateway) => serve(gateway, &mut workers, &folder, has_build).await,
        Err(reason) => Err(reason),
    };
    workers.stop().await;
    served
}

/// Waits until none of the old workers is left. Without any, it never returns, nor if the first
/// process has ended: it is started again, and another version begins then.
async fn replaced(first: Option<Pid>, old: &[String]) {
    let Some(first) = first.filter(|_| !old.is_empty()) else {
        return std::future::pending().await;
    };
    let start = Instant::now();
    while old.iter().any(|id| workers::is_worker(id, first)) {
        if start.elapsed() > REPLACED_WITHIN {
            tracing::warn!(
                "the app has not replaced all of its workers within {REPLACED_WITHIN:?}"
            );
            return;
        }
        sleep(LOOK).await;
    }
    if !workers::runs(first) {
        std::future::pending::<()>().await;
    }
}

/// Returns the version of an app whose workers were replaced.
fn new_version(gateway: &Gateway, folder: &Path, has_build: bool) -> Option<String> {
    if has_build {
        return gateway.config().build.clone();
    }
    version(folder)
}

/// The signals that ask a process to stop.
struct Stop {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

impl Stop {
    fn new() -> Result<Self, String> {
        let listen = |kind| signal(kind).map_err(|error| error.to_string());
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Returns what is to be started: from the arguments, or else from the configuration.
fn what(options: &RunArguments, config: &Config) -> Result<Run, String> {
    let mut run = match (&options.app, &config.run) {
        (Some(app), _) if !app.contains(':') => {
            return Err(format!(
                "{app:?} is not an app; write MODULE:NAME, such as app:server"
            ));
        }
        (Some(app), known) => Run::of(app, known.as_ref().map_or(2, |run| run.workers)),
        (None, Some(run)) => run.clone(),
        (None, None) => {
            return Err(
                "there is no app; write MODULE:NAME, such as: ferrodash run app:server".to_owned(),
            );
        }
    };
    if let Some(workers) = options.workers {
        run.workers = workers.into();
    }
    Ok(run)
}

/// Serves until the process is asked to stop. The app is watched meanwhile, and loads its sources
/// again after SIGHUP.
async fn serve(
    gateway: Gateway,
    workers: &mut Workers,
    folder: &Path,
    has_build: bool,
) -> Result<(), String> {
    let mut reload = signal(SignalKind::hangup()).map_err(|error| error.to_string())?;
    admin::mount(&gateway)?;
    // The workers that a reload is to replace.
    let mut old: Vec<String> = Vec::new();
    let serving = gateway.clone().serve();
    tokio::pin!(serving);
    loop {
        let first = workers.first();
        tokio::select! {
            served = &mut serving => return served.map_err(|error| error.to_string()),
            () = workers.watch() => {
                // It may have been changed since it was started.
                old.clear();
                if let Some(version) = new_version(&gateway, folder, has_build) {
                    gateway.set_build(version);
                }
            }
            _ = reload.recv() => {
                old = workers::of(first);
                workers.signal(Signal::HUP);
                // Old workers may still answer. What they answer is kept for nobody.
                gateway.set_build(format!("reloading since {:?}", SystemTime::now()));
                if old.is_empty()
                    && let Some(version) = new_version(&gateway, folder, has_build)
                {
                    gateway.set_build(version);
                }
            }
            () = replaced(first, &old) => {
                old.clear();
                if let Some(version) = new_version(&gateway, folder, has_build) {
                    gateway.set_build(version);
                }
            }
        }
    }
}

/// Returns the version of the app. Without it, each start is a version.
fn version(folder: &Path) -> Option<String> {
    match sources::digest(folder) {
        Ok(version) => Some(version),
        Err(error) => {
            tracing::warn!(
                %error,
                "the sources of the app cannot be read, so answers are kept until the next start \
                 only"
            );
            None
        }
    }
}
