"""What the callbacks of an app were called with, at the address ``/runs``."""

from typing import Any

from dash import Dash, ctx
from flask import jsonify, request

RUNS: list[dict[str, Any]] = []


def ran(name: str, *values: Any) -> None:
    """Remember a run of a callback, with what it sees of its call."""
    RUNS.append(
        {
            "name": name,
            "values": values,
            "triggered": [each["prop_id"] for each in ctx.triggered],
            "query": sorted(request.args),
            "cookies": dict(request.cookies),
        }
    )


def serve_runs(app: Dash) -> None:
    """Let an app tell its runs, each once."""

    @app.server.route("/runs")
    def runs() -> Any:
        told = RUNS[:]
        del RUNS[: len(told)]
        return jsonify(told)
