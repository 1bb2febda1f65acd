import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, kept, settle } from "./page.js";

const client = {
    "table.data": { token: "t", arguments: ["i0"] },
    "first.children": { token: "shared", arguments: ["i0"] },
    "second.children": {
        token: "shared",
        arguments: ["i0"],
        rename: [["first", "children", "second", "children"]],
    },
};

const openPage = () => new Page({ client, batch: undefined, most: 10_000 });

const answerOf = (output, value) => {
    const [id, property] = output.split(".");
    return { response: { [id]: { [property]: value } }, multi: true };
};

/** A call whose request, if there is one, gets this response. */
const callAnswered = async (page, content, response) => {
    const before = page.requests.length;
    const answer = page.call(content);
    await settle();
    page.requests.slice(before).forEach((request) => request.answer(response));
    return answer;
};

test("a call becomes a GET with an address, and the page answers the next equal one", async () => {
    const page = openPage();
    const value = answerOf("table.data", [1]);
    const first = await callAnswered(page, body("table.data", "x"), kept(value));
    const [{ url, method, init }] = page.requests;
    assert.match(url, /^\/app\/_ferrodash\/call\/t\?/);
    assert.deepEqual([method, init.body, page.last.query], ["GET", undefined, { b: "b1", in: '["x"]' }]);
    const second = await page.call(body("table.data", "x"));
    assert.deepEqual([await first.json(), await second.json()], [value, value]);
    assert.equal(second.headers.get("Content-Type"), "application/json");
    assert.equal(page.requests.length, 1);
    assert.deepEqual(page.sources, ["server", "page"]);
});

test("events say how long an answer took and what the server's caches did", async () => {
    const page = openPage();
    const answer = page.call(body("table.data", "x"));
    await settle();
    page.clock.advance(30);
    page.last.answer(kept({}, { "Cache-Status": "memory; hit", "Server-Timing": "total;dur=1" }));
    await answer;
    const expected = {
        output: "table.data",
        source: "server",
        isStale: false,
        milliseconds: 30,
        cacheStatus: "memory; hit",
        serverTiming: "total;dur=1",
    };
    assert.deepEqual(page.events, [["answer", expected]]);
});

test("other arguments, and answers that have expired or must not be kept, are requested", async () => {
    const page = openPage();
    await callAnswered(page, body("table.data", "x"), kept({}));
    await callAnswered(page, body("table.data", "y"), kept({}, {}, { fresh: 0 }));
    await callAnswered(page, body("table.data", "y"), json({}));
    assert.equal(page.requests.length, 3);
    page.clock.advance(59_999);
    await page.call(body("table.data", "x"));
    assert.equal(page.requests.length, 3);
    page.clock.advance(1);
    await callAnswered(page, body("table.data", "x"), kept({}));
    assert.equal(page.requests.length, 4);
});

test("equal calls at the same time share a request", async () => {
    const page = openPage();
    const answers = [1, 2, 3].map(() => page.call(body("table.data", "x")));
    await settle();
    assert.equal(page.requests.length, 1);
    page.last.answer(kept({ n: 1 }));
    const responses = await Promise.all(answers);
    // The renderer has given up the older ones.
    assert.deepEqual(
        responses.map(({ status }) => status),
        [204, 204, 200],
    );
    assert.deepEqual(await responses[2].json(), { n: 1 });
    assert.deepEqual(page.sources.sort(), ["page", "page", "server"]);
});

test("a failure is passed on to all calls that share its request, and is not kept", async () => {
    const page = openPage();
    const answers = [1, 2].map(() => page.call(body("table.data", "x")));
    await settle();
    page.last.answer(new Response("no", { status: 500 }));
    const [, newest] = await Promise.all(answers);
    assert.deepEqual([newest.status, await newest.text()], [500, "no"]);
    const again = await callAnswered(page, body("table.data", "x"), kept({}));
    assert.deepEqual([again.status, page.requests.length], [200, 2]);
    const lost = page.call(body("table.data", "y"));
    await settle();
    page.last.fail(new TypeError("offline"));
    assert.equal((await lost).status, 502);
});

test("callbacks of one function share answers, each with its own outputs", async () => {
    const page = openPage();
    const first = await callAnswered(page, body("first.children", "x"), kept(answerOf("first.children", 7)));
    const second = await page.call(body("second.children", "x"));
    assert.deepEqual(await first.json(), answerOf("first.children", 7));
    assert.deepEqual(await second.json(), answerOf("second.children", 7));
    assert.equal(page.requests.length, 1);
});

test("callbacks of one function share a request, but not its failure", async () => {
    const page = openPage();
    const callBoth = async () => {
        const both = ["first", "second"].map((id) => page.call(body(id + ".children", "x")));
        await settle();
        return both;
    };
    const [, failed] = await callBoth();
    page.last.answer(new Response(null, { status: 204 }));
    await settle();
    assert.deepEqual([page.last.method, page.last.calls.output], ["POST", "second.children"]);
    page.last.answer(json({ own: true }));
    assert.deepEqual(await (await failed).json(), { own: true });

    const [, shared] = await callBoth();
    page.last.answer(kept(answerOf("first.children", 8)));
    assert.deepEqual(await (await shared).json(), answerOf("second.children", 8));
    assert.equal(page.requests.length, 3);
});

test("a call that is too long for an address is a POST, kept for its own callback only", async () => {
    const page = openPage();
    const long = "x".repeat(2100);
    await callAnswered(page, body("first.children", long), kept(answerOf("first.children", 1)));
    const { url, method, calls } = page.last;
    assert.deepEqual([url, method, calls.output], ["/app/_dash-update-component", "POST", "first.children"]);
    await page.call(body("first.children", long));
    assert.equal(page.requests.length, 1);
    const second = await callAnswered(page, body("second.children", long), kept(answerOf("second.children", 2)));
    assert.deepEqual(await second.json(), answerOf("second.children", 2));
    assert.equal(page.requests.length, 2);
});

test("a call whose address the server does not know is sent again as a POST", async () => {
    for (const status of [403, 404, 414]) {
        const page = openPage();
        const answer = page.call(body("table.data", "x"));
        await settle();
        page.last.answer(new Response("", { status }));
        await settle();
        assert.deepEqual([page.last.method, page.last.calls], ["POST", body("table.data", "x")]);
        page.last.answer(kept({ n: 1 }));
        assert.deepEqual(await (await answer).json(), { n: 1 });
    }
});

test("a page in the place of an answer is a failure", async () => {
    const page = openPage();
    const form = new Response("<form>", { headers: { "Content-Type": "text/html" } });
    const { status } = await callAnswered(page, body("table.data", "x"), form);
    assert.equal(status, 500);
    await callAnswered(page, body("table.data", "x"), kept({}));
    assert.equal(page.requests.length, 2);
});
