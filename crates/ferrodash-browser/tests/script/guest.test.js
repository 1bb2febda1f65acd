import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, kept, settle } from "./page.js";

const CARRIER = "data-fd-value-500";
const ROWS = [..."abcdefg"].map((name) => "row." + name);
const TABLE = { "table.data": { token: "t", arguments: ["i0"] } };
/** The query that the renderer of Dash 4.4 writes. */
const END = "?endId=e1";

/** A page behind the gateway, with the settings that it writes. */
const openPage = (own = {}, prepare = undefined) => {
    const settings = { guest: true, client: {}, batch: undefined, pure: [], overlap: {}, most: 2 ** 40, ...own };
    return new Page(settings, prepare, "guest-all.js");
};

const batch = { outputs: ROWS, characters: 10_000 };

const notices = (page) => page.document.body.children.map(({ id }) => id).filter((id) => /^ferrodash-/.test(id));

/** The state of a renderer whose layout has `text`, with these properties, and a component with a dictionary as its id. */
const stateWith = (props) => ({
    callbacks: {},
    config: { fetch: { credentials: "same-origin", headers: { Accept: "application/json" } } },
    paths: { strs: { text: ["components", 0] }, objs: { "row,type": [{ values: [1, "cell"], path: ["components", 1] }] } },
    layout: {
        components: [
            { namespace: "dash_core_components", props },
            { namespace: "dash_core_components", props: { id: { row: 1, type: "cell" } } },
        ],
    },
});

const storeOf = (state) => ({ getState: () => state, subscribe: () => () => {}, dispatch: () => {} });

test("an undeclared call is sent as the renderer made it, with the script's own headers", async () => {
    const sent = [];
    const receivers = [];
    const page = openPage({}, ({ window }) => {
        const { fetch } = window;
        window.fetch = function (...all) {
            receivers.push(this);
            sent.push(fetch(...all));
            return sent[sent.length - 1];
        };
    });
    const own = {};
    const init = { method: "POST", credentials: "same-origin", headers: { Accept: "application/json", A: undefined } };
    init.body = JSON.stringify(body("a.b", 1));
    const given = page.window.fetch.call(own, "/app/_dash-update-component" + END, init);
    assert.equal(given, sent[0], "it is the promise of the real fetch");
    assert.deepEqual([receivers.length, receivers[0] === own], [1, true]);
    const { url, headers } = page.last;
    const { "X-Ferrodash-Build": build, "X-Ferrodash-Page": name, ...others } = headers;
    assert.deepEqual([url, build, others], ["/app/_dash-update-component" + END, "b1", init.headers]);
    assert.match(name, /^\d+-\d+-\d+-\d+$/);
    assert.deepEqual({ ...page.last.init, headers: init.headers }, init);
    assert.equal(init.headers["X-Ferrodash-Build"], undefined, "the options of the renderer stay as they are");
    const response = json({});
    page.last.answer(response);
    assert.equal(await given, response);
});

test("headers that a script of the app has written in another form are sent too", () => {
    const page = openPage();
    for (const headers of [new Headers({ Authorization: "t" }), [["Authorization", "t"]]]) {
        page.call(body("a.b", 1), { headers });
        const sent = new Headers(page.last.headers);
        assert.deepEqual([sent.get("Authorization"), sent.get("X-Ferrodash-Build")], ["t", "b1"]);
    }
});

test("a request that is no call, whatever the app's scripts have written into it, goes through untouched", () => {
    const page = openPage();
    const bodies = ["compressed", "5", "null", '{"output":1}'];
    const requests = bodies.map((text) => ["/app/_dash-update-component", { method: "POST", body: text }]);
    requests.push(["http://", { method: "POST", body: "{}" }]);
    requests.forEach((request) => page.window.fetch(...request));
    assert.deepEqual(
        page.requests.map(({ init }, index) => init === requests[index][1]),
        requests.map(() => true),
    );
});

test("the renderer gets each response and failure of an undeclared call, and the user sees no notice", async () => {
    for (const status of [200, 204, 400, 401, 413, 429, 500, 502, 503]) {
        const page = openPage({ pure: ["a.b"] });
        const answer = page.call(body("a.b", 1));
        await settle();
        const response = new Response(status === 204 ? null : "<p>", { status, headers: { "Retry-After": "1" } });
        page.last.answer(response);
        assert.equal(await answer, response);
        page.clock.advance(100_000);
        await settle();
        assert.deepEqual([page.requests.length, notices(page)], [1, []], `after ${status}`);
    }
});

