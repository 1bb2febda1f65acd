//! Redis or Valkey, one server.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};

use super::{DEADLINE, within_deadline};
use crate::{Entry, Key, Tier, TierResult, entry};

/// Larger values are not sent: their transfer could take longer than the deadline, which would look like a fault.
const MAX_VALUE: usize = 8 << 20;

pub(crate) struct Redis {
    connection: ConnectionManager,
    namespace: String,
}

impl Redis {
    /// A tier that connects when it is first used, and again whenever the connection is lost.
    pub(crate) fn new(url: &str, namespace: String) -> Result<Self, String> {
        let client = redis::Client::open(url.replacen("valkey:", "redis:", 1)).map_err(|error| error.to_string())?;
        let config = ConnectionManagerConfig::new()
            .set_connection_timeout(Some(Duration::from_millis(500)))
            .set_response_timeout(Some(DEADLINE))
            .set_min_delay(Duration::from_millis(50))
            .set_max_delay(Duration::from_millis(500))
            .set_number_of_retries(2);
        let connection = ConnectionManager::new_lazy_with_config(client, config).map_err(|error| error.to_string())?;
        Ok(Self { connection, namespace })
    }

    fn name_of(&self, key: &Key) -> String {
        format!("{}:{key}", self.namespace)
    }
}

impl Tier for Redis {
    fn name(&self) -> &'static str {
        "redis"
    }

    /// Value and remaining time come in one transaction: the server's clock is the only one that counts.
    fn get<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<Option<Entry>>> {
        async move {
            let name = self.name_of(key);
            let mut connection = self.connection.clone();
            let mut pipe = redis::pipe();
            pipe.atomic().get(&name).pttl(&name);
            let query = pipe.query_async::<(Option<Bytes>, i64)>(&mut connection);
            let (stored, left) = within_deadline(query).await?;
            let left = u64::try_from(left).unwrap_or(0);
            let body = stored.as_ref().filter(|_| left > 0).and_then(entry::open);
            Ok(body.map(|body| Entry::new(body, Duration::from_millis(left))))
        }
        .boxed()
    }

    fn set<'a>(&'a self, key: &'a Key, bytes: &'a Bytes, timeout: Duration) -> BoxFuture<'a, TierResult<bool>> {
        async move {
            if bytes.len() > MAX_VALUE {
                return Ok(false);
            }
            let mut connection = self.connection.clone();
            let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX >> 1).max(1);
            let mut command = redis::cmd("SET");
            command.arg(self.name_of(key)).arg(entry::seal(bytes).as_ref()).arg("PX").arg(millis);
            within_deadline(command.query_async::<()>(&mut connection)).await?;
            Ok(true)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, key: &'a Key) -> BoxFuture<'a, TierResult<()>> {
        async move {
            let mut connection = self.connection.clone();
            let mut command = redis::cmd("DEL");
            command.arg(self.name_of(key));
            within_deadline(command.query_async::<()>(&mut connection)).await
        }
        .boxed()
    }
}
