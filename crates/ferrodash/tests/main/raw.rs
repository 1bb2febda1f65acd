//! Requests that no library would send, over a real socket: paths that try to leave, headers
//! without end.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use ferrodash::prelude::*;
use ferrodash_testing::free_port;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// An app behind the listener that apps have.
pub(crate) struct Server {
    pub(crate) port: u16,
    task: JoinHandle<()>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Server {
    pub(crate) async fn start(app: App) -> Self {
        Self::start_with(app, ferrodash::Server::new()).await
    }

    pub(crate) async fn start_with(app: App, settings: ferrodash::Server) -> Self {
        let (router, port) = (app.build().unwrap().into_router(), free_port());
        let serve = async move {
            settings
                .serve(router, &format!("127.0.0.1:{port}"))
                .await
                .unwrap()
        };
        let server = Self {
            port,
            task: tokio::spawn(serve),
        };
        while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server
    }

    /// Sends bytes, and reads what comes until the server closes; the status and all of it.
    pub(crate) async fn send(&self, request: &[u8]) -> (u16, String) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).await.unwrap();
        // A server that has seen enough closes before the end.
        let _ = stream.write_all(request).await;
        let mut answer = Vec::new();
        let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
        let _ = read.await.expect("the server answers and closes");
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let status = answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        (status, answer)
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, String) {
        self.send(
            format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").as_bytes(),
        )
        .await
    }
}

fn app() -> App {
    App::new(html::Div::new((
        dcc::Input::new().id("a"),
        html::Div::new(()).id("out"),
    )))
}

/// A folder with the assets, beside a file that is nobody's business.
fn folders() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = root.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("secret.js", "private");
    write("outside/secret.js", "private");
    write("assets/style.css", "a {}");
    write("assets/deep/more.js", "public");
    write("assets/.env", "private");
    write("assets/.git/config", "private");
    write("assets/..data/mounted.js", "public");
    root
}

