"""Calls from the app to the gateway, over the gateway's control address."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
from urllib.parse import urlsplit

from .declare import checked_tags

_TIMEOUT = 2.0
"""How many seconds a call waits to connect, to send, and to receive."""


class GatewayError(Exception):
    """The gateway could not be reached, or refused a call."""


def invalidate(*tags: str) -> bool:
    """Discard all answers that the gateway keeps under some tags.

    The gateway is found by the environment: ``FERRODASH_CONTROL`` is
    ``unix:/path/of/the/socket`` or ``http://127.0.0.1:PORT``, and ``FERRODASH_TOKEN`` is the
    token for the latter. ``ferrodash run`` sets the former for the app that it starts.

    The call blocks until the gateway has answered. It can be used in any process and thread,
    also where Dash is not installed.

    Args:
        *tags: The tags, as they are written in ``cached(tags=[...])``.

    Returns:
        Whether there is a gateway. Without ``FERRODASH_CONTROL`` nothing is sent.

    Raises:
        GatewayError: The gateway cannot be reached or refuses, so answers with these tags may
            still be served.
        TypeError: A tag is not a text.
        ValueError: There is no tag, or a tag is empty.

    Example:
        >>> def import_orders():
        ...     load_into_database()
        ...     ferrodash.invalidate("orders")
    """
    body = json.dumps({"tags": checked_tags(tags, "ferrodash.invalidate")})
    control = os.environ.get("FERRODASH_CONTROL", "").strip()
    if not control:
        return False
    headers = {"Content-Type": "application/json"}
    token = os.environ.get("FERRODASH_TOKEN", "").strip()
    if token:
        headers["Authorization"] = f"Bearer {token}"
    try:
        with contextlib.closing(_connection(control)) as connection:
            connection.request("POST", "/_ferrodash/invalidate", body, headers)
            with connection.getresponse() as response:
                answer = response.read(1_000).decode(errors="replace").strip()
    except (OSError, http.client.HTTPException) as error:
        raise GatewayError(
            f"the gateway at {control} cannot be reached: {error!r}; "
            "check that it runs and that FERRODASH_CONTROL is its control address"
        ) from error
    if not 200 <= response.status < 300:  # noqa: PLR2004
        raise GatewayError(
            f"the gateway at {control} refused to invalidate with status {response.status}: "
            f"{answer or response.reason}"
        )
    return True


def _connection(control: str) -> http.client.HTTPConnection:
    kind, _, path = control.partition(":")
    if kind == "unix" and path:
        return _UnixConnection(path)
    with contextlib.suppress(ValueError):  # A port that is not a number.
        address = urlsplit(control)
        if address.scheme == "http" and address.hostname and address.path in ("", "/"):
            return http.client.HTTPConnection(address.hostname, address.port, timeout=_TIMEOUT)
    raise GatewayError(
        f"FERRODASH_CONTROL is {control!r}; "
        'write "unix:/path/of/the/socket" or "http://127.0.0.1:PORT"'
    )


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT)
        self.sock.connect(self._path)
