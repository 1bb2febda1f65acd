#!/usr/bin/env python3
"""Compares the answers of Python Dash with those that come through the gateway.

    through_gateway.py BINARY [PYTHON…]

BINARY is the program `ferrodash`; each PYTHON has a version of Dash. The cases of `conformance/cases` are sent in two
runs, each to fresh apps: with nothing declared, and with a cache declared for every callback, each case twice and
beside calls that differ little. In both runs the calls of an app are also sent together, as a batch. The apps are
served by Dash's server for development, and by gunicorn if it is installed.
"""

import collections
import contextlib
import gzip
import http.client
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor

HERE = pathlib.Path(__file__).resolve().parent
CASES = HERE.parent / "cases"
ENVIRONMENTS = ("d4.4.1", "d3.2.0", "d2.18.2")
PYTHONS = [str(HERE.parents[1] / "target/python-venvs" / name / "bin/python") for name in ENVIRONMENTS]

# How many seconds an answer may take, and how many versions are compared at a time.
PATIENCE = 30
TOGETHER = 3

# How many bytes of a body a difference shows.
LONGEST_SHOWN = 160

# How many apps a version may be unable to make. Those of `endpoints` came with 4.0.
LEFT_OUT = {"4.4.1": 0, "3.2.0": 1, "2.18.2": 1}

# Apps whose callbacks must not be declared, and cannot be called side by side, with the reason.
CHANGING = {"dynamic": "its callback adds a callback to the app, so it is not a function of its inputs"}

CALLS = "/_dash-update-component"
LISTS = ("/_dash-layout", "/_dash-dependencies")

# Headers about the connection, about the form in which the body was sent, and about the moment.
OF_THE_WAY = {"connection", "keep-alive", "transfer-encoding", "content-length", "content-encoding", "server", "date"}

# Headers that the gateway adds if the app has none, with their values: to pages and lists, and to answers it keeps.
NOT_SNIFFED = {"x-content-type-options": "nosniff"}
TO_LISTS = {"etag": '"[0-9a-f]+(-gzip)?"', "cache-control": "no-cache", **NOT_SNIFFED}
TO_KEPT = {"cache-status": "ferrodash; .*", "server-timing": "ferrodash;.*", "cache-control": "no-store", **NOT_SNIFFED}

# Headers that do something in a browser. A page has to ask for an answer with one, as a line of a batch has no effect.
EFFECTS = {"set-cookie", "location", "www-authenticate", "retry-after", "clear-site-data", "refresh"}

# What the gateway adds to a page, and what Dash itself writes differently each time.
OF_THE_PAGE = re.compile(
    rb'<link rel="preload" as="fetch" crossorigin="anonymous" href="[^"]*_dash-(layout|dependencies)">'
    rb'|<script id="_ferrodash-config".*?</script><script src="[^"]*_ferrodash/[^"]*"></script>\n *'
    rb'|(?<=\.js)\?fd=[0-9a-f]+|(?<="end_id":")[^"]*'
)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = [(name.lower(), value) for name, value in headers]
        self.body = gzip.decompress(body) if "gzip" in self.all("content-encoding") else body

    def all(self, name):
        return [value for known, value in self.headers if known == name]

    def one(self, name):
        return ", ".join(self.all(name))

    @property
    def is_json(self):
        return self.one("content-type").startswith("application/json")

    @property
    def is_page(self):
        return self.one("content-type").startswith("text/html") and b"_dash-config" in self.body

    @property
    def is_hit(self):
        return self.one("cache-status").startswith("ferrodash; hit")

    def told(self, but=()):
        """Returns the headers that are compared: the values of each name."""
        told = collections.defaultdict(list)
        for name, value in self.headers:
            if name not in OF_THE_WAY and name not in but:
                told[name].append(without_moment(value))
        told["vary"] = [value for value in told["vary"] if value != "accept-encoding"]
        return {name: values for name, values in told.items() if values}


def without_moment(value):
    """Removes the date from a cookie that lives for a while."""
    return re.sub(r"(?i)(expires)=[^;]*", r"\1=a date", value)


