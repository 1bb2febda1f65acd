#!/usr/bin/env python3
"""Measures what Python caches take for the work that Ferrodash is measured for.

Each measurement prints one line of JSON. `nanoseconds` is the mean time of an operation in a round, as the median of
all rounds; `operations` is how many were made in all of them. In `stampede` every figure is the median of what single
rounds gave: `nanoseconds` the time half of the reads stay within, `p99_nanoseconds` the time 99 % stay within,
`operations` the reads, and `calls` the runs of the cached function. Needs the packages of requirements.txt; venv.sh
prints a python that has them.

    peers.py memoize-simple | memoize-cashews | diskcache-get | redis-get URL   [--seconds 1] [--rounds 5]
    peers.py stampede URL   [--seconds 10] [--rounds 3] [--processes 8] [--threads 16]
"""

import argparse
import asyncio
import concurrent.futures
import contextlib
import itertools
import json
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
import uuid

import cashews
import diskcache
import redis
from flask import Flask
from flask_caching import Cache

ARGUMENTS = (7, "north")
VALUE = {"name": "north", "values": [1.0, 2.0, 3.0]}
KEYS = [f"key-{number}" for number in range(1000)]
BYTES = random.Random(1).randbytes(8192)
BATCH_NANOSECONDS = 20_000_000
FUNCTION_SECONDS = 0.25
TTL_SECONDS = 1
THINK_SECONDS = (0.01, 0.03)


def flask_cache(**settings):
    app = Flask("peers")
    return app, Cache(app, config={f"CACHE_{name}": value for name, value in settings.items()})


def batch_of(operation):
    """What `rounds_of` takes: runs the operation as many times as it is told."""

    def batch(count):
        for _ in itertools.repeat(None, count):
            operation()

    return batch


def nanoseconds_of(batch, count):
    begin = time.perf_counter_ns()
    batch(count)
    return time.perf_counter_ns() - begin


