#!/usr/bin/env python3
"""Serves apps of this folder on a port of this machine, each below its own name, or a single one at the root.

    serve.py PORT --root NAME
    serve.py PORT NAME…
"""

import argparse
import logging
import warnings

from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from served import APPS, load


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("port", type=int)
    parser.add_argument("--root", action="store_true", help="the one app has no prefix")
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    # Failures are asked for; their tracebacks are not.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    load()
    servers = {f"/{name}": APPS[name]().server for name in options.names}
    server = next(iter(servers.values())) if options.root else DispatcherMiddleware(NotFound(), servers)
    make_server("127.0.0.1", options.port, server, threaded=True).serve_forever()


if __name__ == "__main__":
    main()
