"""Pages. Dash keeps one registry for the process, so each of these apps needs a process of its own."""

import dash
from dash import Input, State, dcc, html

from served import served


def told(values):
    """What a page was given, by name."""
    lists = {name: value if isinstance(value, list) else [value] for name, value in values.items()}
    return "&".join(f"{name}={','.join(value)}" for name, value in sorted(lists.items()))


def with_pages(**settings):
    app = dash.Dash("conformance", use_pages=True, pages_folder="", assets_folder="", **settings)
    dash.register_page("home", path="/", layout=html.H1("home"))
    dash.register_page(
        "weekly_analytics", layout=lambda **values: html.P(f"weekly {told(values)}"), redirect_from=["/weekly", "/old/week"]
    )
    dash.register_page(
        "asset",
        path_template="/asset/<asset_id>/<dept>",
        title=lambda asset_id=None, dept=None: f"Asset {asset_id} of {dept}",
        layout=lambda asset_id=None, dept=None, **values: html.Div([asset_id, dept, told(values)]),
    )
    dash.register_page("titled", path="/titled/deep", title="A <title>", layout=html.P(["titled"]), order=3)
    return app


@served
def pages():
    app = with_pages()
    app.layout = html.Div(["top", dash.page_container])
    return app


@served
def pages_custom():
    inputs = {"lang": State("lang", "value"), "mode": Input("mode", "value")}
    app = with_pages(title="Own", routing_callback_inputs=inputs)
    dash.register_page("not_found_404", layout=lambda **values: html.P(f"nothing here {told(values)}"))
    dash.register_page("extra", path="/extra", layout=lambda lang=None, mode=None, **_: html.P([lang, mode]))
    app.layout = html.Div([dcc.Input(id="lang"), dcc.Input(id="mode"), dash.page_container])
    return app


@served
def pages_alone():
    """Without a layout of its own, and with a prefix."""
    app = dash.Dash("conformance", use_pages=True, pages_folder="", assets_folder="", url_base_pathname="/pre/")
    dash.register_page("home", path="/", layout=html.H1("home"))
    dash.register_page("item", path_template="/item/<name>", layout=lambda name=None: html.P(name))
    dash.register_page("new", redirect_from=["/old"], layout=html.P("new"))
    return app
