//! Real servers for tests: each on a free port of this machine, ended with the value that started
//! it.

use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

/// How long a program may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(20);

/// A port that nothing listens on, and that was not given out before.
///
/// # Panics
/// When there is none.
pub fn free_port() -> u16 {
    // Below the range from which systems take ports for connections, so that none of those takes it
    // before the server does; and not twice, so that two tests do not mistake one server for
    // theirs.
    const FIRST: u32 = 10_000;
    const COUNT: u32 = 22_000;
    static NEXT: AtomicU32 = AtomicU32::new(0);
    (0..COUNT)
        .find_map(|_| {
            let offset = std::process::id()
                .wrapping_mul(131)
                .wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed));
            let port = u16::try_from(FIRST + offset % COUNT).expect("both bounds are ports");
            TcpListener::bind(("127.0.0.1", port))
                .is_ok()
                .then_some(port)
        })
        .expect("this machine has a free port")
}

/// A program that was started, ended when dropped.
#[derive(Debug)]
pub struct Program {
    child: Child,
}

impl Program {
    /// Starts a program and waits until it listens on `port`.
    ///
    /// # Panics
    /// When the program is not installed or not ready in time.
    pub fn listening(command: &mut Command, port: u16) -> Self {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let child = child.unwrap_or_else(|error| {
            panic!("{name}: {error}; run scripts/test, which installs what tests need")
        });
        let program = Self { child };
        for _ in 0..READY_WITHIN.as_millis() / 10 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                return program;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("{name} does not listen on port {port}");
    }

    /// Starts a program and waits for its first line on standard output.
    ///
    /// # Panics
    /// When the program cannot be started or ends without a line.
    pub fn saying(command: &mut Command) -> (Self, String) {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn();
        let mut child = child
            .unwrap_or_else(|error| panic!("{name}: {error}; run scripts/test, which builds it"));
        let output = child.stdout.take().expect("standard output is piped");
        let mut line = String::new();
        BufReader::new(output)
            .read_line(&mut line)
            .expect("a line of text");
        assert!(!line.is_empty(), "{name} ended without a line");
        (Self { child }, line.trim().to_owned())
    }

