"""Collects the apps that are served, by the names of the functions that make them."""

import importlib
import pathlib

from dash import Dash, html

APPS = {}

# The files of this folder that make no apps.
PROGRAMS = {"serve", "served", "copies", "through_gateway"}


def load():
    """Imports the modules that make the apps."""
    for module in sorted(pathlib.Path(__file__).parent.glob("*.py")):
        if module.stem not in PROGRAMS:
            importlib.import_module(module.stem)


def served(make):
    APPS[make.__name__] = make
    return make


def app_of(*ids, **settings):
    """An app whose layout has an empty Div for each id."""
    app = Dash("conformance", assets_folder="", use_pages=False, **settings)
    app.layout = html.Div([html.Div(id=each) for each in ids])
    return app