test("a call that does not reach the server fails, also without a connection", async () => {
    for (const onLine of [true, false]) {
        const page = openPage({ pure: ["a.b"] });
        page.navigator.onLine = onLine;
        const answer = page.call(body("a.b", 1));
        const problem = new TypeError("Failed to fetch");
        page.last.fail(problem);
        await assert.rejects(answer, (error) => error === problem);
        page.navigator.onLine = true;
        page.window.dispatchEvent(new Event("online"));
        await settle();
        assert.deepEqual([page.requests.length, notices(page)], [1, []]);
    }
});

test("a sign-in or another call of the same callback holds no undeclared call up", async () => {
    const page = openPage({ overlap: { "a.b": ["queue", 5] } });
    page.document.addEventListener("ferrodash:login", ({ detail }) => detail.wait(new Promise(() => {})));
    const first = page.call(body("a.b", 1));
    page.last.answer(new Response("", { status: 401 }));
    assert.equal((await first).status, 401);
    const older = page.call(body("a.b", 2));
    const newer = page.call(body("a.b", 3));
    assert.equal(page.requests.length, 3);
    const responses = [json({ n: 3 }), json({ n: 2 })];
    page.requests[2].answer(responses[0]);
    page.requests[1].answer(responses[1]);
    assert.deepEqual([await newer, await older], responses, "the renderer drops the older one by itself");
    assert.deepEqual(page.sets, []);
});

test("no call is too large, and intervals of hidden pages go on", () => {
    const page = openPage({ most: 10, ticks: undefined });
    page.document.hidden = true;
    page.call({ ...body("a.b", "x".repeat(100)), changedPropIds: ["clock.n_intervals"] });
    assert.equal(page.requests.length, 1);
});

test("a response of another build is passed on at once, and the user learns of it", async () => {
    const page = openPage();
    const answer = page.call(body("a.b", 1));
    const response = new Response("", { status: 410, headers: { "X-Ferrodash-Build": "b2" } });
    page.last.answer(response);
    assert.equal(await answer, response);
    assert.deepEqual([notices(page), page.reloads], [["ferrodash-stale"], 1]);
    assert.deepEqual(page.events, [["stale", { build: "b2", refused: true }]]);
});

test("an undeclared call that changes who uses the browser is noticed by the answers that are kept", async () => {
    const page = openPage({ client: TABLE });
    await settle();
    let isAsked = false;
    Object.defineProperty(page, "news", { get: () => (isAsked = true) && { seen: "e.2", changed: [] } });
    page.call(body("a.b", 1));
    page.last.answer(json({}, { "X-Ferrodash-Cookies": "set" }));
    await settle();
    assert.ok(isAsked);
});

test("calls whose answers are kept are answered by the page", async () => {
    const page = openPage({ client: TABLE });
    const first = page.call(body("table.data", "x"), {}, END);
    await settle();
    assert.equal(page.last.method, "GET");
    page.last.answer(kept({ n: 1 }));
    assert.deepEqual(await (await first).json(), { n: 1 });
    assert.deepEqual(await (await page.call(body("table.data", "x"), {}, END)).json(), { n: 1 });
    assert.equal(page.requests.length, 1);
});

test("a failure of a call whose answers are kept comes to the renderer as it is, without a notice", async () => {
    const page = openPage({ client: TABLE, pure: ["table.data"] });
    const send = async (response) => {
        const answer = page.call(body("table.data", "x"));
        await settle();
        page.last.answer(response);
        return answer;
    };
    for (const status of [204, 400, 401, 413, 429, 500, 502, 503]) {
        const before = page.requests.length;
        const given = await send(new Response(status === 204 ? null : "no", { status, headers: { "Retry-After": "1" } }));
        page.clock.advance(100_000);
        await settle();
        assert.deepEqual([given.status, page.requests.length], [status, before + 1]);
        assert.equal(await given.text(), status === 204 ? "" : "no");
    }
    const form = await send(new Response("<form>", { headers: { "Content-Type": "text/html" } }));
    assert.deepEqual([form.status, await form.text()], [200, "<form>"]);
    const lost = page.call(body("table.data", "x"));
    await settle();
    const problem = new TypeError("Failed to fetch");
    page.last.fail(problem);
    await assert.rejects(lost, (error) => error === problem);
    assert.deepEqual(notices(page), []);
});