    /// The process's id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits for the program to end by itself; `true` if it did so with success.
    pub fn wait(mut self) -> bool {
        self.child
            .wait()
            .expect("the program is a child of this one")
            .success()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Postgres server with an empty database, whose user and database are both `postgres`. It logs
/// all statements.
#[derive(Debug)]
pub struct Postgres {
    port: u16,
    /// `None` while it is dropped.
    program: Option<Program>,
    directory: TempDir,
}

impl Postgres {
    /// Starts a server.
    ///
    /// # Panics
    /// When Postgres is not installed or not ready in time.
    pub fn start() -> Self {
        let directory = TempDir::new().expect("a directory for temporary files");
        let (port, data) = (free_port(), directory.path().join("data"));
        let owner = std::fs::metadata(directory.path()).expect("the directory is there");
        let is_root = owner.uid() == 0;
        if is_root {
            let mut give = Command::new("chown");
            let given = give.arg("postgres:").arg(directory.path()).status();
            assert!(given.is_ok_and(|given| given.success()), "chown failed");
        }
        let mut make = as_postgres("initdb", is_root);
        make.args([
            "--auth=trust",
            "--username=postgres",
            "--no-sync",
            "--locale=C",
            "--encoding=UTF8",
            "--pgdata",
        ]);
        let made = make.arg(&data).stdout(Stdio::null()).status();
        let made = made.unwrap_or_else(|error| {
            panic!("initdb: {error}; run scripts/test, which installs what tests need")
        });
        assert!(made.success(), "initdb could not make a database");
        let mut command = as_postgres("postgres", is_root);
        command.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        for option in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=off",
            "logging_collector=on",
            "log_directory=..",
            "log_filename=log",
            "log_statement=all",
        ] {
            command.args(["-c", option]);
        }
        Self {
            port,
            program: Some(Program::listening(&mut command, port)),
            directory,
        }
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// The lines of the log that contain a text.
    pub fn logged(&self, text: &str) -> Vec<String> {
        let log = std::fs::read_to_string(self.directory.path().join("log"));
        let log = log.expect("the server writes a log");
        let lines = log.lines().filter(|line| line.contains(text));
        lines.map(str::to_owned).collect()
    }
}

/// Stops the server as it asks for: one that is killed leaves shared memory behind.
impl Drop for Postgres {
    fn drop(&mut self) {
        if let Some(program) = self.program.take() {
            let mut stop = Command::new("kill");
            let stopped = stop.args(["-INT", &program.id().to_string()]).status();
            if stopped.is_ok_and(|stopped| stopped.success()) {
                program.wait();
            }
        }
    }
}

/// A command of Postgres. It refuses to run as root, so root runs it as the user `postgres`.
fn as_postgres(program: &str, is_root: bool) -> Command {
    let program = postgres_program(program);
    if !is_root {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(program);
    command
}

/// The path of a program of Postgres. Debian has them where no shell looks.
fn postgres_program(name: &str) -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql");
    let programs = versions.into_iter().flatten().flatten();
    let mut programs = programs.map(|version| version.path().join("bin").join(name));
    programs
        .find(|program| program.exists())
        .unwrap_or_else(|| name.into())
}

/// The command of a Redis server that keeps nothing on disk. More arguments can follow.
pub fn redis_server(port: u16) -> Command {
    let mut command = Command::new("redis-server");
    command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
    command.args(["--port", &port.to_string()]);
    command
}

/// A Redis server.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    program: Option<Program>,
}

impl Redis {
    /// Starts a server that keeps nothing on disk.
    pub fn start() -> Self {
        let mut redis = Self {
            port: free_port(),
            program: None,
        };
        redis.resume();
        redis
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    /// Ends the server; everything in it is gone.
    pub fn stop(&mut self) {
        self.program = None;
    }

    /// Starts the server again, on the same port.
    pub fn resume(&mut self) {
        self.program = Some(Program::listening(&mut redis_server(self.port), self.port));
    }
}

/// A Memcached server.
#[derive(Debug)]
pub struct Memcached {
    port: u16,
    _program: Program,
}

impl Memcached {
    /// Starts a server.
    pub fn start() -> Self {
        let port = free_port();
        let mut command = Command::new("memcached");
        command.args(["-l", "127.0.0.1", "-u", "nobody", "-p", &port.to_string()]);
        let program = Program::listening(&mut command, port);
        Self {
            port,
            _program: program,
        }
    }

    /// The server's address.
    pub fn url(&self) -> String {
        format!("memcached://127.0.0.1:{}", self.port)
    }
}

/// An nginx in front of a server.
#[derive(Debug)]
pub struct Nginx {
    port: u16,
    _program: Program,
    // After the process that writes in it.
    _files: TempDir,
}

impl Nginx {
    /// Starts an nginx that passes requests on to `address`, with these directives for all of them.
    ///
    /// # Panics
    /// When nginx is not installed or refuses the directives.
    pub fn start(address: &str, directives: &str) -> Self {
        Self::start_with("", address, directives)
    }

    /// Like [`start`](Self::start), with more directives for nginx as a whole.
    ///
    /// # Panics
    /// When nginx is not installed or refuses the directives.
    pub fn start_with(general: &str, address: &str, directives: &str) -> Self {
        let port = free_port();
        let files = tempfile::tempdir().expect("a folder for nginx's files");
        let folder = files.path().display();
        let own = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
        let own = own
            .map(|name| format!("{name}_temp_path {folder}/{name};"))
            .join(" ");
        // One process, which ends with the test.
        let config = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log; events {{}}
             http {{
                 access_log off; {own} {general}
                 server {{ listen 127.0.0.1:{port}; {directives} location / {{ proxy_pass {address}; }} }}
             }}"
        );
        let path = files.path().join("nginx.conf");
        std::fs::write(&path, config).expect("a folder that can be written");
        // Debian installs it where only root's shell looks.
        let program = if Path::new("/usr/sbin/nginx").exists() {
            "/usr/sbin/nginx"
        } else {
            "nginx"
        };
        let mut command = Command::new(program);
        let program = Program::listening(
            command.arg("-p").arg(files.path()).arg("-c").arg(&path),
            port,
        );
        Self {
            port,
            _program: program,
            _files: files,
        }
    }

    /// Its address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
