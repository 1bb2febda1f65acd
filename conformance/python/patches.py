"""Patches: every operation, everywhere a patch may stand."""

from dash import Input, Output, Patch, html, no_update, set_props

from served import app_of, served


@served
def patches():
    app = app_of("a", *(f"o{number}" for number in range(8)))

    @app.callback(Output("o0", "data"), Input("a", "value"))
    def lists(value):
        patch = Patch()
        patch["a"]["b"].append(value)
        patch["a"]["b"].prepend(0)
        patch["a"]["b"].insert(1, 9)
        patch["a"]["b"].insert(-1, None)
        patch["a"]["b"].extend([5, 6])
        patch["a"]["b"].remove(9)
        patch["a"]["b"].reverse()
        patch["l"].clear()
        patch["a"]["b"][-1] = "neg"
        del patch["a"]["b"][0]
        return patch

    @app.callback(Output("o1", "data"), Input("a", "value"))
    def dictionaries(value):
        patch = Patch()
        patch["a"]["c"] = {"z": [value]}
        patch["größe"]["雪"] = None
        patch["a"].update({"k": 1})
        patch["a"] |= {"q": 2}
        del patch["a"]["k"]
        patch["layout"]["title"]["text"] = "t"
        patch["data"][0]["x"][2] = 1.5
        return patch

    @app.callback(Output("o2", "data"), Input("a", "value"))
    def numbers(value):
        patch = Patch()
        patch["n"] += value
        patch["n"] -= 2
        patch["n"] *= 3
        patch["n"] /= 4.5
        patch["text"] += " more"
        patch["list"] += [1]
        return patch

    @app.callback(Output("o3", "children"), Input("a", "value"))
    def components(value):
        patch = Patch()
        patch.append(html.B(value))
        patch.insert(0, html.Div([html.I("i"), "text"], id="new"))
        patch.extend([html.Br(), "end"])
        patch[0]["props"]["title"] = "t"
        return patch

    @app.callback(Output("o4", "data"), Input("a", "value"))
    def whole(value):
        patch = Patch()
        patch += [value]
        patch.reverse()
        patch.clear()
        patch += 1
        return patch

    @app.callback(Output("o5", "data"), Output("o5", "style"), Output("o5", "title"), Input("a", "value"))
    def among_others(value):
        patch = Patch()
        patch["color"] = "red"
        return value, patch, no_update

    @app.callback(Output("o6", "data"), Input("a", "value"))
    def empty(value):
        return Patch()

    @app.callback(Output("o7", "children"), Input("a", "value"))
    def set_elsewhere(value):
        patch = Patch()
        patch["n"] += value
        set_props("o7", {"data": patch, "title": "t"})
        return value

    return app
