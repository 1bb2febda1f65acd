"""Dash apps that do what the value of their input says: several on one server, with prefixes."""

import gzip
import os
import time
from datetime import timedelta
from pathlib import Path

import dash
import flask
from dash import ALL, Dash, Input, Output, State, dcc, html
from runs import FOLDER, record, wait_for

import ferrodash

server = flask.Flask(__name__)
server.secret_key = "a secret of the test app"
server.permanent_session_lifetime = timedelta(hours=1)

LOCATION = [
    dcc.Location(id="url"),
    dcc.Input(id="in"),
    dcc.Input(id="second"),
    dcc.Store(id="data"),
]
OUTPUTS = ["one", "other", "both", "write", "slow", "state", "next", "to"]


def dash_app(prefix, **options):
    """Make an app below a prefix. Its page has no bundles, as they take long to compress."""
    options = {"serve_locally": False, "url_base_pathname": prefix, **options}
    app = Dash(f"app{prefix}", server=server, suppress_callback_exceptions=True, **options)
    app.layout = html.Div([*LOCATION, *(html.Div(id=name) for name in OUTPUTS)])
    return app


def set_header(name, value, is_wanted=True):
    """Add a header to the answer. Not all versions of Dash can do it in a callback."""
    if is_wanted:
        flask.after_this_request(lambda response: response.headers.set(name, value) or response)


def obey(what, output, *more):
    """Do what the value of an input says, and write it down."""
    what = what if isinstance(what, dict) else {"key": what}
    context = dash.callback_context
    record(
        what.get("key"),
        flask.request.headers,
        output=output,
        more=more,
        query=flask.request.query_string.decode(),
        triggered=[each["prop_id"] for each in context.triggered],
    )
    if "hold" in what:
        wait_for(what["hold"])
    if (FOLDER / str(what.get("fail_if"))).exists() or what.get("do") == "error":
        set_header("Set-Cookie", "failed=1; Path=/", bool(what.get("cookie")))
        raise RuntimeError("as the test wants it")
    for name, value in what.get("headers", {}).items():
        set_header(name, value)
    set_header("Cache-Control", "private", (FOLDER / str(what.get("private_if"))).exists())
    if what.get("cookie"):
        context.response.set_cookie("seen", what["cookie"])
    if what.get("do") == "prevent":
        raise dash.exceptions.PreventUpdate
    if what.get("do") == "side":
        dash.set_props("state", {"children": "by the side"})
    if what.get("do") == "patch":
        patch = dash.Patch()
        patch.append(1)
        return patch
    if what.get("do") == "large":
        return "x" * what["size"]
    who = flask.session.get("user", "nobody")
    lang = flask.request.cookies.get("lang", "")
    lang += flask.request.args.get("evil", "")
    tick = time.monotonic_ns() if what.get("tick") else ""
    return (
        f"{what.get('key')} of {who} {lang}{flask.request.headers.get('x-lang', '')} {tick}".strip()
    )


def add_callbacks(app):
    """Add the callbacks of the tests."""

    @app.callback(Output("one", "children"), Input("in", "value"))
    def one(what):
        return obey(what, "one")

    @app.callback(Output("other", "children"), Input("in", "value"), Input("second", "value"))
    def other(what, second):
        return obey(what, "other", second)

    @app.callback(Output("both", "children"), Output("both", "title"), Input("in", "value"))
    def both(what):
        text = obey(what, "both")
        is_half = isinstance(what, dict) and what.get("do") == "half"
        return text, dash.no_update if is_half else text

    @app.callback(Output("write", "children"), Input("in", "value"))
    def write(what):
        return obey(what, "write")

    @app.callback(Output("slow", "children"), Input("in", "value"), State("data", "data"))
    def slow(what, data):
        return obey(what, "slow", len(data or ""))

    @app.callback(Output("state", "children"), Input({"t": "row", "i": ALL}, "value"))
    def rows(values):
        return obey(values[0], "state")

    @app.callback(Output("to", "data"), Input("next", "n_clicks"), prevent_initial_call=True)
    def download(_clicks):
        return dcc.send_string("a,b\n1,2\n", "table.csv")


