"""An app that other programs call: over an address of a callback, and over MCP."""

from dash import Dash, Input, Output, dcc, html

app = Dash(__name__, serve_locally=False, enable_mcp=True)
server = app.server
app.layout = html.Div([dcc.Input(id="in", value="a"), html.Div(id="one")])


@app.callback(Output("one", "children"), Input("in", "value"), api_endpoint="/api/one")
def one(value):
    """Answer in capitals."""
    return (value or "").upper()


app.setup_apis()
