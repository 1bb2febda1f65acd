//! A real HTTP server that answers as a test says.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::time::Instant;

/// A request that came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) at: Instant,
}

impl Seen {
    /// The values of a parameter.
    pub(crate) fn values(&self, param: &str) -> Vec<String> {
        let url = reqwest::Url::parse(&format!("http://localhost/?{}", self.query)).unwrap();
        url.query_pairs()
            .filter(|(name, _)| name == param)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    /// The ids in the parameter `ids`.
    pub(crate) fn ids(&self) -> Vec<String> {
        let joined = self.values("ids").join(",");
        joined.split(',').map(str::to_owned).collect()
    }
}

/// The requests that a server has got.
#[derive(Clone, Default)]
pub(crate) struct Requests(Arc<Mutex<Vec<Seen>>>);

impl Requests {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    /// The ids of each request, in the parameter `ids`.
    pub(crate) fn ids(&self) -> Vec<Vec<String>> {
        self.all().iter().map(Seen::ids).collect()
    }
}

/// Starts a server. `answer` gets each request with its number, from 1 on.
pub(crate) async fn serve<F, Fut>(answer: F) -> (String, Requests)
where
    F: Fn(usize, Seen) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = Response> + Send + 'static,
{
    let requests = Requests::default();
    let noted = requests.clone();
    let handler = move |method: Method, uri: Uri, headers: HeaderMap, body: Bytes| {
        let seen = Seen {
            method,
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
            headers,
            body,
            at: Instant::now(),
        };
        let mut all = noted.0.lock().unwrap();
        all.push(seen.clone());
        let number = all.len();
        drop(all);
        answer(number, seen)
    };
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = Router::new().fallback(handler);
    tokio::spawn(axum::serve(listener, router).into_future());
    (url, requests)
}
