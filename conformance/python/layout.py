"""Layouts: what components become as JSON."""

import datetime

from dash import dash_table, dcc, html

from served import app_of, served


def app_with(layout):
    app = app_of()
    app.layout = layout
    return app


@served
def layout_texts():
    return app_with(html.Div(["plain", "<b>&amp;</b>", "Größe 雪 🦀", "", 'a "quote" and a \\']))


@served
def layout_numbers():
    return app_with(
        html.Div([0, -1, 1.5, 9007199254740991, 1e21, dcc.Slider(min=0, max=1.5, step=0.25, value=1.0, id="s")])
    )


@served
def layout_nulls():
    return app_with(
        html.Div([html.Div(None), html.Div(title=None, id="t"), dcc.Input(id="i", value=None), "between", None])
    )


@served
def layout_nested():
    row = html.Div([html.Span("a"), html.Div(html.Div(html.Div([html.I("deep"), "text"])))], className="row")
    return app_with(html.Main([row, html.Ul([html.Li(str(number)) for number in range(3)]), html.Br()]))


@served
def layout_single_child():
    return app_with(html.Section(html.Article(html.P("one"))))


@served
def layout_empty():
    return app_with(html.Div())


@served
def layout_wildcards():
    return app_with(
        html.Div(
            "w",
            id="w",
            **{"data-text": "x", "data-number": 1.5, "data-list": [1, None], "aria-label": "label", "aria-hidden": True},
        )
    )


@served
def layout_ids():
    ids = [
        "plain",
        "with space",
        "größe",
        {"type": "row", "index": 0},
        {"type": "row", "index": -3},
        {"type": "row", "index": "0"},
        {"type": "row", "index": True},
        {"type": "row", "index": False},
        {"type": "rów", "index": "雪"},
        {"index": "a.b", "type": "dots"},
        {"z": 1, "a": "x", "m": True},
    ]
    return app_with(html.Div([html.Div(id=each) for each in ids]))


@served
def layout_attributes():
    return app_with(
        html.Div(
            [
                html.Label("l", htmlFor="in", key="k", className="a b", hidden=True),
                html.A("a", href="/x?a=1&b=2", target="_blank", tabIndex=1, n_clicks=0, disable_n_clicks=True),
                html.Div(style={"color": "red", "marginTop": 3, "opacity": 0.5, "--own": "1px"}, lang="de", dir="ltr"),
                html.Td(colSpan=2, rowSpan="3"),
                html.Button("b", disabled=False, n_clicks_timestamp=-1),
                html.Details([html.Summary("s"), "text"], open=True),
                html.Video(controls=True, src="/v"),
            ]
        )
    )


@served
def layout_inputs():
    return app_with(
        html.Div(
            [
                dcc.Input(id="text", value="x", type="text", debounce=True, placeholder="p", persistence=True),
                dcc.Input(id="number", value=1.5, type="number", min=0, max=10, step="any", debounce=0.5),
                dcc.Textarea(id="area", value="a\nb", rows=3, persistence="key", persistence_type="session"),
                dcc.RangeSlider(0, 10, id="range", value=[1, 5], marks={0: "zero", 10: {"label": "ten"}}),
                dcc.DatePickerSingle(id="date", date=datetime.date(2026, 1, 31), min_date_allowed="2026-01-01"),
                dcc.Upload("drop", id="upload", multiple=True),
            ]
        )
    )


@served
def layout_options():
    return app_with(
        html.Div(
            [
                dcc.Dropdown(["a", "b"], "a", id="short"),
                dcc.Dropdown({"1": "one", "2": "two"}, ["1"], multi=True, id="mapped"),
                dcc.Dropdown([{"label": "A", "value": 1, "disabled": True}, {"label": "B", "value": 2}], id="long"),
                dcc.Checklist([1, 2, 3], [1, 3], inline=True, id="check"),
                dcc.RadioItems([True, False], True, id="radio"),
            ]
        )
    )


@served
def layout_components_as_props():
    return app_with(
        html.Div(
            [
                dcc.Loading(html.Div(id="in"), custom_spinner=html.B("wait", id="spinner"), target_components={"in": "*"}),
                dcc.Dropdown([{"label": html.Span(["x", html.I("y")], id="label"), "value": 1}], 1, id="drop"),
                dcc.Checklist([{"label": html.B("c"), "value": "c"}], id="check"),
            ]
        )
    )


@served
def layout_tabs():
    return app_with(
        dcc.Tabs(
            [dcc.Tab("first", label="1", value="one"), dcc.Tab([html.P("second")], label="2", value="two", disabled=True)],
            id="tabs",
            value="one",
        )
    )


@served
def layout_store():
    data = {"text": "x", "list": [1, 2.5, None, [True, {}]], "empty": {}, "none": None, "größe": "雪"}
    return app_with(html.Div([dcc.Store(id="s", data=data, storage_type="local"), dcc.Store(id="null", data=None)]))


@served
def layout_browser_parts():
    return app_with(
        html.Div(
            [
                dcc.Location(id="url", refresh=False),
                dcc.Location(id="nav", refresh="callback-nav"),
                dcc.Interval(id="i", interval=1000, n_intervals=0, max_intervals=-1, disabled=True),
                dcc.Link("go", href="/x", title="t"),
                dcc.Download(id="d"),
                dcc.Clipboard(target_id="x", style={"display": "inline"}),
                dcc.ConfirmDialog(id="c", message="sure?"),
            ]
        )
    )


@served
def layout_markdown():
    return app_with(dcc.Markdown(["# a", "*b* $x$"], mathjax=True, dangerously_allow_html=True, dedent=False, id="m"))


@served
def layout_graph():
    figure = {
        "data": [{"type": "scatter", "x": [1, 2, None], "y": [1.5, float("nan"), 3], "name": "ø"}],
        "layout": {"title": {"text": "t"}, "showlegend": False},
    }
    return app_with(dcc.Graph(figure=figure, id="g", config={"displayModeBar": False}, responsive=True))


@served
def layout_table():
    return app_with(
        dash_table.DataTable(
            [{"a": 1, "b": "x"}, {"a": None, "b": "y"}],
            [{"name": "A", "id": "a", "type": "numeric"}, {"name": ["B", "b"], "id": "b"}],
            id="t",
            page_size=10,
            sort_action="native",
            editable=True,
            style_data_conditional=[{"if": {"row_index": "odd"}, "backgroundColor": "#eee"}],
        )
    )


@served
def layout_list():
    return app_with([html.H1("title", id="h"), "text", dcc.Store(id="s"), html.Div([])])


@served
def layout_function():
    return app_with(lambda: html.Div(["made", html.B("each time", id="b")]))


@served
def layout_function_list():
    return app_with(lambda: [html.P("made"), "text"])
