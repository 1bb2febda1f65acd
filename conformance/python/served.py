"""Collects the apps that serve.py serves, by the names of the functions that make them."""

from dash import Dash, html

APPS = {}


def served(make):
    APPS[make.__name__] = make
    return make


def app_of(*ids, **settings):
    """An app whose layout has an empty Div for each id."""
    app = Dash("conformance", assets_folder="", use_pages=False, **settings)
    app.layout = html.Div([html.Div(id=each) for each in ids])
    return app
