"""Pages. Dash keeps one registry for the process, so each of these apps needs a process of its own."""

import dash
from dash import Input, State, dcc, html

from served import served


def with_pages(**settings):
    app = dash.Dash("conformance", use_pages=True, pages_folder="", assets_folder="", **settings)
    dash.register_page("pages.home", path="/", layout=html.H1("home"), name="Home")
    dash.register_page("weekly_analytics", layout=lambda **query: html.P(f"weekly {sorted(query.items())}"))
    dash.register_page(
        "pages.asset",
        path_template="/asset/<asset_id>/<dept>",
        title=lambda asset_id=None, dept=None: f"Asset {asset_id} of {dept}",
        layout=lambda asset_id=None, dept=None, **query: html.Div([asset_id, dept, str(sorted(query.items()))]),
    )
    dash.register_page("pages.titled", path="/titled/deep", title="A <title>", layout=html.P(["titled"]), order=3)
    app.layout = html.Div(["top", dash.page_container])
    return app


@served
def pages():
    return with_pages()


@served
def pages_custom():
    app = with_pages(title="Own", routing_callback_inputs={"lang": State("lang", "value"), "mode": Input("mode", "value")})
    dash.register_page("pages.not_found_404", layout=lambda **extra: html.P(f"nothing here {sorted(extra.items())}"))
    dash.register_page("pages.extra", path="/extra", layout=lambda lang=None, mode=None, **_: html.P([lang, mode]))
    app.layout = html.Div([dcc.Input(id="lang"), dcc.Input(id="mode"), dash.page_container])
    return app


@served
def pages_alone():
    """Without a layout of its own, and with a prefix."""
    app = dash.Dash("conformance", use_pages=True, pages_folder="", assets_folder="", url_base_pathname="/pre/")
    dash.register_page("pages.home", path="/", layout=html.H1("home"))
    dash.register_page("pages.item", path_template="/item/<name>", layout=lambda name=None: html.P(name))
    return app
