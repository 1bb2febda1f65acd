//! The limit: an axum handler that answers a POST with the bytes of a file and does nothing else.
//! `ferrodash-bench PORT FILE`

use axum::Router;
use axum::http::header::CONTENT_TYPE;
use axum::routing::post;
use bytes::Bytes;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let (Some(port), Some(file)) = (arguments.next(), arguments.next()) else {
        panic!("usage: ferrodash-bench PORT FILE");
    };
    let body = Bytes::from(std::fs::read(file).expect("the file can be read"));
    let answer = move || async move { ([(CONTENT_TYPE, "application/json")], body) };
    let router = Router::new().route("/_dash-update-component", post(answer));
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}"))
        .await
        .expect("the port is free");
    axum::serve(listener, router)
        .await
        .expect("the server runs");
}
