//! The form of the file, and its checks.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::mistakes::Mistakes;
use super::options::{Admin, Config, Declaration, Kept, Part, Place, Run, Upstream};
use super::values::{cache, closest, duration, from_environment, listen, part, size, upstream};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    listen: Option<Spanned<String>>,
    #[serde(default)]
    upstreams: Vec<Spanned<String>>,
    prefix: Option<Spanned<String>>,
    cache: Option<Spanned<String>>,
    memory: Option<Spanned<String>>,
    secret: Option<Spanned<String>>,
    build: Option<Spanned<String>>,
    identity: Option<Vec<Spanned<String>>>,
    guard: Option<Spanned<String>>,
    running: Option<Spanned<usize>>,
    waiting: Option<usize>,
    drain: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    metrics: Option<Spanned<String>>,
    #[serde(default)]
    control: FileControl,
    admin: Option<FileAdmin>,
    #[serde(default)]
    access_log: bool,
    run: Option<FileRun>,
    #[serde(default)]
    callback: Vec<Spanned<FileCallback>>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct FileControl {
    socket: Option<Spanned<String>>,
    token: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileAdmin {
    user: Option<String>,
    password: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRun {
    app: Spanned<String>,
    workers: Option<Spanned<usize>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileCallback {
    output: Spanned<String>,
    timeout: Option<Spanned<String>>,
    stale_while_revalidate: Option<Spanned<String>>,
    stale_if_error: Option<Spanned<String>>,
    negative: Option<Spanned<String>>,
    client: Option<Spanned<Client>>,
    #[serde(default)]
    shared: bool,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    vary: Vec<Spanned<String>>,
    identity: Option<Vec<Spanned<String>>>,
    trigger: Option<bool>,
    #[serde(default)]
    invalidates: Vec<String>,
    #[serde(default)]
    debounce: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    throttle: BTreeMap<String, Spanned<String>>,
    max_wait: Option<Spanned<String>>,
    batch: Option<bool>,
}

/// Whether browsers keep answers, and for how long.
#[derive(Deserialize)]
#[serde(untagged)]
enum Client {
    Flag(bool),
    Time(String),
    Other(serde::de::IgnoredAny),
}

/// Reads the file and gathers what is wrong with it.
pub(super) fn parse(text: &str, name: &str) -> Result<Config, Mistakes> {
    let file: File = toml::from_str(text).map_err(|error| {
        let line = error.span().map_or(0, |span| line_of(text, span.start));
        let mut mistakes = Mistakes::new(name);
        mistakes.add(line, explained(error.message()));
        mistakes
    })?;
    let mut reader = Reader {
        text,
        name,
        mistakes: Mistakes::new(name),
    };
    let config = reader.config(file);
    reader.mistakes.into_result()?;
    Ok(config)
}

/// Adds a suggestion to what the parser says about an unknown key.
fn explained(message: &str) -> String {
    let message = message.replace('\n', " ");
    let mut quoted = message.split('`').skip(1).step_by(2);
    let suggestion = quoted
        .next()
        .filter(|_| message.starts_with("unknown field"))
        .and_then(|wrong| closest(wrong, quoted));
    match suggestion {
        Some(name) => format!("{message}; did you mean `{name}`?"),
        None => message,
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = &text.as_bytes()[..offset.min(text.len())];
    before.iter().filter(|byte| **byte == b'\n').count() + 1
}

struct Reader<'a> {
    text: &'a str,
    name: &'a str,
    mistakes: Mistakes,
}

impl Reader<'_> {
    fn config(&mut self, file: File) -> Config {
        let servers = file.upstreams.iter();
        let upstreams: Vec<Upstream> = servers
            .filter_map(|text| self.value("upstreams", text, upstream))
            .collect();
        let mut config = Config::to(upstreams);
        if let Some(listen) = self.optional("listen", file.listen.as_ref(), listen) {
            config.listen = listen;
        }
        if let Some(prefix) = self.optional("prefix", file.prefix.as_ref(), path) {
            config.prefix = prefix;
        }
        config.cache = self.optional("cache", file.cache.as_ref(), cache);
        if let Some(bytes) = self.optional("memory", file.memory.as_ref(), size) {
            config.memory = bytes;
        }
        config.secret = self.optional("secret", file.secret.as_ref(), secret);
        config.build = self.optional("build", file.build.as_ref(), from_environment);
        config.identity = self.parts("identity", file.identity.as_ref(), &config);
        config.guard = self.optional("guard", file.guard.as_ref(), absolute);
        if let Some(running) = &file.running {
            config.running = (*running.get_ref()).max(1);
            if *running.get_ref() == 0 {
                self.mistake(
                    running.span().start,
                    "running: 0 calls would answer nothing",
                );
            }
        }
        config.waiting = file.waiting.unwrap_or(config.waiting);
        if let Some(timeout) = self.optional("timeout", file.timeout.as_ref(), duration) {
            config.timeout = timeout;
        }
        if let Some(drain) = self.optional("drain", file.drain.as_ref(), duration) {
            config.drain = drain;
        }
        config.metrics = self.optional("metrics", file.metrics.as_ref(), absolute);
        let FileControl { socket, token } = &file.control;
        config.control.socket = self.optional("socket", socket.as_ref(), absolute);
        config.control.token = self.optional("token", token.as_ref(), secret);
        config.admin = file.admin.and_then(|admin| {
            let password = self.value("password", &admin.password, secret)?;
            let user = admin.user.unwrap_or_else(|| "admin".to_owned());
            Some(Admin { user, password })
        });
        config.access_log = file.access_log;
        config.run = file.run.and_then(|run| self.run(&run));
        self.callbacks(&file.callback, &mut config);
        config
    }

    fn callbacks(&mut self, callbacks: &[Spanned<FileCallback>], config: &mut Config) {
        for callback in callbacks {
            let place = self.place(callback.get_ref().output.span().start);
            let declaration = self.callback(callback.get_ref(), config);
            let output = &declaration.output;
            let mut known = config.callbacks.iter();
            if known.any(|(known, _)| known.output == *output) {
                let text = format!("output: {output:?} is declared twice");
                self.mistakes.add(place.line, text);
            }
            config.callbacks.push((declaration, place));
        }
    }

    fn run(&mut self, run: &FileRun) -> Option<Run> {
        let app = self.value("app", &run.app, module)?;
        let workers = run.workers.as_ref().map_or(2, |workers| {
            if *workers.get_ref() == 0 {
                self.mistake(workers.span().start, "workers: the app needs at least one");
            }
            *workers.get_ref()
        });
        Some(Run { app, workers })
    }

    fn callback(&mut self, callback: &FileCallback, config: &Config) -> Declaration {
        let mut waits = |times: &BTreeMap<String, Spanned<String>>| {
            let read = times.iter().filter_map(|(input, time)| {
                let time = self.value(input, time, duration)?;
                Some((input.clone(), time))
            });
            read.collect::<BTreeMap<_, _>>()
        };
        let (debounce, throttle) = (waits(&callback.debounce), waits(&callback.throttle));
        self.needs_effect(callback);
        Declaration {
            output: callback.output.get_ref().clone(),
            kept: self.kept(callback, config),
            invalidates: callback.invalidates.clone(),
            debounce,
            throttle,
            max_wait: self.optional("max_wait", callback.max_wait.as_ref(), duration),
            batch: callback.batch,
        }
    }

    fn kept(&mut self, callback: &FileCallback, config: &Config) -> Option<Kept> {
        let timeout = self.optional("timeout", callback.timeout.as_ref(), duration);
        let Some(timeout) = timeout else {
            self.needs_timeout(callback);
            return None;
        };
        let mut time =
            |name, text: &Option<Spanned<String>>| self.optional(name, text.as_ref(), duration);
        let stale_while_revalidate =
            time("stale_while_revalidate", &callback.stale_while_revalidate);
        let stale_if_error = time("stale_if_error", &callback.stale_if_error);
        let negative = time("negative", &callback.negative);
        let identity = self.parts("identity", callback.identity.as_ref(), config);
        let vary = self.parts("vary", Some(&callback.vary), config);
        if callback.shared
            && let Some(identity) = callback.identity.as_ref().and_then(|parts| parts.first())
        {
            let text = "identity: answers that are shared belong to nobody; \
                        remove identity or shared";
            self.mistake(identity.span().start, text);
        }
        Some(Kept {
            timeout,
            stale_while_revalidate: stale_while_revalidate.unwrap_or_default(),
            stale_if_error: stale_if_error.unwrap_or_default(),
            negative,
            client: self.client(callback, timeout),
            is_shared: callback.shared,
            tags: callback.tags.clone(),
            vary: vary.unwrap_or_default(),
            identity,
            trigger: callback.trigger,
        })
    }

    /// Adds a mistake for an entry that declares nothing.
    fn needs_effect(&mut self, callback: &FileCallback) {
        let output = callback.output.get_ref();
        let waits = !callback.debounce.is_empty() || !callback.throttle.is_empty();
        let is_declared = waits
            || callback.timeout.is_some()
            || !callback.invalidates.is_empty()
            || callback.batch.is_some();
        if let Some(max_wait) = &callback.max_wait
            && callback.debounce.is_empty()
        {
            let text = "max_wait: it is for a debounce, which the callback does not have";
            self.mistake(max_wait.span().start, text);
        } else if !is_declared && !has_options(callback) {
            let text = format!(
                "output: nothing is declared for {output:?}; add for example timeout = \"5m\", \
                 or remove the entry"
            );
            self.mistake(callback.output.span().start, text);
        }
    }

    /// Adds a mistake if answers are to be kept, and it is not said for how long.
    fn needs_timeout(&mut self, callback: &FileCallback) {
        if has_options(callback) && callback.timeout.is_none() {
            let output = callback.output.get_ref();
            let text = format!(
                "output: {output:?} has options of a cache but no timeout; add timeout = \"5m\""
            );
            self.mistake(callback.output.span().start, text);
        }
    }

    fn client(&mut self, callback: &FileCallback, timeout: Duration) -> Option<Duration> {
        let client = callback.client.as_ref()?;
        match client.get_ref() {
            Client::Flag(true) => Some(timeout),
            Client::Flag(false) => None,
            Client::Other(_) => {
                let text = "client: write true, or a duration such as \"1m\"";
                self.mistake(client.span().start, text);
                None
            }
            Client::Time(text) => match duration(text) {
                Ok(time) => Some(time),
                Err(reason) => {
                    self.mistake(client.span().start, format!("client: {reason}"));
                    None
                }
            },
        }
    }

    /// Reads parts of requests.
    fn parts(
        &mut self,
        key: &str,
        texts: Option<&Vec<Spanned<String>>>,
        config: &Config,
    ) -> Option<Vec<Part>> {
        let texts = texts?;
        if texts.is_empty() && key == "identity" {
            let text = "identity: it names nothing, so all visitors would get the answers of one; \
                        write shared = true if that is wanted";
            self.mistakes.add(0, text);
        }
        let read = texts.iter().filter_map(|text| {
            let part = self.value(key, text, part)?;
            if matches!(part, Part::Signed(_)) && config.secret.is_none() {
                let text =
                    format!("{key}: signed cookies need a secret; add secret = \"env:NAME\"");
                self.mistake(texts[0].span().start, text);
            }
            Some(part)
        });
        Some(read.collect())
    }

    fn optional<T>(
        &mut self,
        key: &str,
        text: Option<&Spanned<String>>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        text.and_then(|text| self.value(key, text, read))
    }

    /// Reads a value; what is wrong with it becomes a mistake.
    fn value<T>(
        &mut self,
        key: &str,
        text: &Spanned<String>,
        read: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match read(text.get_ref()) {
            Ok(value) => Some(value),
            Err(reason) => {
                self.mistake(text.span().start, format!("{key}: {reason}"));
                None
            }
        }
    }

    fn mistake(&mut self, offset: usize, text: impl Into<String>) {
        self.mistakes.add(line_of(self.text, offset), text);
    }

    fn place(&self, offset: usize) -> Place {
        Place {
            file: self.name.to_owned(),
            line: line_of(self.text, offset),
        }
    }
}

/// Returns whether an entry has options of a cache, beside the timeout.
fn has_options(callback: &FileCallback) -> bool {
    callback.stale_while_revalidate.is_some()
        || callback.stale_if_error.is_some()
        || callback.negative.is_some()
        || callback.client.is_some()
        || callback.shared
        || !callback.tags.is_empty()
        || !callback.vary.is_empty()
        || callback.identity.is_some()
        || callback.trigger.is_some()
}

/// Checks a path that begins with a slash.
fn absolute(text: &str) -> Result<String, String> {
    if text.starts_with('/') && !text.contains(['?', '#', ' ']) {
        Ok(text.to_owned())
    } else {
        Err(format!(
            "{text:?} is not a path; write one such as \"/path\""
        ))
    }
}

/// Checks the prefix of an app.
fn path(text: &str) -> Result<String, String> {
    let path = absolute(text)?;
    if path.ends_with('/') {
        Ok(path)
    } else {
        Err(format!(
            "{text:?} does not end with a slash; write \"{text}/\""
        ))
    }
}

/// Checks a secret, which must not be guessed.
fn secret(text: &str) -> Result<String, String> {
    const SHORTEST: usize = 16;
    let secret = from_environment(text)?;
    if secret.len() < SHORTEST {
        return Err(format!(
            "it has less than {SHORTEST} characters; write a random text, such as the output of \
             `openssl rand -hex 32`"
        ));
    }
    Ok(secret)
}

/// Checks the name of an app, `MODULE:NAME`.
fn module(text: &str) -> Result<String, String> {
    match text.split_once(':') {
        Some((module, name)) if !module.is_empty() && !name.is_empty() => Ok(text.to_owned()),
        _ => Err(format!(
            "{text:?} is not an app; write MODULE:NAME, such as \"app:server\""
        )),
    }
}
