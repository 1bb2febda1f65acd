//! TLS to Redis, with the feature `redis-tls`.
//!
//! Without the feature an address that asks for TLS is an error, so there are no [`Certificates`]
//! then. The rest of the tier does not know whether the feature is on.

pub(super) use implementation::{Certificates, prepare};

/// The files that an address names for TLS.
#[derive(Debug, Default)]
pub(super) struct Files {
    /// The certificate authority, if it is not one of the system's.
    pub(super) authority: Option<String>,
    /// The client's certificate, which is given together with its key.
    pub(super) certificate: Option<String>,
    /// The key of the client's certificate.
    pub(super) key: Option<String>,
}

impl Files {
    /// Returns whether the address names none.
    pub(super) fn is_empty(&self) -> bool {
        let files = [&self.authority, &self.certificate, &self.key];
        files.into_iter().all(Option::is_none)
    }
}

#[cfg(feature = "redis-tls")]
mod implementation {
    use redis::sentinel::SentinelClientBuilder;
    use redis::{Client, ClientTlsConfig, ConnectionInfo, RedisResult, TlsCertificates};

    use crate::address::shown_path;
    use crate::tiers::redis::tls::Files;

    /// The certificates of a connection, if they are not those of the system.
    #[derive(Clone)]
    pub(crate) struct Certificates(TlsCertificates);

    /// Chooses an implementation of cryptography for TLS, which is one for the whole process. If
    /// the app has chosen one, that remains.
    #[expect(clippy::unnecessary_wraps, reason = "it fails if the feature is off")]
    pub(crate) fn prepare() -> Result<(), String> {
        if rustls::crypto::CryptoProvider::get_default().is_none() {
            // An error means that another thread was faster, which is as good.
            drop(rustls::crypto::ring::default_provider().install_default());
        }
        Ok(())
    }

    impl Certificates {
        /// Reads the files; `None` if there are none.
        pub(crate) fn read(files: &Files) -> Result<Option<Self>, String> {
            let read = |file: &String| {
                std::fs::read(file)
                    .map_err(|error| format!("{} cannot be read: {error}", shown_path(file)))
            };
            let root_cert = files.authority.as_ref().map(read).transpose()?;
            let client_tls = match (&files.certificate, &files.key) {
                (Some(certificate), Some(key)) => Some(ClientTlsConfig {
                    client_cert: read(certificate)?,
                    client_key: read(key)?,
                }),
                _ => None,
            };
            Ok((!files.is_empty()).then_some(Self(TlsCertificates {
                client_tls,
                root_cert,
            })))
        }

        /// Creates the client of a server.
        pub(crate) fn client(self, server: ConnectionInfo) -> RedisResult<Client> {
            Client::build_with_tls(server, self.0)
        }

        /// Uses the certificates for the sentinels and for the server that they name.
        pub(crate) fn sentinels(&self, builder: SentinelClientBuilder) -> SentinelClientBuilder {
            builder
                .set_client_to_redis_certificates(self.0.clone())
                .set_client_to_sentinel_certificates(self.0.clone())
        }
    }
}

#[cfg(not(feature = "redis-tls"))]
mod implementation {
    use redis::sentinel::SentinelClientBuilder;
    use redis::{Client, ConnectionInfo, RedisResult};

    use crate::tiers::redis::tls::Files;

    /// No certificates: there is no value of this type.
    #[derive(Clone)]
    pub(crate) enum Certificates {}

    /// Refuses TLS.
    pub(crate) fn prepare() -> Result<(), String> {
        Err("TLS needs the feature `redis-tls`, which is off".to_owned())
    }

    impl Certificates {
        /// Reads nothing.
        pub(crate) fn read(_: &Files) -> Result<Option<Self>, String> {
            Ok(None)
        }

        /// Is never called.
        pub(crate) fn client(self, _: ConnectionInfo) -> RedisResult<Client> {
            match self {}
        }

        /// Is never called.
        pub(crate) fn sentinels(&self, _: SentinelClientBuilder) -> SentinelClientBuilder {
            match *self {}
        }
    }
}
