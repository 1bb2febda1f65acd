"""The page ``/flights``: a table of all flights, of which the browser gets one page at a time."""

from __future__ import annotations

from typing import Any

import pandas as pd
from dash import Input, Output, callback, ctx, dash_table, dcc, html
from data import AIRCRAFT, LATE, NAMES, search
from figures import MONTHS

import ferrodash

ROWS = 15
COLUMNS = {
    "date": "Date",
    "time": "Time",
    "flight": "Flight",
    "origin": "From",
    "dest": "To",
    "distance": "Miles",
    "delay": "Delay",
    "aircraft": "Aircraft",
}
SORTED_BY = {
    "date": ["month", "day", "sched_dep_time"],
    "time": ["sched_dep_time"],
    "flight": ["carrier", "flight"],
    "delay": ["dep_delay"],
    "aircraft": ["tailnum"],
}
"""The columns of the data by which a column of the table is sorted, if not the one of its name."""


def layout() -> html.Div:
    """Return the page."""
    return html.Div(
        [
            dcc.Input(
                id="search",
                type="search",
                placeholder="Search: UA1545, N14228, SFO, JetBlue Chicago",
                className="search",
            ),
            html.P(id="found", className="soft"),
            table(),
        ],
        className="card",
    )


def table() -> dash_table.DataTable:
    """Return the table, which leaves paging and sorting to the server."""
    font = {"fontFamily": "system-ui, sans-serif", "fontSize": "0.875rem", "color": "inherit"}
    line = "1px solid var(--line)"
    right = [
        {"if": {"column_id": column}, "textAlign": "right"} for column in ("distance", "delay")
    ]
    return dash_table.DataTable(
        id="table",
        columns=[{"id": id_, "name": name} for id_, name in COLUMNS.items()],
        page_action="custom",
        page_current=0,
        page_size=ROWS,
        sort_action="custom",
        sort_mode="single",
        sort_by=[],
        cell_selectable=False,
        style_as_list_view=True,
        style_table={"overflowX": "auto"},
        style_cell={**font, "textAlign": "left", "padding": "0.45rem 0.7rem", "border": "none"},
        style_header={"fontWeight": 600, "background": "none", "borderBottom": line},
        style_data={"background": "none", "borderBottom": line},
        style_cell_conditional=right,
        style_data_conditional=[
            {"if": {"filter_query": f"{{minutes}} >= {LATE}", "column_id": "delay"},
             "color": "var(--warm)", "fontWeight": 600},
        ],
    )  # fmt: skip


# The search waits until nothing was typed for 300 ms. Paging and sorting do not wait.
@callback(
    Output("table", "data"),
    Output("table", "page_count"),
    Output("table", "page_current"),
    Output("found", "children"),
    Input("search", "value"),
    Input("table", "page_current"),
    Input("table", "sort_by"),
)
@ferrodash.debounce("300ms", inputs=["search.value"])
@ferrodash.cached(timeout="1h", stale_while_revalidate="1d", client=True, shared=True)
def show_rows(
    text: str | None, page: int | None, sort_by: list[dict[str, str]] | None
) -> tuple[list[dict[str, Any]], int, int, str]:
    """Show one page of the flights that match the search; a new search begins at the first."""
    flights = search(text)
    pages = max(1, -(-len(flights) // ROWS))
    shown = page if page and ctx.triggered_id == "table" else 0
    shown = min(shown, pages - 1)
    rows = in_order(flights, sort_by).iloc[shown * ROWS : (shown + 1) * ROWS]
    found = "1 flight" if len(flights) == 1 else f"{len(flights):,} flights"
    return [cells(row) for row in rows.itertuples()], pages, shown, found


def in_order(flights: pd.DataFrame, sort_by: list[dict[str, str]] | None) -> pd.DataFrame:
    """Return the flights in the order that the header of the table shows."""
    for column in sort_by or []:
        name = column["column_id"]
        flights = flights.sort_values(
            SORTED_BY.get(name, [name]), ascending=column["direction"] == "asc", kind="stable"
        )
    return flights


def cells(row: Any) -> dict[str, Any]:
    """Return the cells of one flight."""
    time = f"{row.sched_dep_time // 100}:{row.sched_dep_time % 100:02}"
    is_cancelled = pd.isna(row.dep_delay)
    return {
        "id": row.Index,
        "date": f"{MONTHS[row.month - 1]} {row.day}",
        "time": time,
        "flight": f"{row.carrier} {row.flight}",
        "origin": row.origin,
        "dest": f"{row.dest} {NAMES[row.dest]}",
        "distance": row.distance,
        "delay": "cancelled" if is_cancelled else f"{row.dep_delay:+.0f} min",
        "minutes": None if is_cancelled else row.dep_delay,
        "aircraft": "" if pd.isna(row.tailnum) else AIRCRAFT.get(row.tailnum, row.tailnum),
    }
