import assert from "node:assert/strict";
import { test } from "node:test";

import { partsOf } from "../../browser/batch.js";
import { Page, body, json, settle } from "./page.js";

const MOST_CALLS = 500;

/** A page with callbacks whose calls may travel together: `row.a` to `row.z`. */
const openPage = (own = {}) => {
    const outputs = [..."abcdefghijklmnopqrstuvwxyz"].map((name) => "row." + name);
    return new Page({ batch: { outputs, characters: 10_000 }, client: {}, ...own });
};

/** Calls of one tick: the first is sent at once, the others wait for the end of the tick. */
const callInOneTick = async (page, names, init) => {
    const answers = ["first", ...names].map((name) => page.call(body("row." + name, name), init));
    answers.forEach((answer) => answer.catch(() => {}));
    await settle();
    return answers.slice(1);
};

/** A response whose text arrives in the parts that the test sends. */
const openResponse = (headers = {}) => {
    let controller;
    const stream = new ReadableStream({ start: (started) => (controller = started) });
    const response = new Response(stream, { headers: { "Content-Type": "application/x-ndjson", ...headers } });
    const send = (text) => controller.enqueue(new TextEncoder().encode(text));
    return { response, send, end: () => controller.close(), fail: (error) => controller.error(error) };
};

const JSON_TYPE = { "content-type": "application/json" };

const line = (number, text, status = 200, headers = JSON_TYPE) =>
    `${JSON.stringify([number, status, headers])}\t${text}\n`;

/** Whether a promise has its value or error. */
const isSettled = async (promise) => {
    const nothing = {};
    await settle();
    return (await Promise.race([promise, nothing]).catch(() => undefined)) !== nothing;
};

const addresses = (page) => page.requests.map(({ url }) => url);

test("a call that comes alone is sent at once", () => {
    const page = openPage();
    page.call(body("row.a", 1));
    assert.deepEqual(addresses(page), ["/app/_dash-update-component"]);
});

test("six calls that follow in one tick travel in one request", async () => {
    const page = openPage();
    await callInOneTick(page, "abcdef");
    assert.deepEqual(addresses(page), ["/app/_dash-update-component", "/app/_ferrodash/batch"]);
    const { method, headers, calls } = page.last;
    assert.deepEqual([method, headers["Content-Type"], headers["X-Ferrodash-Build"]], ["POST", "application/json", "b1"]);
    assert.deepEqual(
        calls,
        [..."abcdef"].map((name) => body("row." + name, name)),
    );
});

test("five calls are sent alone, and so are calls that may not travel together", async () => {
    const five = openPage();
    await callInOneTick(five, "abcde");
    const unknown = openPage({ batch: { outputs: ["row.a"], characters: 10_000 } });
    await callInOneTick(unknown, "bcdefgh");
    const aborted = openPage();
    await callInOneTick(aborted, "abcdef", { signal: new AbortController().signal });
    const batchless = openPage({ batch: undefined });
    await callInOneTick(batchless, "abcdef");
    for (const [page, count] of [[five, 6], [unknown, 8], [aborted, 7], [batchless, 7]]) {
        assert.deepEqual(addresses(page), Array(count).fill("/app/_dash-update-component"));
    }
});

test("a call with a query is sent alone beside a batch", async () => {
    const page = openPage();
    page.call(body("row.first", 0));
    page.call(body("row.a", 1), {}, "?long=1");
    [..."abcdef"].forEach((name) => page.call(body("row." + name, name)));
    await settle();
    assert.deepEqual(addresses(page), [
        "/app/_dash-update-component",
        "/app/_ferrodash/batch",
        "/app/_dash-update-component?long=1",
    ]);
});

test("the renderer learns which calls may travel together", () => {
    const { window } = openPage();
    assert.ok(window.ferrodashIsBatched({ output: "row.a" }));
    assert.ok(!window.ferrodashIsBatched({ output: "other.a" }));
    assert.ok(!("ferrodashIsBatched" in openPage({ batch: undefined }).window));
});

test("without streams of text each call is a request", async () => {
    const outputs = [..."abcdef"].map((name) => "row." + name);
    const settings = { batch: { outputs, characters: 10_000 }, client: {} };
    const page = new Page(settings, ({ window }) => delete window.TextDecoderStream);
    await callInOneTick(page, "abcdef");
    assert.equal(page.requests.length, 7);
    assert.ok(!("ferrodashIsBatched" in page.window));
});

test("each call has its answer as soon as its line is there, in any order", async () => {
    const page = openPage();
    const answers = await callInOneTick(page, "abcdef");
    const { response, send, end } = openResponse();
    page.last.answer(response);
    const text = line(5, '{"f":"ü\\t"}');
    send(line(3, '{"d":1}') + text.slice(0, 20));
    assert.deepEqual(await (await answers[3]).json(), { d: 1 });
    assert.equal(await isSettled(answers[5]), false);
    send(text.slice(20) + line(0, "null", 204, {}) + line(1, '"<b>no</b>"', 500, { "content-type": "text/html" }));
    assert.deepEqual(await (await answers[5]).json(), { f: "ü\t" });
    const [none, failed] = [await answers[0], await answers[1]];
    assert.deepEqual([none.status, await none.text()], [204, ""]);
    assert.deepEqual([failed.status, await failed.text()], [500, "<b>no</b>"]);
    assert.equal(await isSettled(answers[2]), false);
    send(line(2, "{}") + line(4, "{}"));
    end();
    assert.equal((await answers[4]).headers.get("Content-Type"), "application/json");
    await answers[2];
    assert.deepEqual(page.sources, Array(6).fill("server"));
});

