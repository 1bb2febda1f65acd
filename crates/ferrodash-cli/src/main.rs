//! The command `ferrodash`.
//!
//! `ferrodash gateway` serves in front of servers of a Python Dash app; `ferrodash run` starts them
//! too. What the gateway does is in the crate `ferrodash-gateway`.

#[cfg(feature = "admin")]
mod admin;
#[cfg(not(feature = "admin"))]
#[path = "no_admin.rs"]
mod admin;
mod python;
mod run;
mod sources;
mod workers;

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};
use ferrodash_gateway::{Config, Gateway, Upstream};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// A gateway in front of a Python Dash app: its callbacks are cached, debounced and batched.
#[derive(Parser)]
#[command(version, about)]
struct Command {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Serves in front of servers that run already.
    Gateway(GatewayArguments),
    /// Starts the app and serves in front of it.
    Run(RunArguments),
}

#[derive(Args)]
struct GatewayArguments {
    /// The configuration. By default ferrodash.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A server of the app, as http://HOST:PORT or unix:/PATH. Can be given several times.
    #[arg(long = "upstream", value_name = "SERVER")]
    upstreams: Vec<String>,
    /// The address to listen on.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Checks the configuration and ends.
    #[arg(long)]
    check: bool,
}

/// The arguments of `ferrodash run`.
#[derive(Args)]
struct RunArguments {
    /// The app, as MODULE:NAME, such as app:server.
    #[arg(value_name = "MODULE:NAME")]
    app: Option<String>,
    /// The number of worker processes. By default two.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    workers: Option<u16>,
    /// The configuration. By default ferrodash.toml, if there is one.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The address to listen on. By default 127.0.0.1:8050.
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Starts the app with uvicorn, for apps on FastAPI or Quart.
    #[arg(long)]
    asgi: bool,
    /// The folder of the app.
    #[arg(long, value_name = "FOLDER")]
    chdir: Option<PathBuf>,
    /// Further arguments for gunicorn or uvicorn.
    #[arg(last = true)]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    let command = Command::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let ended = match runtime {
        Ok(runtime) => {
            let ended = runtime.block_on(async {
                match command.what {
                    What::Gateway(arguments) => gateway(arguments).await,
                    What::Run(arguments) => run::run(arguments).await,
                }
            });
            // What is still being compressed is for nobody.
            runtime.shutdown_background();
            ended
        }
        Err(error) => Err(format!("the system gives no threads: {error}")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            complain(&reason);
            ExitCode::FAILURE
        }
    }
}

/// Serves in front of servers that run already.
async fn gateway(arguments: GatewayArguments) -> Result<(), String> {
    let mut config = match file(arguments.config, Path::new("."))? {
        Some(file) => Config::read(&file).map_err(|error| error.to_string())?,
        None => Config::to(Vec::new()),
    };
    let servers = arguments.upstreams.iter().map(|text| Upstream::parse(text));
    let servers: Vec<Upstream> = servers.collect::<Result<_, _>>()?;
    if !servers.is_empty() {
        config.upstreams = servers;
    }
    if config.upstreams.is_empty() {
        return Err(
            "there is no server of the app; write --upstream http://127.0.0.1:8051, \
             or name one in ferrodash.toml"
                .to_owned(),
        );
    }
    if let Some(listen) = arguments.listen {
        config.set_listen(&listen)?;
    }
    let gateway = Gateway::start(config).await;
    let gateway = gateway.map_err(|error| error.to_string())?;
    if arguments.check {
        return checked(&gateway);
    }
    admin::mount(&gateway)?;
    let hangup = signal(SignalKind::hangup()).map_err(|error| error.to_string());
    let renewed = renew(gateway.clone(), hangup?);
    tokio::select! {
        served = gateway.serve() => served.map_err(|error| error.to_string()),
        never = renewed => match never {},
    }
}

/// Discards what was kept whenever the process gets SIGHUP: the app was changed.
async fn renew(gateway: Gateway, mut hangup: Signal) -> Infallible {
    loop {
        if hangup.recv().await.is_none() {
            return std::future::pending().await;
        }
        gateway.renew();
    }
}

/// Says what `--check` has found.
#[expect(clippy::print_stdout, reason = "the result")]
fn checked(gateway: &Gateway) -> Result<(), String> {
    if !gateway.is_compared() {
        return Err(
            "the app does not show its callbacks, so nothing was compared with them; is the \
             prefix right, and can they be seen without signing in?"
                .to_owned(),
        );
    }
    println!("The configuration is right, {}", gateway.line());
    Ok(())
}

/// Returns the configuration that is named, or the usual one if there is one.
fn file(named: Option<PathBuf>, folder: &Path) -> Result<Option<PathBuf>, String> {
    let usual = folder.join("ferrodash.toml");
    match named {
        Some(file) if file.is_file() => Ok(Some(file)),
        Some(file) => Err(format!("there is no file {}", file.display())),
        None if usual.is_file() => Ok(Some(usual)),
        None => Ok(None),
    }
}

#[expect(
    clippy::print_stderr,
    reason = "it is for the person who has started the command"
)]
fn complain(reason: &str) {
    eprintln!("ferrodash: {reason}");
}
