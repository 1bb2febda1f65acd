//! The address of a Redis or Valkey: one server, the master that sentinels name, or a cluster.
//!
//! [`RedisConfig::parse`] reads the address completely and finds every mistake in it, without
//! connecting. No message repeats anything that may be a password.

use std::fmt;
use std::time::Duration;

use redis::io::tcp::TcpSettings;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    Client, ConnectionAddr, IntoConnectionInfo, ProtocolVersion, RedisConnectionInfo, RedisResult,
};

use super::slots::Address as Node;
use super::tls::{self, Certificates, Files};
use crate::address::{self, Secrets, is_host, masked, part_of_scheme, shown};
use crate::options;

/// The default deadline of a call.
const DEADLINE: Duration = Duration::from_millis(100);

/// The default limit of a value. The transfer of a larger one could take longer than the deadline,
/// which would look like a fault.
const MAX_VALUE: usize = 8 << 20;

/// The default ports.
const PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// The servers of a [`Redis`](super::Redis) tier, with the limits of its calls. `Debug` hides the
/// password.
pub struct RedisConfig {
    pub(super) target: Target,
    pub(super) deadline: Duration,
    pub(super) max_value: usize,
    /// The beginning of all keys, if the address names one.
    pub(crate) namespace: Option<String>,
    /// The address without secrets.
    pub(super) place: String,
    /// The passwords, which are removed from the error messages of servers.
    pub(super) secrets: Secrets,
}

/// The servers to connect to.
pub(super) enum Target {
    Server(Client),
    Sentinels(Sentinels),
    Cluster(Nodes),
}

/// The sentinels, which know which server is the master.
pub(super) struct Sentinels {
    servers: Vec<ConnectionAddr>,
    master: String,
    database: i64,
    login: Option<Login>,
    /// `true` if the sentinels require the same user and password as the server.
    login_here: bool,
    tls: bool,
    certificates: Option<Certificates>,
}

/// The nodes of a cluster that the address names, and how to connect to any node.
pub(super) struct Nodes {
    pub(super) seeds: Vec<Node>,
    login: Option<Login>,
    tls: bool,
    certificates: Option<Certificates>,
}

/// The user, if there is one, and the password, both decoded.
#[derive(Clone)]
struct Login {
    user: Option<String>,
    password: String,
}

impl RedisConfig {
    /// Reads an address.
    ///
    /// - `redis://[[user]:password@]host[:port][/database]`: one server,
    /// - `redis+sentinel://[[user]:password@]host[:port],…/master[/database]`: the master that
    ///   sentinels name,
    /// - `redis+cluster://[[user]:password@]host[:port],…`: a cluster.
    ///
    /// `rediss` instead of `redis` means TLS. `valkey` and `valkeys` mean the same as `redis` and
    /// `rediss`. The port is 6379, and 26379 for sentinels, unless the address names another.
    /// Special characters in user, password and options are written as `%XX`.
    ///
    /// The options are `namespace=NAME`, `deadline=100ms` and `max_value=8MB`. With TLS there are
    /// also `ca=FILE` for a certificate authority other than those of the system, and `cert=FILE`
    /// and `key=FILE` for a client certificate. With sentinels there is `sentinel_auth=true` if
    /// they require the user and the password, too. Certificates are read from their files at once.
    ///
    /// # Errors
    /// If the address or an option is malformed, or a file cannot be read. The reason does not
    /// contain the password.
    pub fn parse(url: &str) -> Result<Self, String> {
        let address = Address::split(url)?;
        let options = Options::parse(address.query)?;
        options.check(&address)?;
        let certificates = Certificates::read(&options.files)?;
        let place = masked(url.split('?').next().unwrap_or_default());
        let secrets = address.login.iter().map(|login| login.password.clone());
        let secrets = Secrets::new(secrets.chain(address.raw_password.map(str::to_owned)));
        if address.tls {
            tls::prepare()?;
        }
        let target = match address.kind {
            Kind::Server => address.server(certificates),
            Kind::Sentinels => address.sentinels(certificates, options.sentinel_auth),
            Kind::Cluster => address.cluster(certificates),
        };
        let Options {
            deadline,
            max_value,
            namespace,
            ..
        } = options;
        Ok(Self {
            target: target?,
            deadline,
            max_value,
            namespace,
            place,
            secrets,
        })
    }
}