class Tally:
    """What was compared for a version of Dash, and what differed."""

    def __init__(self, where):
        self.where = where
        self.passed = self.failed = 0
        self.lines = []

    def check(self, title, differences):
        if not differences:
            self.passed += 1
            return
        self.failed += 1
        self.lines += [f"difference: {self.where}, {title}: {difference}" for difference in differences]


# Cases


def read_cases():
    """Returns the cases by their apps, in the order in which they are sent."""
    apps = collections.defaultdict(list)
    for file in sorted(CASES.glob("*.json")):
        for case in json.loads(file.read_text()):
            case["title"] = f"app {case['app']}, case {file.stem}: {case['name']}"
            apps[case["app"]].append(case)
    return apps


def path_of(case):
    return case.get("get") or case.get("path", CALLS)


def is_call(case):
    """Returns whether a case calls a callback as pages do, so that it may be part of a batch."""
    return "body" in case and path_of(case).split("?")[0].endswith(CALLS)


def may_be_declared(case):
    return is_call(case) and case["app"] not in CHANGING


def to_json(value):
    return json.dumps(value, ensure_ascii=False)


def body_of(case):
    text = to_json(case["body"]) if "body" in case else case.get("text")
    return None if text is None else text.encode()


def headers_of(case):
    kind = {} if "get" in case else {"content-type": "application/json"}
    return {**kind, **case.get("headers", {})}


# Requests


def ask(place, method, path, headers, body=None, encoding="identity"):
    port, prefix = place
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    # Both sides get the same name, as answers may have it in them.
    headers = {"host": "app.example", "accept-encoding": encoding, **headers}
    with contextlib.closing(connection):
        connection.request(method, prefix + path, body, headers)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())


def send(place, case, encoding="identity"):
    method = "GET" if "get" in case else "POST"
    return ask(place, method, path_of(case), headers_of(case), body_of(case), encoding)


# Comparisons


def differences(direct, through, added):
    """Returns what differs, as texts. `added` are the headers that the gateway may add."""
    new = {name for name, value in added.items() if not direct.all(name) and re.fullmatch(value, through.one(name))}
    wanted, found = direct.told(), through.told(but=new)
    pairs = [("status", direct.status, through.status), ("body", content(direct), content(through))]
    pairs += [(name, wanted.get(name), found.get(name)) for name in sorted(wanted.keys() | found.keys())]
    return unequal(pairs)


def unequal(pairs):
    """Returns the parts that differ, as texts."""
    return [
        f"{part}: direct {excerpt(wanted, found)}, gateway {excerpt(found, wanted)}"
        for part, wanted, found in pairs
        if wanted != found
    ]