MAIN_PREFIX = "/"
main = dash_app(MAIN_PREFIX)
add_callbacks(main)


@main.callback(Output("next", "children"), Input("url", "pathname"))
@ferrodash.cached(timeout="1h", shared=True, tags=["decorated"])
def decorated(path):
    """Answer what a decorator keeps."""
    return obey(path, "next")


for prefix in ["/a/", "/b/"]:
    add_callbacks(dash_app(prefix))
full = dash_app("/full/", serve_locally=True)
add_callbacks(full)
custom = dash_app(
    "/custom/",
    index_string="<!DOCTYPE html><html><!-- mine --><head>{%metas%}{%css%}</head><body>"
    "{%app_entry%}"
    "<footer>{%config%}{%scripts%}{%renderer%}</footer></body></html>",
)
add_callbacks(custom)
add_callbacks(dash_app("/csp/"))
add_callbacks(dash_app("/csp-none/"))
add_callbacks(dash_app("/gzip/"))
add_callbacks(
    dash_app(None, requests_pathname_prefix="/outside/", routes_pathname_prefix="/inside/")
)
paged = dash_app("/pages/", use_pages=True, pages_folder=str(Path(__file__).parent / "pages"))
paged.layout = html.Div([dash.page_container])

if os.environ.get("FERRODASH_SECRET"):
    ferrodash.identity(server, lambda: flask.session.get("signed"))


@server.after_request
def by_prefix(response):
    """Add what the prefix stands for: policies, and answers that are compressed already."""
    path = flask.request.path
    if path.startswith("/csp/"):
        response.headers["Content-Security-Policy"] = "script-src 'self' 'unsafe-inline'"
    if path.startswith("/csp-none/"):
        response.headers["Content-Security-Policy"] = "script-src 'nonce-abc'"
    encodings = flask.request.headers.get("Accept-Encoding", "")
    if path.startswith("/gzip/") and "gzip" in encodings and not response.is_streamed:
        response.set_data(gzip.compress(response.get_data()))
        response.headers["Content-Encoding"] = "gzip"
    if flask.request.headers.get("X-Private"):
        response.headers["X-Frame-Options"] = "DENY"
    return response


@server.route("/login")
def login():
    """Begin a session."""
    flask.session.permanent = "permanent" in flask.request.args
    for name in ["user", "signed"]:
        if name in flask.request.args:
            flask.session[name] = flask.request.args[name]
    return "welcome"


@server.route("/guard")
def guard():
    """Let those pass who have a session that has not expired."""
    record("guard", flask.request.headers)
    user = flask.session.get("user")
    return "", 204 if user and not (FOLDER / f"expired-{user}").exists() else 401


@server.route("/invalidate/<tag>")
def invalidate(tag):
    """Invalidate a tag, as a part of the app would."""
    return str(ferrodash.invalidate(tag))


@server.route("/echo", methods=["GET", "POST", "PUT", "DELETE", "HEAD", "OPTIONS", "PATCH"])
def echo():
    """Say what was requested."""
    body = flask.request.get_data()
    record("echo", flask.request.headers, method=flask.request.method, size=len(body))
    response = flask.jsonify(
        method=flask.request.method,
        path=flask.request.full_path,
        headers=list(flask.request.headers),
        body=body[:100].decode("latin-1"),
        size=len(body),
    )
    response.headers["Keep-Alive"] = "timeout=7"
    response.headers["X-Mine"] = "1"
    response.headers.add("Set-Cookie", "a=1")
    response.headers.add("Set-Cookie", "b=2")
    return response


@server.route("/stream/<name>")
def stream(name):
    """Send one piece, and the others when the test says so."""

    def pieces():
        yield b"first"
        wait_for(name)
        yield b"last"

    return flask.Response(pieces(), content_type="application/octet-stream")


@server.route("/not-modified")
def not_modified():
    """Answer what a browser may have already."""
    response = flask.Response("the text", content_type="text/plain")
    response.set_etag("version-1")
    return response.make_conditional(flask.request)


@server.route("/redirect")
def redirect():
    """Send the browser elsewhere on this server, by an absolute address."""
    return flask.redirect(flask.url_for("echo", _external=True))