/** Calls of one tick: the first is sent at once, the others wait for the end of the tick. */
const callInOneTick = async (page, queryFor = () => END) => {
    const answers = ROWS.map((output) => page.call(body(output, output), {}, queryFor(output)));
    answers.forEach((answer) => answer.catch(() => {}));
    await settle();
    return answers.slice(1);
};

const addresses = (page) => page.requests.map(({ url }) => url.replace("/app/", ""));

test("calls with a query travel in one request, which has it too", async () => {
    const page = openPage({ batch });
    await callInOneTick(page);
    assert.deepEqual(addresses(page), ["_dash-update-component?endId=e1", "_ferrodash/batch?endId=e1"]);
    assert.deepEqual(
        page.last.calls,
        ROWS.slice(1).map((output) => body(output, output)),
    );
    const without = openPage({ batch });
    await callInOneTick(without, () => "");
    assert.deepEqual(addresses(without), ["_dash-update-component", "_ferrodash/batch"]);
});

test("calls with different queries do not travel in one request", async () => {
    const page = openPage({ batch });
    await callInOneTick(page, (output) => (output < "row.e" ? END : "?endId=e2"));
    assert.deepEqual(addresses(page).slice(1), ["_ferrodash/batch?endId=e1", "_ferrodash/batch?endId=e2"]);
    assert.deepEqual(
        page.requests.slice(1).map(({ calls }) => calls.length),
        [3, 3],
    );
});

test("calls of background callbacks never travel with others", async () => {
    for (const name of ["cacheKey", "job", "oldJob", "cancelJob"]) {
        const page = openPage({ batch });
        await callInOneTick(page, () => END + "&" + name + "=1");
        assert.deepEqual(addresses(page), Array(7).fill(`_dash-update-component${END}&${name}=1`));
    }
});

test("a call that may not travel with others does not wait for them", () => {
    const page = openPage({ batch });
    page.call(body("row.a", 1));
    page.call(body("a.b", 1));
    assert.equal(page.requests.length, 2);
});

/** Answers a batch by these lines. */
const answerLines = (request, ...lines) => {
    const text = lines.map(([head, content]) => `${JSON.stringify(head)}\t${content}\n`).join("");
    request.answer(new Response(text, { headers: { "Content-Type": "application/x-ndjson" } }));
};

const JSON_TYPE = { "content-type": "application/json" };

test("calls that travel together have their answers and failures as if they had come alone", async () => {
    const page = openPage({ batch });
    const answers = await callInOneTick(page);
    answerLines(
        page.last,
        [[0, 200, JSON_TYPE], '{"n":1}'],
        [[1, 204, {}], "null"],
        [[2, 500, { "content-type": "text/html" }], '"<p>"'],
        [[3, 503, {}], '""'],
        [[4, 401, {}], '"no"'],
    );
    const [first, none, failed, busy, signedOut] = await Promise.all(answers.slice(0, 5));
    const copy = first.clone();
    assert.deepEqual([await first.json(), JSON.parse(await copy.text())], [{ n: 1 }, { n: 1 }]);
    assert.equal(first.headers.get("Content-Type"), "application/json");
    assert.deepEqual([none.status, await failed.text(), busy.status, signedOut.status], [204, "<p>", 503, 401]);
    await assert.rejects(answers[5], TypeError, "the connection ended before its line");
    assert.deepEqual([page.requests.length, notices(page)], [2, []]);
});

test("an answer with headers of its own is fetched by itself", async () => {
    const page = openPage({ batch });
    const answers = await callInOneTick(page);
    answerLines(page.last, [[2, 200, { ...JSON_TYPE, "x-ferrodash-parked": "p1-X_" }], "null"]);
    await settle();
    const { url, method, init, headers } = page.last;
    assert.deepEqual([url, method, init.body], ["/app/_ferrodash/parked/p1-X_", "GET", undefined]);
    assert.deepEqual([headers["Content-Type"], headers["X-Ferrodash-Build"]], ["application/json", "b1"]);
    const parked = json({ n: 1 }, { "X-Own": "yes" });
    page.last.answer(parked);
    assert.equal(await answers[2], parked);
});