impl fmt::Debug for RedisConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisConfig")
            .field("place", &self.place)
            .field("namespace", &self.namespace)
            .field("deadline", &self.deadline)
            .field("max_value", &self.max_value)
            .finish_non_exhaustive()
    }
}

impl Sentinels {
    /// Creates a client that finds the master. Each connection creates its own, because the
    /// knowledge of an older one may be outdated.
    pub(super) fn client(&self) -> RedisResult<SentinelClient> {
        let mut builder = SentinelClientBuilder::new(
            self.servers.iter().cloned(),
            &self.master,
            SentinelServerType::Master,
        )?
        .set_client_to_redis_db(self.database)
        .set_client_to_redis_protocol(ProtocolVersion::RESP3)
        .set_client_to_redis_tcp_settings(tcp());
        if self.tls {
            builder = builder.set_client_to_redis_tls_mode(redis::TlsMode::Secure);
        }
        if let Some(Login { user, password }) = &self.login {
            builder = builder.set_client_to_redis_password(password);
            builder = user.iter().fold(builder, |builder, user| {
                builder.set_client_to_redis_username(user)
            });
            if self.login_here {
                builder = builder.set_client_to_sentinel_password(password);
                builder = user.iter().fold(builder, |builder, user| {
                    builder.set_client_to_sentinel_username(user)
                });
            }
        }
        if let Some(certificates) = &self.certificates {
            builder = certificates.sentinels(builder);
        }
        builder.build()
    }
}

impl Nodes {
    /// Creates a client for one node.
    pub(super) fn client(&self, (host, port): &Node) -> RedisResult<Client> {
        let settings = settings(self.login.clone());
        client(
            connection_address(host.clone(), *port, self.tls),
            settings,
            self.certificates.clone(),
        )
    }
}

/// The kind of servers that an address names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Server,
    Sentinels,
    Cluster,
}

/// The parts of an address.
struct Address<'a> {
    kind: Kind,
    tls: bool,
    login: Option<Login>,
    /// The password as it is in the address, possibly with `%XX` in it. It is a secret too.
    raw_password: Option<&'a str>,
    hosts: &'a str,
    path: &'a str,
    query: &'a str,
}

impl<'a> Address<'a> {
    /// Splits an address into its parts. Only the user and the password are decoded yet.
    fn split(url: &'a str) -> Result<Self, String> {
        let (scheme, rest) = url.split_once("://").ok_or("it has no ://")?;
        let (server, kind) = match scheme.split_once('+') {
            None => (scheme, Kind::Server),
            Some((server, "sentinel")) => (server, Kind::Sentinels),
            Some((server, "cluster")) => (server, Kind::Cluster),
            Some((_, other)) => {
                return Err(format!(
                    "+{} is neither +sentinel nor +cluster",
                    part_of_scheme(other)
                ));
            }
        };
        let tls = match server {
            "redis" | "valkey" => false,
            "rediss" | "valkeys" => true,
            other => {
                return Err(format!(
                    "{:?} is none of redis, rediss, valkey and valkeys",
                    part_of_scheme(other)
                ));
            }
        };
        let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        // The text before a misplaced `@` may be part of a password, so it is not repeated.
        if path.contains('@') || query.contains('@') {
            let reason = "special characters in user, \
                          password and options are written as %XX";
            return Err(reason.to_owned());
        }
        let (login, hosts) = match authority.rsplit_once('@') {
            Some((login, hosts)) => (Some(login), hosts),
            None => (None, authority),
        };
        let raw_password = login
            .and_then(|login| login.split_once(':'))
            .map(|(_, password)| password);
        let login = login.map(Login::parse).transpose()?;
        Ok(Self {
            kind,
            tls,
            login,
            raw_password,
            hosts,
            path: path.trim_end_matches('/'),
            query,
        })
    }

    /// Makes the target of the address of one server.
    fn server(self, certificates: Option<Certificates>) -> Result<Target, String> {
        let mut servers = self.servers(PORT)?;
        let server = servers.remove(0);
        if !servers.is_empty() {
            let reason = "several servers are the addresses of redis+sentinel:// or \
                          redis+cluster://";
            return Err(reason.to_owned());
        }
        let settings = settings(self.login).set_db(database(self.path)?);
        client(server, settings, certificates)
            .map(Target::Server)
            .map_err(reason)
    }