def rounds_of(batch, options):
    """Rounds of the asked time, in batches so long that reading the clock does not count."""
    count = 1
    while (taken := nanoseconds_of(batch, count)) < BATCH_NANOSECONDS:
        count = max(2 * count, min(count * BATCH_NANOSECONDS // max(taken, 1), 100 * count))
    means, operations = [], 0
    for _ in range(options.rounds):
        made = taken = 0
        while taken < options.seconds * 1_000_000_000:
            taken += nanoseconds_of(batch, count)
            made += count
        means.append(taken / made)
        operations += made
    return {"nanoseconds": round(statistics.median(means)), "operations": operations}


def memoize_simple(options):
    """A hit of `cache.memoize` of Flask-Caching on SimpleCache, the application context made once."""
    app, cache = flask_cache(TYPE="SimpleCache")
    calls = itertools.count()

    @cache.memoize(timeout=86400)
    def load(number, text):
        next(calls)
        return VALUE

    with app.app_context():
        load(*ARGUMENTS)
        figures = rounds_of(batch_of(lambda: load(*ARGUMENTS)), options)
        assert load(*ARGUMENTS) == VALUE and next(calls) == 1, "not every operation was a hit"
    return figures


def memoize_cashews(options):
    """A hit of cashews in memory, awaited in a running loop."""
    cache = cashews.Cache()
    cache.setup("mem://")
    calls = itertools.count()

    @cache(ttl="10m")
    async def load(number, text):
        next(calls)
        return VALUE

    async def batch(count):
        for _ in itertools.repeat(None, count):
            await load(*ARGUMENTS)

    with asyncio.Runner() as runner:
        runner.run(load(*ARGUMENTS))
        figures = rounds_of(lambda count: runner.run(batch(count)), options)
        assert runner.run(load(*ARGUMENTS)) == VALUE and next(calls) == 1, "not every operation was a hit"
        runner.run(cache.close())
    return figures


def random_reads(get, options, prefix=""):
    keys = itertools.cycle([prefix + key for key in random.Random(2).choices(KEYS, k=10_000)])
    figures = rounds_of(batch_of(lambda: get(next(keys))), options)
    assert all(get(prefix + key) == BYTES for key in KEYS), "not every operation was a hit"
    return figures


def diskcache_get(options):
    """A hit of 8 KiB on diskcache, its settings as they come."""
    with tempfile.TemporaryDirectory() as folder, diskcache.Cache(folder) as cache:
        for key in KEYS:
            cache.set(key, BYTES)
        return random_reads(cache.get, options)


@contextlib.contextmanager
def redis_keys(url):
    """A client, and a prefix whose keys are gone after the block."""
    prefix = f"peers-{uuid.uuid4().hex}:"
    with redis.Redis.from_url(url) as client:
        try:
            yield client, prefix
        finally:
            for key in client.scan_iter(f"{prefix}*", count=1000):
                client.unlink(key)


def redis_get(options):
    """A bare GET of 8 KiB by redis-py, as the floor of whatever keeps its values there."""
    with redis_keys(options.url) as (client, prefix):
        for key in KEYS:
            client.set(prefix + key, BYTES)
        return random_reads(client.get, options, prefix)


def begin_together(barrier):
    global together
    together = barrier


def stampede_process(url, prefix, threads, seconds):
    """The latencies of the readers of one process; they begin when all the processes are there."""
    app, cache = flask_cache(TYPE="RedisCache", REDIS_URL=url, KEY_PREFIX=prefix)
    counter = redis.Redis.from_url(url)
    begin = threading.Barrier(threads, action=lambda: together.wait(timeout=60))

    @cache.memoize(timeout=TTL_SECONDS)
    def load(number, text):
        counter.incr(f"{prefix}calls")
        time.sleep(FUNCTION_SECONDS)
        return VALUE

    def reader():
        latencies = []
        with app.app_context():
            begin.wait()
            end = time.perf_counter() + seconds
            while time.perf_counter() < end:
                latencies.append(nanoseconds_of(lambda _: load(*ARGUMENTS), 1))
                time.sleep(random.uniform(*THINK_SECONDS))
        return latencies

    with counter, concurrent.futures.ThreadPoolExecutor(threads) as pool:
        readers = [pool.submit(reader) for _ in range(threads)]
        return [latency for done in readers for latency in done.result()]


def stampede_round(options):
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(options.processes)
    with redis_keys(options.url) as (client, prefix), concurrent.futures.ProcessPoolExecutor(
        options.processes, context, begin_together, (barrier,)
    ) as pool:
        task = stampede_process, options.url, prefix, options.threads, options.seconds
        tasks = [pool.submit(*task) for _ in range(options.processes)]
        latencies = sorted(latency for done in tasks for latency in done.result())
        return {
            "nanoseconds": latencies[len(latencies) // 2],
            "p99_nanoseconds": latencies[len(latencies) * 99 // 100],
            "operations": len(latencies),
            "calls": int(client.get(f"{prefix}calls")),
        }


def stampede(options):
    """Many readers of one slow, short-lived result of Flask-Caching on RedisCache, from an empty cache."""
    rounds = [stampede_round(options) for _ in range(options.rounds)]
    return {name: round(statistics.median(each[name] for each in rounds)) for name in rounds[0]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = parser.add_subparsers(dest="name", required=True)
    for measure in (memoize_simple, memoize_cashews, diskcache_get, redis_get, stampede):
        one = names.add_parser(measure.__name__.replace("_", "-"), help=measure.__doc__, description=measure.__doc__)
        one.set_defaults(measure=measure)
        if measure in (redis_get, stampede):
            one.add_argument("url", help="redis://HOST:PORT/DATABASE")
        one.add_argument("--seconds", type=float, default=10 if measure is stampede else 1, help="of a round")
        one.add_argument("--rounds", type=int, default=3 if measure is stampede else 5)
        if measure is stampede:
            one.add_argument("--processes", type=int, default=8)
            one.add_argument("--threads", type=int, default=16, help="of each process")
    options = parser.parse_args()
    print(json.dumps({"name": options.name, **options.measure(options)}))


if __name__ == "__main__":
    main()
