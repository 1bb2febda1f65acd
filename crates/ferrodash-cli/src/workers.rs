//! The processes of the app: started, started again when they end, and stopped.
//!
//! gunicorn and uvicorn start workers of their own and replace those that die. What is watched here
//! is their first process.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep, timeout};

/// How long the app may take to end.
const STOP_WITHIN: Duration = Duration::from_secs(30);

/// How long workers that were left may take to end.
const PAUSE_BEFORE_KILL: Duration = Duration::from_secs(1);

/// The pauses before the app is started again: the first one, and the longest.
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// An app that has run for so long has started well.
const STARTED: Duration = Duration::from_secs(10);

/// How the app is started.
pub(crate) struct App {
    pub(crate) python: PathBuf,
    /// `gunicorn` or `uvicorn`.
    pub(crate) server: &'static str,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
    /// The socket on which the gateway takes invalidations.
    pub(crate) control: PathBuf,
}

/// The processes of the app.
pub(crate) struct Workers {
    app: App,
    child: Child,
    /// The id of the first process, which is that of its group. It stays after the process has
    /// ended.
    group: Option<Pid>,
    started: Instant,
    pause: Duration,
}

impl App {
    /// Starts the processes.
    pub(crate) fn start(self) -> Result<Workers, String> {
        let child = self.spawn()?;
        Ok(Workers {
            app: self,
            group: id(&child),
            child,
            started: Instant::now(),
            pause: FIRST_PAUSE,
        })
    }

    fn spawn(&self) -> Result<Child, String> {
        let mut command = Command::new(&self.python);
        command
            .args(["-m", self.server])
            .args(&self.arguments)
            .current_dir(&self.folder)
            .env("PYTHONUNBUFFERED", "1")
            .env(
                "FERRODASH_CONTROL",
                format!("unix:{}", self.control.display()),
            )
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // A signal of the terminal goes to all processes of a group. The app ends after the
            // gateway, which still has calls.
            .process_group(0)
            .kill_on_drop(true);
        let mut child = command
            .spawn()
            .map_err(|error| format!("{} cannot be started: {error}", self.python.display()))?;
        if let Some(lines) = child.stdout.take() {
            tokio::spawn(pass(lines));
        }
        if let Some(lines) = child.stderr.take() {
            tokio::spawn(pass(lines));
        }
        Ok(child)
    }
}

impl Workers {
    /// Waits until the first process ends.
    pub(crate) async fn ended(&mut self) -> String {
        match self.child.wait().await {
            Ok(status) => reason(status),
            Err(error) => error.to_string(),
        }
    }

    /// Waits until the app ends, and starts it again.
    pub(crate) async fn watch(&mut self) {
        let reason = self.ended().await;
        // Workers can be left when the first process was killed.
        self.end_group(PAUSE_BEFORE_KILL).await;
        if self.started.elapsed() >= STARTED {
            self.pause = FIRST_PAUSE;
        }
        let pause = self.pause;
        tracing::error!("the app {reason}; starting it again in {pause:?}");
        sleep(pause).await;
        self.pause = (pause * 2).min(LONGEST_PAUSE);
        self.started = Instant::now();
        match self.app.spawn() {
            Ok(child) => {
                self.group = id(&child);
                self.child = child;
            }
            Err(error) => tracing::error!("{error}"),
        }
    }

    /// Sends a signal to the first process, which passes it to its workers.
    pub(crate) fn signal(&self, signal: Signal) {
        if let Some(id) = self.id() {
            // It may have ended.
            let _ = rustix::process::kill_process(id, signal);
        }
    }

    /// Returns the id of the first process.
    pub(crate) fn first(&self) -> Option<Pid> {
        self.group
    }

    /// Ends the app: it may finish its requests.
    pub(crate) async fn stop(mut self) {
        self.signal(Signal::TERM);
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            tracing::warn!("the app has not ended within {STOP_WITHIN:?} and is killed");
        }
        self.end_group(Duration::ZERO).await;
        // It has ended by now, or was killed.
        let _ = self.child.wait().await;
    }

    /// Ends what is left of the app's processes.
    async fn end_group(&self, grace: Duration) {
        let Some(group) = self.group else {
            return;
        };
        // An error means that there are none.
        if kill_process_group(group, Signal::TERM).is_ok() {
            sleep(grace).await;
            let _ = kill_process_group(group, Signal::KILL);
        }
    }

    fn id(&self) -> Option<Pid> {
        id(&self.child)
    }
}

