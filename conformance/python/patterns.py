"""Pattern-matching callbacks."""

import json

from dash import ALL, ALLSMALLER, MATCH, Input, Output, State, ctx, html, no_update, set_props

from served import app_of, served


def row(**keys):
    return {"type": "in", **keys}


@served
def patterns():
    app = app_of("a", "o", "p", "q")

    @app.callback(Output({"type": "out", "index": MATCH}, "children"), Input(row(index=MATCH), "value"), State(row(index=MATCH), "id"))
    def match(value, own_id):
        return [value, html.B(json.dumps(own_id["index"], ensure_ascii=False))]

    @app.callback(
        Output({"type": "out", "index": MATCH}, "style"), Output({"type": "out", "index": MATCH}, "title"), Input(row(index=MATCH), "value")
    )
    def match_two(value):
        return {"width": value}, no_update

    @app.callback(Output({"a": MATCH, "b": MATCH}, "title"), Input({"b": MATCH, "a": MATCH}, "value"))
    def match_two_keys(value):
        return value

    @app.callback(Output("o", "children"), Input(row(index=ALL), "value"), State(row(index=ALL), "id"))
    def every(values, ids):
        return [len(values), values, [each["index"] for each in ids]]

    @app.callback(Output({"type": "out", "index": ALL}, "lang"), Input("a", "value"))
    def to_every(value):
        return [f"{value} {number}" for number in range(len(ctx.outputs_list))]

    @app.callback(Output({"type": "out", "index": ALL}, "dir"), Output("p", "children"), Input("a", "value"))
    def to_every_and_one(value):
        return [value, no_update, html.I("c")][: len(ctx.outputs_list[0])], value

    @app.callback(Output({"type": "out", "index": ALL}, "hidden"), Output("p", "title"), Input("a", "value"))
    def to_none_of_them(value):
        return no_update, value

    @app.callback(Output({"type": "out", "index": ALL}, "draggable"), Input("a", "value"))
    def too_many(value):
        return [1, 2, 3]

    @app.callback(
        Output({"type": "smaller", "index": MATCH}, "children"), Input(row(index=ALLSMALLER), "value"), Input(row(index=MATCH), "value")
    )
    def smaller(before, own):
        return [before, own]

    @app.callback(Output("q", "children"), Input(row(index=MATCH), "n_clicks"))
    def fixed(count):
        return [count, ctx.triggered_id["index"], str(ctx.triggered[0]["value"])]

    @app.callback(Input(row(index=ALL), "n_clicks"))
    def all_without_output(counts):
        for each, count in zip(ctx.inputs_list[0], counts):
            set_props({"type": "out", "index": each["id"]["index"]}, {"children": count})

    @app.callback(
        Output({"type": "cell", "row": MATCH, "index": ALL}, "children"),
        Output({"type": "head", "row": MATCH}, "children"),
        Input({"type": "in", "row": MATCH, "index": ALL}, "value"),
    )
    def rows(values):
        return [value * 2 for value in values], sum(values)

    @app.callback(Output({"type": "out", "index": MATCH}, "key", allow_duplicate=True), Input(row(index=MATCH), "value"), prevent_initial_call=True)
    def duplicate(value):
        return value

    return app