    /// Makes the target of the address of sentinels.
    fn sentinels(
        self,
        certificates: Option<Certificates>,
        login_here: bool,
    ) -> Result<Target, String> {
        let servers = self.servers(SENTINEL_PORT)?;
        let (master, path) = self.path.split_once('/').unwrap_or((self.path, ""));
        if master.is_empty() {
            return Err("the name of the master is missing after the sentinels".to_owned());
        }
        let (master, database, tls) = (decode(master)?, database(path)?, self.tls);
        let sentinels = Sentinels {
            servers,
            master,
            database,
            login: self.login,
            login_here,
            tls,
            certificates,
        };
        // Mistakes are found now rather than at the first connection.
        sentinels.client().map_err(reason)?;
        Ok(Target::Sentinels(sentinels))
    }

    /// Makes the target of the address of a cluster.
    fn cluster(self, certificates: Option<Certificates>) -> Result<Target, String> {
        if !self.path.is_empty() {
            let reason = "a cluster has neither databases nor masters \
                          to name after its servers";
            return Err(reason.to_owned());
        }
        let node = |server: ConnectionAddr| match server {
            ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } => {
                Some((host, port))
            }
            _ => None,
        };
        let seeds = self
            .servers(PORT)?
            .into_iter()
            .filter_map(node)
            .collect::<Vec<_>>();
        let nodes = Nodes {
            seeds,
            login: self.login,
            tls: self.tls,
            certificates,
        };
        // Mistakes are found now rather than at the first connection.
        nodes
            .seeds
            .iter()
            .try_for_each(|seed| nodes.client(seed).map(drop))
            .map_err(reason)?;
        Ok(Target::Cluster(nodes))
    }

    fn servers(&self, port: u16) -> Result<Vec<ConnectionAddr>, String> {
        self.hosts
            .split(',')
            .map(|host| server(host, port, self.tls))
            .collect()
    }
}

impl Login {
    /// Reads `user:password` or `:password`.
    fn parse(text: &str) -> Result<Self, String> {
        let (user, password) = text
            .split_once(':')
            .ok_or("what stands before the @ is no user:password")?;
        let user = (!user.is_empty()).then(|| decode(user)).transpose()?;
        Ok(Self {
            user,
            password: decode(password)?,
        })
    }
}

/// The names of options.
const OPTIONS: [&str; 7] = [
    "namespace",
    "deadline",
    "max_value",
    "ca",
    "cert",
    "key",
    "sentinel_auth",
];

/// The options after the question mark.
struct Options {
    namespace: Option<String>,
    deadline: Duration,
    max_value: usize,
    files: Files,
    sentinel_auth: bool,
}

impl Options {
    /// Reads the options. An unknown option, one without a value, and one that is given twice are
    /// errors.
    fn parse(query: &str) -> Result<Self, String> {
        let mut options = Self {
            namespace: None,
            deadline: DEADLINE,
            max_value: MAX_VALUE,
            files: Files::default(),
            sentinel_auth: false,
        };
        let mut seen = Vec::new();
        for option in query.split('&').filter(|option| !option.is_empty()) {
            let (name, value) = option.split_once('=').unwrap_or((option, ""));
            if value.is_empty() && OPTIONS.contains(&name) {
                return Err(format!("the option {name:?} has no value"));
            }
            if seen.contains(&name) {
                return Err(format!("the option {name} is given twice"));
            }
            seen.push(name);
            options.set(name, decode(value)?)?;
        }
        Ok(options)
    }

