"""The page ``/notes``: visitors write notes to destinations, and read those of all others."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from airports import destination_options
from dash import Input, Output, State, callback, dcc, html, no_update
from data import NAMES

import ferrodash

FILE = os.environ.get("FLIGHTS_NOTES", Path(__file__).with_name("notes.sqlite3"))
LONGEST = 400
SHOWN = 50
TABLE = """
create table if not exists notes (
    id integer primary key,
    destination text not null,
    text text not null,
    written text not null default (strftime('%Y-%m-%d %H:%M', 'now'))
)
"""


def query(sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Run one statement in a transaction, and return its rows."""
    with closing(sqlite3.connect(FILE, timeout=10)) as database, database:
        database.execute(TABLE)
        return database.execute(sql, values).fetchall()


def layout() -> html.Div:
    """Return the page."""
    return html.Div(
        [
            html.Div(
                [
                    html.H2("Write a note"),
                    dcc.Dropdown(destination_options(), id="about", placeholder="Destination"),
                    dcc.Textarea(id="note", placeholder="Your note", maxLength=LONGEST),
                    html.Div(
                        [html.Button("Save", id="save", n_clicks=0), html.Span(id="message")],
                        className="choice",
                    ),
                    dcc.Store(id="saved"),
                ],
                className="card form",
            ),
            html.Div([html.H2(id="notes-title"), html.Ul(id="notes")], className="card"),
        ],
        className="beside",
    )


# It writes, so it is not cached. When it has succeeded, all lists of notes are asked for again:
# those that the gateway keeps, and those that other visitors have open.
@callback(
    Output("saved", "data"),
    Output("note", "value"),
    Output("message", "children"),
    Input("save", "n_clicks"),
    State("about", "value"),
    State("note", "value"),
    prevent_initial_call=True,
)
@ferrodash.invalidates("notes")
def save(_clicks: int, destination: str | None, text: str | None) -> tuple[Any, Any, str]:
    """Save a note, or say what is missing."""
    text = (text or "").strip()[:LONGEST]
    if destination not in NAMES:
        return no_update, no_update, "Choose a destination."
    if not text:
        return no_update, no_update, "Write a text."
    insert = "insert into notes (destination, text) values (?, ?) returning id"
    [(number,)] = query(insert, destination, text)
    return number, "", "Saved."


# `saved` makes the page ask again after a note of its own, also without the gateway. What the
# gateway keeps for an equal call may be older, hence the tag.
@callback(
    Output("notes", "children"),
    Output("notes-title", "children"),
    Input("about", "value"),
    Input("saved", "data"),
)
@ferrodash.cached(timeout="1d", client=True, shared=True, trigger=False, tags=["notes"])
def show_notes(destination: str | None, _saved: int | None) -> tuple[list[html.Li], str]:
    """Show the last notes to a destination, or to all of them."""
    rows = query(
        "select destination, text, written from notes "
        "where ? in ('', destination) order by id desc limit ?",
        destination or "",
        SHOWN,
    )
    title = f"Notes to {NAMES[destination]}" if destination else "Notes"
    return [item(*row) for row in rows] or [html.Li("None yet.", className="soft")], title


def item(destination: str, text: str, written: str) -> html.Li:
    """Return one note."""
    head = f"{NAMES[destination]}, {written} UTC"
    return html.Li([html.P(text), html.Span(head, className="soft")])