/// Returns the ids of the workers that a first process has. It is empty on systems without `/proc`.
///
/// The system's list can lack one while another one ends (proc_pid_children(5)), so it is read
/// twice.
pub(crate) fn of(first: Option<Pid>) -> Vec<String> {
    let Some(first) = first else {
        return Vec::new();
    };
    let id = first.as_raw_nonzero();
    let mut ids = Vec::new();
    for _ in 0..2 {
        let children = std::fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        let children = children.unwrap_or_default();
        ids.extend(children.split_whitespace().map(ToOwned::to_owned));
    }
    ids.sort_unstable();
    ids.dedup();
    ids.retain(|id| !is_helper(id));
    ids
}

/// Returns whether a process only helps others, as one that Python starts beside the workers of
/// uvicorn. It stays when they are replaced.
fn is_helper(id: &str) -> bool {
    let command = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
    let names: [&[u8]; 2] = [
        b"multiprocessing.resource_tracker",
        b"multiprocessing.forkserver",
    ];
    let mut names = names.into_iter();
    names.any(|name| command.windows(name.len()).any(|part| part == name))
}

/// Returns whether a process is a worker of a first process and has not ended.
pub(crate) fn is_worker(id: &str, first: Pid) -> bool {
    parent(id) == Some(first.as_raw_nonzero().get())
}

/// Returns whether a process runs.
pub(crate) fn runs(first: Pid) -> bool {
    parent(&first.as_raw_nonzero().to_string()).is_some()
}

/// Returns the id of the process that has started a process; `None` if that has ended.
fn parent(id: &str) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name, in parentheses, can contain anything. After it come the state and the parent.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace();
    let (state, parent) = (fields.next()?, fields.next()?);
    if state == "Z" {
        return None;
    }
    parent.parse().ok()
}

/// Returns the id of a process that has not ended.
fn id(child: &Child) -> Option<Pid> {
    Pid::from_raw(i32::try_from(child.id()?).ok()?)
}

fn reason(status: ExitStatus) -> String {
    match status.code() {
        Some(code) => format!("ended with status {code}"),
        None => format!("was ended: {status}"),
    }
}

/// Passes the lines of the app on, with their source in front.
async fn pass(from: impl AsyncRead + Unpin) {
    let mut lines = BufReader::new(from).lines();
    loop {
        match lines.next_line().await {
            Ok(Some(line)) => write(&line),
            // A line that is no text is skipped.
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {}
            Ok(None) | Err(_) => return,
        }
    }
}

#[expect(
    clippy::print_stderr,
    reason = "these are the lines of the app's own log"
)]
fn write(line: &str) {
    eprintln!("[app] {line}");
}

/// Returns the arguments with which a server listens on a socket.
pub(crate) fn arguments(
    server: &str,
    app: &str,
    workers: usize,
    socket: &Path,
    further: &[String],
) -> Vec<String> {
    let socket = socket.display();
    let mut arguments = vec![app.to_owned()];
    let place = match server {
        "uvicorn" => ["--uds".to_owned(), socket.to_string()],
        _ => ["--bind".to_owned(), format!("unix:{socket}")],
    };
    arguments.extend(place);
    arguments.extend(["--workers".to_owned(), workers.to_string()]);
    arguments.extend(further.iter().cloned());
    arguments
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn g16_a_worker_is_one_until_it_ends() {
        let this = Pid::from_raw(i32::try_from(std::process::id()).expect("an id")).expect("an id");
        let mut child = Command::new("sleep").arg("60").spawn().expect("sleep");
        let id = child.id().to_string();
        let found = [is_worker(&id, this), is_worker(&id, Pid::INIT), runs(this)];
        child.kill().expect("it runs");
        while is_worker(&id, this) {
            std::thread::yield_now();
        }
        child.wait().expect("it has ended");
        assert_eq!(found, [true, false, true]);
        assert!(!is_worker(&id, this));
    }
}
