"""A signed cookie that tells the gateway who the visitor is."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from dash import Dash
    from flask import Flask, Response

_CONTEXT = b"ferrodash identity v1\0"


def identity(
    app: Dash | Flask,
    who: Callable[[], str | None],
    *,
    secret: str | bytes | None = None,
    cookie: str = "ferrodash_identity",
) -> None:
    """Let the gateway know who the visitor is, so that it keeps answers apart by visitor.

    After each request, ``who`` is called within the context of the request. If its result
    differs from what the cookie of the visitor says, the response sets the cookie. All other
    responses stay as they are, because a response that sets a cookie is not cached.

    The cookie ends with the session of the browser, cannot be read by scripts, and is sent
    over https only if the request came over https. The name of the visitor is signed, but it
    can be read in the browser.

    Args:
        app: The Dash app, or its Flask server.
        who: Returns a name that is unique for the visitor, or ``None`` for a visitor who is
            not logged in.
        secret: Signs the cookie. The gateway needs the same secret. By default, it is read
            from the environment variable ``FERRODASH_SECRET``.
        cookie: The name of the cookie.

    Raises:
        TypeError: The app has no Flask server.
        ValueError: There is no secret.

    Example:
        >>> ferrodash.identity(app, lambda: flask.session.get("user"))
    """
    import flask  # noqa: PLC0415 - The package can be used without Flask.

    server = getattr(app, "server", app)
    if not isinstance(server, flask.Flask):
        raise TypeError(
            f"ferrodash.identity was called with {app!r}; call it with a Dash app that has a "
            "Flask server, or with the server"
        )
    key = secret or os.environ.get("FERRODASH_SECRET")
    if not key:
        raise ValueError(
            "ferrodash.identity has no secret; "
            "set the environment variable FERRODASH_SECRET or write secret=..."
        )
    key_bytes = key.encode() if isinstance(key, str) else key

    def set_cookie(response: Response) -> Response:
        name = who()
        if not isinstance(name, (str, type(None))):
            raise TypeError(
                f"the function of ferrodash.identity returned {name!r}; return a text or None"
            )
        sent = flask.request.cookies.get(cookie)
        attributes: dict[str, Any] = {
            "httponly": True,
            "samesite": "Lax",
            "secure": flask.request.is_secure,
        }
        if not name:
            if sent is not None:
                response.delete_cookie(cookie, **attributes)
            return response
        value = signed(name, key_bytes)
        if sent is None or not hmac.compare_digest(sent.encode(errors="replace"), value.encode()):
            response.set_cookie(cookie, value, **attributes)
        return response

    server.after_request(set_cookie)


def signed(name: str, key: bytes) -> str:
    """Return the value of the cookie: the name and its signature, in base64url without padding."""
    name_bytes = name.encode()
    signature = hmac.new(key, _CONTEXT + name_bytes, hashlib.sha256).digest()
    return f"{_base64url(name_bytes)}.{_base64url(signature)}"


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
