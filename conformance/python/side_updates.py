"""Properties set beside the outputs."""

from dash import Input, Output, Patch, html, no_update, set_props

from served import app_of, served


@served
def side_updates():
    app = app_of("a", "b", "c", "d", "x", "y", "o", "p", "q")

    @app.callback(Output("o", "children"), Input("a", "value"))
    def plain(value):
        set_props("x", {"children": html.B(value), "title": "t"})
        set_props({"type": "row", "index": 1}, {"style": {"color": "red"}})
        set_props("y", {"data": None})
        return value

    @app.callback(Output("p", "children"), Input("a", "value"))
    def merged(value):
        set_props("x", {"title": "first", "data": 1})
        set_props("y", {"data": [1, 2]})
        set_props("x", {"title": "second", "lang": "de"})
        return no_update

    @app.callback(Output("q", "children"), Input("a", "value"))
    def same(value):
        set_props("q", {"children": "side", "title": "t"})
        return value

    @app.callback(Input("a", "value"))
    def without_output(value):
        set_props("x", {"children": [html.I(value), "text"]})

    @app.callback(Input("b", "value"))
    def nothing(value):
        pass

    @app.callback(Input("c", "value"))
    def keyed(value):
        patch = Patch()
        patch["color"] = value
        set_props({"type": "größe", "index": True}, {"style": patch})

    @app.callback(Output({"type": "out", "index": "a"}, "children"), Input("d", "value"))
    def unknown(value):
        set_props("ghost", {"children": "nobody"})
        return value

    return app