def excerpt(value, other):
    """Returns a value as text, of a long body only what is around the first difference."""
    if not isinstance(value, bytes) or len(value) <= LONGEST_SHOWN:
        return repr(value)
    start = max(0, len(os.path.commonprefix([value, other])) - LONGEST_SHOWN // 2)
    return f"… {value[start : start + LONGEST_SHOWN]!r} …"


def content(answer):
    return OF_THE_PAGE.sub(b"", answer.body) if answer.is_page else answer.body


def added_to(case, direct, is_kept=False):
    if direct.is_page or path_of(case).endswith(LISTS):
        return TO_LISTS
    return TO_KEPT if is_kept else {}


def may_be_kept(case, direct):
    """Returns whether an answer has a value for each output, and no effect on the one who asked."""
    if direct.status != 200 or not direct.is_json or direct.all("set-cookie") or b"__dash_patch_update" in direct.body:
        return False
    answer = json.loads(direct.body)
    if not isinstance(answer, dict) or not answer.keys() <= {"multi", "response"}:
        return False
    values = sum(len(properties) for properties in answer.get("response", {}).values())
    return 0 < values == count(case["body"].get("outputs", []))


def count(outputs):
    return sum(map(count, outputs)) if isinstance(outputs, list) else 1


def misses(case, direct, second):
    """Returns what is wrong with the place from which the second answer came."""
    may = may_be_declared(case) and may_be_kept(case, direct)
    if second.is_hit and not may:
        return ["the gateway has kept what is not for others"]
    is_plain = direct.told().keys() <= {"content-type", "vary"}
    if may and is_plain and not second.is_hit:
        return [f"the second answer is not a kept one: {second.one('cache-status')!r}"]
    return []


# Batches


def in_batch(direct):
    """Returns the body of an answer as it is in a line."""
    if direct.is_json:
        return direct.body.replace(b"\n", b" ")
    return to_json(direct.body.decode() or None).encode()


def check_batches(tally, place, answers):
    """Sends the calls of an app together, those with the same address and headers in one request."""
    groups = collections.defaultdict(list)
    for case, direct in answers:
        if may_be_declared(case):
            groups[path_of(case), to_json(headers_of(case))].append((case, direct))
    for (path, headers), group in groups.items():
        check_batch(tally, place, path, json.loads(headers), group)


def check_batch(tally, place, path, headers, group):
    body = b"[" + b",".join(body_of(case) for case, _ in group) + b"]"
    prefix = path.split(CALLS)[0]
    answer = ask(place, "POST", path.replace(CALLS, "/_ferrodash/batch"), headers, body, "gzip")
    lines = {}
    for line in filter(None, answer.body.split(b"\n")):
        head, _, text = line.partition(b"\t")
        number, status, told = json.loads(head)
        lines[number] = status, told, text
    for number, (case, direct) in enumerate(group):
        wrong = ["the batch has no such line"]
        if number in lines:
            wrong = line_differences(place, prefix, headers, direct, *lines.pop(number))
        tally.check(f"{case['title']}, in a batch", wrong)
    tally.check(f"app {group[0][0]['app']}, lines of the batch that nobody asked for", list(lines.values()))


def line_differences(place, prefix, headers, direct, status, told, text):
    token = told.get("x-ferrodash-parked")
    if token:
        parked = ask(place, "GET", f"{prefix}/_ferrodash/parked/{token}", headers)
        return differences(direct, parked, TO_KEPT)
    return unequal(
        [
            ("status", direct.status, status),
            ("content-type", direct.one("content-type"), told.get("content-type")),
            ("headers that a line cannot have", [], [name for name, _ in direct.headers if name in EFFECTS]),
            ("body", in_batch(direct), text),
        ]
    )


# The two runs


def run_undeclared(tally, apps, direct, through):
    """Asks each case once, and then all calls together."""
    tally.where += ", nothing declared"
    for name, cases in apps.items():
        answers = []
        for case in cases:
            wanted, found = send(direct[name], case), send(through[name], case, "gzip")
            answers.append((case, wanted))
            tally.check(case["title"], differences(wanted, found, added_to(case, wanted)))
        check_batches(tally, through[name], answers)


def run_declared(tally, apps, direct, through):
    """Asks each case twice, and then all calls together; returns the number of kept answers."""
    tally.where += ", declared"
    hits = 0
    for name, cases in apps.items():
        answers = []
        for case in cases:
            first, is_hit = ask_twice(tally, case, direct[name], through[name])
            answers.append((case, first))
            hits += is_hit
            for other in neighbours(case) if may_be_declared(case) else []:
                ask_once(tally, other, direct[name], through[name])
        check_batches(tally, through[name], answers)
    return hits


def neighbours(case):
    """Returns calls whose answers must not be taken for those of each other, or for that of a case."""
    title, body = case["title"], case["body"]
    other = {**body, "inputs": with_other_values(body.get("inputs"))}
    # Python takes the last value of a name. What reads the first one takes this for a call with other inputs.
    both = f"{to_json(other)[:-1]}, \"inputs\": {to_json(body.get('inputs'))}}}"
    calls = [
        {**without(case, "body"), "text": both, "title": f"{title}, with other inputs before its own"},
        {**case, "body": other, "title": f"{title}, with other inputs"},
    ]
    causes = body.get("changedPropIds", [])
    if len(causes) > 1:
        reverse = {**body, "changedPropIds": causes[::-1]}
        calls.append({**case, "body": reverse, "title": f"{title}, with its causes in reverse"})
    return calls


def with_other_values(inputs):
    if isinstance(inputs, list):
        return [with_other_values(each) for each in inputs]
    return {**inputs, "value": "another"} if isinstance(inputs, dict) else inputs


def without(case, key):
    return {name: value for name, value in case.items() if name != key}


def ask_once(tally, case, direct, through):
    wanted, found = send(direct, case), send(through, case)
    # A kept answer or not: only what is in it counts.
    pairs = [("status", wanted.status, found.status), ("body", wanted.body, found.body)]
    tally.check(case["title"], unequal(pairs))


def ask_twice(tally, case, direct, through):
    """Compares the answers of both times; returns the direct one, and whether the second was a kept one."""
    # Python is asked as often, as answers may depend on that.
    wanted = [send(direct, case) for _ in range(2)]
    first, second = send(through, case, "gzip"), send(through, case)
    added = added_to(case, wanted[0], may_be_declared(case) and may_be_kept(case, wanted[0]))
    tally.check(case["title"], differences(wanted[0], first, added))
    wrong = differences(wanted[1], second, added) + misses(case, wanted[1], second)
    tally.check(f"{case['title']}, the second time", wrong)
    return wanted[0], second.is_hit


def declarable(place, prefix):
    """Returns the outputs of the callbacks whose answers the gateway can keep."""
    entries = json.loads(ask(place, "GET", f"{prefix}/_dash-dependencies", {}).body)
    # The long ones are the background callbacks of older versions.
    others = ("clientside_function", "background", "long", "websocket")
    return list(dict.fromkeys(it["output"] for it in entries if not any(it.get(key) for key in others)))


# Processes


@contextlib.contextmanager
def copies(python, server, names):
    """Serves the apps four times, and yields what `copies.py` says about them."""
    arguments = [python, str(HERE / "copies.py"), "4", *names]
    if server == "gunicorn":
        arguments.insert(2, "--gunicorn")
    # Hashes of texts decide the order of sets, and no bytecode is to be left beside the sources.
    variables = {**os.environ, "PYTHONHASHSEED": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    # Dash looks through the folder in which it is started.
    folder = tempfile.TemporaryDirectory()
    process = subprocess.Popen(
        arguments, env=variables, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=folder.name
    )
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.stdin.close()
        process.wait(PATIENCE)
        folder.cleanup()


class Gateways:
    """Gateways that are started, and ended together."""

    def __init__(self, binary, folder):
        self.binary = binary
        self.folder = folder
        self.processes = []

    def start(self, port, prefix, outputs=()):
        """Starts a gateway with a cache for some callbacks; its line says later where it listens."""
        file = pathlib.Path(self.folder, f"{len(self.processes)}.toml")
        lines = ['listen = "127.0.0.1:0"', f'upstreams = ["http://127.0.0.1:{port}"]', f'prefix = "{prefix}/"']
        for output in outputs:
            lines += ["[[callback]]", f"output = {to_json(output)}", 'timeout = "5m"']
        file.write_text("\n".join(lines))
        command = [self.binary, "gateway", "--config", str(file)]
        with file.with_suffix(".log").open("w") as log:
            process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, stdin=subprocess.DEVNULL, text=True)
        self.processes.append(process)
        return process, file.with_suffix(".log")

    def port(self, started):
        """Waits for the line of a gateway; returns its port and the number of callbacks that have a cache."""
        process, log = started
        line = process.stdout.readline()
        found = re.search(r"Listening on http://[^:]+:(\d+),(?:.* (\d+) cached)?", line)
        if not found:
            raise RuntimeError(f"the gateway does not start: {line}{log.read_text()}")
        return int(found[1]), int(found[2] or 0)

    def end(self):
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(PATIENCE)
            process.stdout.close()


def undeclared_places(gateways, places):
    """Puts one gateway before each server; returns the places of the apps behind them."""
    started = {port: gateways.start(port, "") for port, _ in places.values()}
    ports = {port: gateways.port(gateway)[0] for port, gateway in started.items()}
    return {name: (ports[port], prefix) for name, (port, prefix) in places.items()}


def declared_places(tally, gateways, places, outputs):
    """Puts a gateway of its own before each app; returns the places of the apps behind them."""
    started = {}
    for name, (port, prefix) in places.items():
        below, declared = outputs[name]
        started[name] = gateways.start(port, prefix + below, declared)
    through = {}
    for name, gateway in started.items():
        port, cached = gateways.port(gateway)
        through[name] = (port, places[name][1])
        wanted = len(outputs[name][1])
        wrong = [] if cached == wanted else [f"{wanted} callbacks are declared, {cached} are cached"]
        tally.check(f"app {name}, the gateway's first line", wrong)
    return through


def declarations(apps, places):
    """Returns for each app the path below which it is, and the outputs that are declared."""
    outputs = {}
    for name, cases in apps.items():
        # The one app with a prefix of its own has it in all of its paths.
        below = "/pre" if path_of(cases[0]).startswith("/pre/") else ""
        outputs[name] = below, [] if name in CHANGING else declarable(places[name], below)
    return outputs


def compare(tally, binary, python, server, all_apps):
    """Compares the answers of one version of Dash, and adds a line about it."""
    with contextlib.ExitStack() as stack:
        served = stack.enter_context(copies(python, server, list(all_apps)))
        gateways = Gateways(binary, stack.enter_context(tempfile.TemporaryDirectory()))
        stack.callback(gateways.end)
        version, left_out = served["version"], served["left_out"]
        tally.where = where = f"Dash {version}, {server}"
        is_more = len(left_out) > LEFT_OUT.get(version, 0)
        tally.check("apps that cannot be made", [to_json(left_out)] if is_more else [])
        apps = {name: cases for name, cases in all_apps.items() if name not in left_out}
        first, before_first, second, before_second = served["copies"]
        run_undeclared(tally, apps, first, undeclared_places(gateways, before_first))
        tally.where = where
        outputs = declarations(apps, second)
        hits = run_declared(tally, apps, second, declared_places(tally, gateways, before_second, outputs))
    tally.where = where
    tally.check("kept answers", [] if hits else ["there are none"])
    counts = {
        "apps": len(apps),
        "cases": sum(map(len, apps.values())),
        "callbacks declared": sum(len(declared) for _, declared in outputs.values()),
        "kept answers served": hits,
        "comparisons equal": tally.passed,
        "different": tally.failed,
        "apps left out": len(left_out),
    }
    reasons = "".join(f"; {name}: {reason}" for name, reason in left_out.items())
    tally.lines.append(f"{tally.where}: {', '.join(f'{number} {what}' for what, number in counts.items())}{reasons}")


def check(binary, python, server, apps):
    """Compares the answers of one version of Dash; a run that breaks off is a difference."""
    tally = Tally(f"{python}, {server}")
    try:
        compare(tally, binary, python, server, apps)
    except Exception:
        tally.check("the run", [traceback.format_exc()])
    return tally


def servers(python):
    """Returns the servers that an environment has."""
    found = subprocess.run([python, "-c", "import gunicorn"], stderr=subprocess.DEVNULL, check=False)
    return ["werkzeug", "gunicorn"] if found.returncode == 0 else ["werkzeug"]


def main():
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    binary, pythons = str(pathlib.Path(sys.argv[1]).resolve()), sys.argv[2:] or PYTHONS
    apps = read_cases()
    for app, reason in CHANGING.items():
        print(f"not declared: app {app}: {reason}")
    runs = [(python, server) for python in pythons for server in servers(python)]
    passed = failed = 0
    with ThreadPoolExecutor(TOGETHER) as pool:
        for tally in pool.map(lambda run: check(binary, *run, apps), runs):
            print("\n".join(tally.lines), flush=True)
            passed, failed = passed + tally.passed, failed + tally.failed
    print(f"test result: {'FAILED' if failed else 'ok'}. {passed} passed; {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