    /// Applies an option, whose value is decoded.
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        match name {
            "namespace" => self.namespace = Some(options::namespace(&value)?),
            "deadline" => self.deadline = time(&value)?,
            "max_value" => self.max_value = size(&value)?,
            "ca" => self.files.authority = Some(value),
            "cert" => self.files.certificate = Some(value),
            "key" => self.files.key = Some(value),
            "sentinel_auth" => {
                let error = || format!("sentinel_auth is true or false, not {:?}", shown(&value));
                self.sentinel_auth = value.parse().map_err(|_| error())?;
            }
            _ => {
                return Err(format!(
                    "{} is none of {}",
                    address::option(name),
                    OPTIONS.join(", ")
                ));
            }
        }
        Ok(())
    }

    /// Checks that the options fit the address and each other.
    fn check(&self, address: &Address<'_>) -> Result<(), String> {
        if !address.tls && !self.files.is_empty() {
            let reason = "ca, cert and key are for TLS, \
                          which the address does not ask for";
            return Err(reason.to_owned());
        }
        if self.files.certificate.is_some() != self.files.key.is_some() {
            return Err("cert and key are given together".to_owned());
        }
        if self.sentinel_auth && (address.kind != Kind::Sentinels || address.login.is_none()) {
            let reason = "sentinel_auth needs sentinels, \
                          and a user and password to give them";
            return Err(reason.to_owned());
        }
        Ok(())
    }
}

/// Creates the client of a server, with or without certificates of its own.
fn client(
    server: ConnectionAddr,
    settings: RedisConnectionInfo,
    certificates: Option<Certificates>,
) -> RedisResult<Client> {
    let server = server
        .into_connection_info()?
        .set_redis_settings(settings)
        .set_tcp_settings(tcp());
    match certificates {
        Some(certificates) => certificates.client(server),
        None => Client::open(server),
    }
}

/// Returns the settings with which a connection logs in. RESP3 is the protocol in which a server
/// can report changes.
fn settings(login: Option<Login>) -> RedisConnectionInfo {
    let settings = RedisConnectionInfo::default().set_protocol(ProtocolVersion::RESP3);
    let Some(Login { user, password }) = login else {
        return settings;
    };
    user.iter()
        .fold(settings.set_password(password), |settings, user| {
            settings.set_username(user)
        })
}

/// Sends small packets at once, because a caller waits for each.
fn tcp() -> TcpSettings {
    TcpSettings::default().set_nodelay(true)
}

/// Reads a host with an optional port.
fn server(text: &str, port: u16, tls: bool) -> Result<ConnectionAddr, String> {
    // The colons of an IPv6 address are in brackets.
    let (host, port) = match text.rsplit_once(':') {
        Some((host, given)) if !given.contains(']') => {
            // The text may be a password without its `@`, so it is not repeated.
            (
                host,
                given
                    .parse()
                    .map_err(|_| "the text after the host is not a port")?,
            )
        }
        _ => (text, port),
    };
    let host = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
        .to_owned();
    if host.is_empty() {
        return Err("the host is missing".to_owned());
    }
    if host.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return Err("the host has white space in it".to_owned());
    }
    if !is_host(&host) {
        return Err("the host has a character that no host has".to_owned());
    }
    Ok(connection_address(host, port, tls))
}

fn connection_address(host: String, port: u16, tls: bool) -> ConnectionAddr {
    match tls {
        true => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
        false => ConnectionAddr::Tcp(host, port),
    }
}

/// Reads the number of a database, 0 by default.
fn database(path: &str) -> Result<i64, String> {
    match path {
        "" => Ok(0),
        _ => path
            .parse::<u16>()
            .map(i64::from)
            .map_err(|_| format!("{:?} is not the number of a database", shown(path))),
    }
}

fn time(text: &str) -> Result<Duration, String> {
    options::time(text)
        .ok_or_else(|| format!("{:?} is not a time such as 100ms or 2s", shown(text)))
}

fn size(text: &str) -> Result<usize, String> {
    let size = options::size(text).and_then(|size| usize::try_from(size).ok());
    size.ok_or_else(|| format!("{:?} is not a size such as 64MB or 1GiB", shown(text)))
}

/// Decodes text in which bytes may be written as `%XX`.
fn decode(text: &str) -> Result<String, String> {
    let error = || "a % is followed by two hexadecimal digits, and the bytes are UTF-8".to_owned();
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
            .ok_or_else(error)
    };
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => {
                digit(bytes.next().unwrap_or_default())? << 4
                    | digit(bytes.next().unwrap_or_default())?
            }
            _ => byte,
        });
    }
    String::from_utf8(decoded).map_err(|_| error())
}

fn reason(error: redis::RedisError) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests;