#[tokio::test]
async fn paths_that_try_to_leave_the_assets_or_the_suites_find_nothing() {
    let root = folders();
    let server = Server::start(app().assets_folder(root.path().join("assets"))).await;
    for (path, status) in [
        ("/assets/style.css", 200),
        ("/assets/deep/more.js", 200),
        ("/assets/deep%2fmore.js", 200),
    ] {
        assert_eq!(server.get(path).await.0, status, "{path}");
    }
    let absolute = root.path().join("secret.js");
    let absolute = absolute.to_str().unwrap();
    let tricks = [
        "../secret.js",
        "deep/../../secret.js",
        "%2e%2e/secret.js",
        "%2e%2e%2fsecret.js",
        ".%2e/secret.js",
        "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "..%5csecret.js",
        "..\\secret.js",
        "%252e%252e%252fsecret.js",
        "..;/secret.js",
        "....//secret.js",
        "%c0%ae%c0%ae/secret.js",
        "%ff",
        "%00",
        "style.css%00.js",
        "style.css/",
        "style.css/..",
        ".",
        "..",
        "/",
        "",
        "deep",
        ".env",
        ".git/config",
        "deep/../.env",
        "..data/mounted.js",
        "style.css:stream",
        "CON",
        &format!("/{absolute}"),
        absolute,
        &absolute.replace('/', "%2f"),
        &"x".repeat(5000),
        &"x/".repeat(5000),
        &"../".repeat(2000),
        &"%2e%2e%2f".repeat(2000),
    ];
    for trick in tricks {
        for folder in [
            "/assets/",
            "/_dash-component-suites/",
            "/_dash-component-suites/dash/",
        ] {
            let (status, answer) = server.get(&format!("{folder}{trick}")).await;
            let shown = &trick[..trick.len().min(80)];
            // An empty rest names no file, so it is a path of the app's own pages.
            let is_page =
                folder != "/assets/" && trick.is_empty() && answer.contains("react-entry-point");
            assert!(
                matches!(status, 400 | 404) || is_page,
                "{folder}{shown}: {status}"
            );
            assert!(
                !answer.contains("private") && !answer.contains("root:"),
                "{folder}{shown}"
            );
        }
    }
    // Without the leading slash, or with a whole address, as a proxy is asked.
    for target in [
        "assets/../secret.js",
        "http://other/assets/../secret.js",
        "http://other/assets/%2e%2e/secret.js",
        "*",
    ] {
        let (status, answer) = server.get(target).await;
        assert!(matches!(status, 400 | 404), "{target}: {status}");
        assert!(!answer.contains("private"), "{target}");
    }
    assert_eq!(
        server.get("/assets/style.css").await.0,
        200,
        "it still serves"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn links_are_followed_inside_the_assets_and_nowhere_else() {
    use std::os::unix::fs::symlink;
    let root = folders();
    let assets = root.path().join("assets");
    let link = |target: &Path, name: &str| symlink(target, assets.join(name)).unwrap();
    link(Path::new("../secret.js"), "file.js");
    link(&root.path().join("outside"), "folder");
    link(Path::new("deep/more.js"), "again.js");
    link(Path::new("..data/mounted.js"), "mounted.js");
    link(Path::new("nowhere.js"), "broken.js");
    link(Path::new("."), "loop");
    link(Path::new("../loop"), "deep/loop");
    // The folder itself may be a link.
    symlink(&assets, root.path().join("static")).unwrap();
    let server = Server::start(app().assets_folder(root.path().join("static"))).await;
    for path in [
        "file.js",
        "folder/secret.js",
        "broken.js",
        "loop/file.js",
        "loop/loop/folder/secret.js",
    ] {
        let (status, answer) = server.get(&format!("/assets/{path}")).await;
        assert!(
            status == 404 && !answer.contains("private"),
            "{path}: {status}"
        );
    }
    for path in ["again.js", "mounted.js", "loop/style.css"] {
        assert_eq!(
            server.get(&format!("/assets/{path}")).await.0,
            200,
            "{path}"
        );
    }
    let (_, page) = server.get("/").await;
    for (name, there) in [
        ("/assets/again.js?m=", true),
        ("/assets/mounted.js?m=", true),
        ("/assets/deep/more.js?m=", true),
        ("file.js", false),
        ("secret.js", false),
        ("broken.js", false),
        ("loop", false),
        ("..data", false),
    ] {
        assert_eq!(page.contains(name), there, "{name}");
    }
}

#[tokio::test]
async fn the_admin_page_serves_no_files() {
    let server = Server::start(app().cache_admin("/_cache/", |_| true)).await;
    assert_eq!(server.get("/_cache/").await.0, 200);
    for path in ["Cargo.toml", "src/lib.rs", "../Cargo.toml"] {
        assert_eq!(
            server.get(&format!("/_cache/assets/{path}")).await.0,
            404,
            "{path}"
        );
    }
}

#[tokio::test]
async fn headers_have_a_limit_in_number_and_in_size() {
    let server = Server::start(app()).await;
    let with = |count: usize, size: usize| {
        let mut request =
            "GET /_dash-layout HTTP/1.1\r\nHost: test\r\nConnection: close\r\n".to_owned();
        for number in 0..count {
            let _ = write!(request, "X-{number}: {}\r\n", "x".repeat(size));
        }
        request + "\r\n"
    };
    for (count, size, expected) in [
        (98, 10, 200),
        (99, 10, 431),
        (1000, 10, 431),
        (1, 300_000, 200),
        (1, 500_000, 431),
        (90, 10_000, 431),
    ] {
        let (status, _) = server.send(with(count, size).as_bytes()).await;
        assert_eq!(status, expected, "{count} headers of {size} bytes");
    }
    let (status, _) = server.get(&format!("/{}", "x".repeat(60_000))).await;
    assert_eq!(status, 200, "a path of the app's own pages");
    let (status, _) = server.get(&format!("/{}", "x".repeat(70_000))).await;
    assert_eq!(status, 414);
    assert_eq!(server.get("/_dash-layout").await.0, 200, "it still serves");
}

#[tokio::test]
async fn bodies_that_lie_about_their_length_do_no_harm() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"));
    let callback = callback.handler(async |text: Option<String>| text);
    let server = Server::start(app().callback(callback).max_body(1000)).await;
    let post = |headers: &str, body: &str| {
        format!(
            "POST /_dash-update-component HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
             Content-Type: application/json\r\n{headers}\r\n\r\n{body}"
        )
    };
    let long = "x".repeat(2000);
    let chunk = format!("7d0\r\n{long}\r\n0\r\n\r\n");
    for (headers, body, expected) in [
        ("Content-Length: 2000", long.as_str(), 413),
        ("Content-Length: 18446744073709551615", "{", 431),
        ("Content-Length: 99999999999999999999999", "{", 400),
        ("Content-Length: -1", "{", 400),
        ("Content-Length: 1\r\nContent-Length: 2", "{}", 400),
        ("Transfer-Encoding: chunked", &chunk, 413),
        ("Transfer-Encoding: chunked", "zz\r\n", 400),
        ("Content-Length: 2", "17", 422),
    ] {
        let (status, answer) = server.send(post(headers, body).as_bytes()).await;
        assert_eq!(status, expected, "{headers:?}: {answer}");
    }
}

#[tokio::test]
async fn a_callback_learns_where_its_call_comes_from() {
    let callback = Callback::builder()
        .output(Output::new("out", "children"))
        .input(("a", "value"))
        .handler(async |_: serde_json::Value, context: Context| {
            let remote = context.remote().map(|address| address.ip().to_string());
            format!(
                "{} of {:?} {:?}",
                remote.unwrap_or_default(),
                context.origin(),
                context.query()
            )
        });
    let server = Server::start(app().callback(callback)).await;
    let body = r#"{"output":"out.children","inputs":[{"id":"a","property":"value"}]}"#;
    let (status, answer) = server
        .send(
            format!(
                "POST /_dash-update-component?endId=7 HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\
                 Origin: http://test\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            )
            .as_bytes(),
        )
        .await;
    assert_eq!(status, 200, "{answer}");
    assert!(
        answer.contains(r#"127.0.0.1 of Some(\"http://test\") \"endId=7\""#),
        "{answer}"
    );
}