test("characters may be cut between parts of a response", async () => {
    const page = openPage();
    const answers = await callInOneTick(page, "abcdef");
    const bytes = new TextEncoder().encode(line(0, '{"a":"😀"}'));
    const at = bytes.length - 5;
    const stream = new ReadableStream({
        start(controller) {
            controller.enqueue(bytes.slice(0, at));
            controller.enqueue(bytes.slice(at));
        },
    });
    page.last.answer(new Response(stream, { headers: { "Content-Type": "application/x-ndjson" } }));
    assert.deepEqual(await (await answers[0]).json(), { a: "😀" });
});

test("a call that only another build can answer is sent alone", async () => {
    const page = openPage();
    const answers = await callInOneTick(page, "abcdef");
    const { response, send } = openResponse();
    page.last.answer(response);
    send(line(2, "null", 421, {}));
    await settle();
    assert.deepEqual([page.last.url, page.last.calls.output], ["/app/_dash-update-component", "row.c"]);
    page.last.answer(json({ c: 1 }));
    assert.deepEqual(await (await answers[2]).json(), { c: 1 });
});

test("a call of a batch that is refused for the page's build is treated as if it had come alone", async () => {
    const page = openPage();
    const answers = await callInOneTick(page, "abcdef");
    const { response, send } = openResponse({ "X-Ferrodash-Build": "b2" });
    page.last.answer(response);
    send(line(0, "null", 410, { "content-type": "text/plain" }));
    assert.equal((await answers[0]).status, 410);
    const stale = page.events.filter(([name]) => name === "stale").map(([, detail]) => detail);
    assert.deepEqual(stale, [
        { build: "b2", refused: false },
        { build: "b2", refused: true },
    ]);
    assert.equal(page.reloads, 1);
});

test("if the connection ends early, only calls without an answer fail", async () => {
    for (const end of [({ end }) => end(), ({ fail }) => fail(new Error("reset"))]) {
        const page = openPage();
        const answers = await callInOneTick(page, "abcdef");
        const opened = openResponse();
        page.last.answer(opened.response);
        opened.send(line(0, "{}"));
        assert.equal((await answers[0]).status, 200);
        end(opened);
        for (const answer of answers.slice(1)) {
            assert.equal((await answer).status, 502);
        }
    }
});

test("a request that fails, fails all its calls", async () => {
    const page = openPage();
    const answers = await callInOneTick(page, "abcdef");
    page.last.fail(new TypeError("offline"));
    for (const answer of answers) {
        assert.equal((await answer).status, 502);
    }
});

test("calls of a batch that is refused are sent alone; a proxy that knows no batches gets no more of them", async () => {
    for (const [status, isLast] of [[403, false], [404, true], [405, true], [413, false], [422, false]]) {
        const page = openPage();
        const answers = await callInOneTick(page, "abcdef");
        page.last.answer(new Response("", { status }));
        await settle();
        const alone = page.requests.slice(2);
        assert.deepEqual(
            alone.map(({ calls }) => calls.output),
            [..."abcdef"].map((name) => "row." + name),
        );
        alone.forEach((request) => request.answer(json({})));
        assert.equal((await answers[5]).status, 200);
        await callInOneTick(page, "abcdef");
        const batches = addresses(page).filter((url) => url.endsWith("batch"));
        assert.equal(batches.length, isLast ? 1 : 2, `after ${status}`);
    }
});

test("another answer than lines is the answer of each call, except for a page that only looks like one", async () => {
    for (const [status, expected] of [[401, 401], [503, 503], [200, 500]]) {
        const page = openPage();
        const answers = await callInOneTick(page, "abcdef");
        page.last.answer(new Response("<form>", { status, headers: { "Content-Type": "text/html" } }));
        const statuses = await Promise.all(answers.map(async (answer) => (await answer).status));
        assert.deepEqual(statuses, Array(6).fill(expected));
        const text = await (await answers[5]).text();
        assert.equal(text, "<form>");
    }
});

const call = (length, headers = "{}") => ({ init: { body: "x".repeat(length) }, headers });

const sizes = (calls, most) => partsOf(calls, most).map((part) => part.map(({ init }) => init.body.length));

test("a request is not larger than the server wants", () => {
    assert.deepEqual(sizes([call(40), call(40), call(40), call(99), call(200), call(1)], 100), [
        [40, 40],
        [40],
        [99],
        [200],
        [1],
    ]);
    const most = partsOf(Array(2 * MOST_CALLS + 1).fill(call(1)), 10_000);
    assert.deepEqual(
        most.map(({ length }) => length),
        [MOST_CALLS, MOST_CALLS, 1],
    );
});

test("calls of a request have the same headers", () => {
    assert.deepEqual(sizes([call(1), call(2), call(3, "other"), call(4)], 100), [[1, 2], [3], [4]]);
});