test("keys that the app adds to a call are part of its address, in the order of their names", async () => {
    const page = openPage({ client: TABLE });
    const call = async (own) => {
        const answer = page.call({ ...body("table.data", "x"), parsedChangedPropsIds: ["in.value"], ...own });
        await settle();
        return answer;
    };
    const pending = call({ tenant: "a&b", region: { b: 1, a: 2 } });
    await settle();
    assert.deepEqual(page.last.query, { b: "b1", in: '["x"]', x: '{"region":{"b":1,"a":2},"tenant":"a&b"}' });
    page.last.answer(kept({ n: 1 }));
    assert.deepEqual(await (await pending).json(), { n: 1 });
    assert.deepEqual(await (await call({ region: { b: 1, a: 2 }, tenant: "a&b" })).json(), { n: 1 });
    assert.equal(page.requests.length, 1);
    call({ tenant: "other" });
    await settle();
    assert.equal(page.last.query.x, '{"tenant":"other"}');
    call({});
    await settle();
    assert.deepEqual([page.requests.length, page.last.query.x], [3, undefined]);
});

/** A page of Dash 2, whose renderer has no function for components. */
const openOldPage = (props, own = {}, state = stateWith(props)) => {
    const page = openPage(own, ({ window }) => {
        delete window.dash_component_api;
        window.store = storeOf(state);
        const { set_props } = window.dash_clientside;
        window.dash_clientside.set_props = (id, properties) => {
            set_props(id, properties);
            Object.assign(props, properties);
        };
    });
    page.add("text");
    return page;
};

test("gates pass in pages whose renderer has no function for components", () => {
    const props = { value: "a" };
    const page = openOldPage(props);
    page.change("gate_0", "text.value", '{"row":1,"type":"cell"}.value', "gone.value", '{"row":2,"type":"cell"}.value');
    page.clock.advance(499);
    assert.deepEqual(page.sets, []);
    page.clock.advance(1);
    const row = { row: 1, type: "cell" };
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }], [row, { [CARRIER]: 1 }]]);
});

test("in such pages a carrier leaves no trace, and a value that was sent passes no more", () => {
    const props = { value: "a" };
    const page = openOldPage(props);
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.deepEqual(props, { value: "a" });
    const content = body("row.children", 0);
    content.inputs = [{ id: "text", property: CARRIER }];
    content.state = [{ id: "text", property: "value", value: "a" }];
    page.call(content);
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.equal(page.sets.length, 1);
});

test("a renderer that does not know who changed a component leaves each change to the wait", () => {
    const state = stateWith({ value: "a" });
    state.layoutHashes = { "components,0": { hash: 1 } };
    const page = openOldPage({ value: "a" }, {}, state);
    page.change("gate_0", "text.value");
    assert.deepEqual(page.sets, []);
    page.clock.advance(500);
    assert.equal(page.sets.length, 1);
});

/** A page that is hidden while a change is held back. */
const hidePage = async (config) => {
    const gates = [{ name: "gate_0", property: "value", carrier: CARRIER, wait: 500, flush: "h" }];
    const props = { value: "a" };
    const state = stateWith(props);
    Object.assign(state.config, config);
    const output = { id: "text", property: "title" };
    state.dependenciesRequest = {
        content: [
            {
                output: "text.title",
                inputs: [{ id: "text", property: CARRIER }],
                state: [{ id: "text", property: "value" }],
            },
        ],
    };
    const page = openOldPage(props, { gates }, state);
    page.document.cookie = "_csrf_token=c1; own=c2";
    page.output = output;
    page.state = state;
    page.change("gate_0", "text.value");
    page.document.hidden = true;
    page.fire("visibilitychange");
    await settle();
    return page;
};

test("calls that the script makes have the token and the query of the renderer's calls", async () => {
    const old = await hidePage({});
    assert.deepEqual([old.last.url, old.last.headers["X-CSRFToken"]], ["/app/_dash-update-component", "c1"]);
    assert.deepEqual(old.last.calls.state, [{ id: "text", property: "value", value: "a" }]);
    const next = await hidePage({ csrf_token_name: "own", csrf_header_name: "X-Own", end_id: "e1" });
    assert.deepEqual([next.last.url, next.last.headers["X-Own"]], ["/app/_dash-update-component?endId=e1", "c2"]);
});

test("the answer of a call that the script made never replaces that of a newer call", async () => {
    const page = await hidePage({});
    const made = page.last;
    const shown = [];
    page.window.store.dispatch = (action) => shown.push(action);
    const newer = page.call({
        output: "text.title",
        outputs: page.output,
        inputs: [{ id: "text", property: CARRIER }],
        state: [{ id: "text", property: "value", value: "ab" }],
    });
    page.last.answer(json({ response: { props: "newer" } }));
    assert.equal((await newer).status, 200);
    made.answer(json({ response: { props: "older" } }));
    await settle();
    assert.deepEqual(shown, []);
});

