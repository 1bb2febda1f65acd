"""An app on FastAPI whose callbacks are called over a websocket too."""

from dash import Dash, Input, Output, dcc, html
from fastapi import FastAPI, WebSocket

server = FastAPI()
app = Dash(__name__, server=server, websocket_callbacks=True, serve_locally=False)
app.layout = html.Div([dcc.Input(id="in"), html.Div(id="one")])


@app.callback(Output("one", "children"), Input("in", "value"))
def one(what):
    """Answer in capitals."""
    return str(what).upper()


@server.websocket("/echo-socket")
async def echo_socket(socket: WebSocket):
    """Send back what comes, with the headers of the handshake first."""
    await socket.accept()
    await socket.send_json(dict(socket.headers))
    async for text in socket.iter_text():
        await socket.send_text(text[::-1])
