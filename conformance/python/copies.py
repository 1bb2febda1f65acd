#!/usr/bin/env python3
"""Serves copies of apps of this folder, so that each side of a comparison has apps of its own.

    copies.py [--gunicorn] NUMBER NAME…

It prints one line of JSON: the version of Dash, the apps that this version cannot make with the reasons, and for each
copy the port and the path of each app. It serves until its input ends.
"""

import argparse
import json
import logging
import os
import signal
import socket
import sys
import traceback
import warnings

import dash
from werkzeug.exceptions import NotFound
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.serving import make_server

from served import APPS, load


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gunicorn", action="store_true", help="instead of the server for development")
    parser.add_argument("number", type=int)
    parser.add_argument("names", nargs="+")
    options = parser.parse_args()
    # Failures are asked for; their tracebacks are not.
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    ignore_unknown_options()
    load()
    serve = with_gunicorn if options.gunicorn else with_werkzeug
    copies, left_out, processes = start(options.number, options.names, serve)
    print(json.dumps({"version": dash.__version__, "left_out": left_out, "copies": copies}), flush=True)
    sys.stdin.read()
    end(processes)


def ignore_unknown_options():
    """Lets versions before `allow_optional` make the apps that have one such callback among many."""
    try:
        dash.Input("a", "value", allow_optional=True)
    except TypeError:
        whole = dash.dependencies.DashDependency.__init__
        dash.dependencies.DashDependency.__init__ = lambda self, *parts, allow_optional=False: whole(self, *parts)


def start(number, names, serve):
    """Starts the copies; returns the places of the apps in each, those that are left out, and the processes."""
    # Pages are registered for a whole process.
    alone = [name for name in names if name.startswith("pages")]
    servers, left_out = make(name for name in names if name not in alone)
    copies, processes = [], []
    for _ in range(number):
        port, process = fork(lambda: below_names(servers), serve)
        places = {path[1:]: [port, path] for path in servers}
        processes.append(process)
        for name in alone:
            port, process = fork(lambda name=name: below_names(make([name])[0]), serve)
            places[name] = [port, f"/{name}"]
            processes.append(process)
        copies.append(places)
    return copies, left_out, processes


def make(names):
    """Makes apps; returns their servers by path, and the reasons why others cannot be made."""
    servers, left_out = {}, {}
    for name in names:
        try:
            servers[f"/{name}"] = APPS[name]().server
        except (AttributeError, TypeError) as error:
            left_out[name] = str(error)
    return servers, left_out


def below_names(servers):
    """Puts each app below its name. Before an app at the root, a gateway first compresses bundles for seconds."""
    return DispatcherMiddleware(NotFound(), servers)


def fork(make_app, serve):
    """Starts a process that serves what `make_app` returns; returns its port and its id."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=100)
    port = listener.getsockname()[1]
    process = os.fork()
    if process == 0:
        try:
            serve(make_app(), listener)
        except Exception:
            traceback.print_exc()
        finally:
            # What the interpreter does at its end takes seconds, and is not needed.
            os._exit(0)
    # So that nobody waits for an answer when that process has failed.
    listener.close()
    return port, process


def with_werkzeug(server, listener):
    make_server("127.0.0.1", 0, server, threaded=True, fd=listener.fileno()).serve_forever()


def with_gunicorn(server, listener):
    from gunicorn.app.base import BaseApplication

    # One worker, as callbacks may change the app. Older versions have no control socket to leave out.
    settings = {
        "bind": f"fd://{listener.fileno()}",
        "worker_class": "gthread",
        "threads": 4,
        "graceful_timeout": 1,
        "loglevel": "critical",
        "control_socket_disable": True,
    }

    class Gunicorn(BaseApplication):
        def load_config(self):
            for name in settings.keys() & self.cfg.settings.keys():
                self.cfg.set(name, settings[name])

        def load(self):
            return server

    sys.argv = ["gunicorn"]
    Gunicorn().run()


def end(processes):
    for process in processes:
        os.kill(process, signal.SIGTERM)
    for process in processes:
        os.waitpid(process, 0)


if __name__ == "__main__":
    main()