test("Back does not scroll the page of another app", () => {
    const listened = [];
    openPage({ client: TABLE }, ({ window }) => (window.addEventListener = (name) => listened.push(name)));
    assert.ok(!listened.includes("popstate") && !listened.includes("scroll"), String(listened));
});

test("without the setting the script works as in pages of our own", async () => {
    const page = openPage({ guest: undefined, batch });
    await callInOneTick(page);
    assert.ok(addresses(page).every((address) => address === "_dash-update-component" + END));
    const busy = page.call(body("a.b", 1));
    page.last.answer(new Response("", { status: 413 }));
    await busy;
    assert.deepEqual(notices(page), ["ferrodash-refused"]);
});

/** A page behind an older renderer with a call in progress, and two that came one after the other. */
const openWithWaiting = async () => {
    const page = openPage({ batch });
    for (const output of ["row.a", "row.b", "row.c"]) {
        page.call(body(output, 1)).catch(() => {});
        await settle();
    }
    assert.deepEqual(addresses(page), ["_dash-update-component"]);
    return page;
};

const advance = async (page, milliseconds) => {
    page.clock.advance(milliseconds);
    await settle();
};

test("behind an older renderer, calls that come while another is in progress travel together", async () => {
    const page = await openWithWaiting();
    await advance(page, 29);
    assert.equal(page.requests.length, 1);
    await advance(page, 1);
    assert.deepEqual(addresses(page), ["_dash-update-component", "_ferrodash/batch"]);
    assert.deepEqual(page.last.calls, [body("row.b", 1), body("row.c", 1)]);
    await advance(page, 1000);
    assert.equal(page.requests.length, 2, "they are sent once");
});

test("calls that wait for one in progress are sent with those that its answer causes", async () => {
    const page = await openWithWaiting();
    page.requests[0].answer(json({}));
    await settle();
    await advance(page, 4);
    page.call(body("row.d", 1)).catch(() => {});
    await advance(page, 1);
    assert.deepEqual(addresses(page), ["_dash-update-component", "_ferrodash/batch"]);
    assert.deepEqual(page.last.calls, [body("row.b", 1), body("row.c", 1), body("row.d", 1)]);
    await advance(page, 1000);
    assert.equal(page.requests.length, 2, "they are sent once");
});

test("calls wait for all that are in progress, and one that is alone then travels alone", async () => {
    const page = openPage({ batch });
    // Three calls of one tick are in progress: one that did not wait, and two that travel together.
    const calls = ["row.a", "row.b", "row.c"].map((output) => page.call(body(output, 1)));
    calls.forEach((call) => call.catch(() => {}));
    await settle();
    page.call(body("row.d", 1)).catch(() => {});
    page.requests[0].answer(json({}));
    await settle();
    await advance(page, 29);
    assert.deepEqual(addresses(page), ["_dash-update-component", "_ferrodash/batch"]);
    await advance(page, 1);
    assert.deepEqual(addresses(page).slice(2), ["_dash-update-component"]);
    assert.deepEqual(JSON.parse(page.last.init.body), body("row.d", 1));
});

test("calls that wait are sent when the page is hidden, and none waits in a hidden page", async () => {
    const page = await openWithWaiting();
    page.document.hidden = true;
    page.document.dispatchEvent(new Event("visibilitychange"));
    await settle();
    assert.deepEqual(addresses(page), ["_dash-update-component", "_ferrodash/batch"]);
    page.call(body("row.d", 1)).catch(() => {});
    await settle();
    assert.deepEqual(addresses(page).slice(2), ["_dash-update-component"]);
    await advance(page, 1000);
    assert.equal(page.requests.length, 3, "they are sent once");
});

test("a call that comes when nothing is in progress is sent at once", async () => {
    const page = openPage({ batch });
    const first = page.call(body("row.a", 1)).catch(() => {});
    page.last.answer(json({}));
    await first;
    await settle();
    page.call(body("row.b", 1)).catch(() => {});
    assert.deepEqual(addresses(page), ["_dash-update-component", "_dash-update-component"]);
});

test("behind a renderer that asks what is batched, each call of a tick is sent at once", async () => {
    const page = openPage({ batch });
    page.window.ferrodashIsBatched({ output: "row.a" });
    for (const output of ["row.a", "row.b"]) {
        page.call(body(output, 1)).catch(() => {});
        await settle();
    }
    assert.deepEqual(addresses(page), ["_dash-update-component", "_dash-update-component"]);
});
