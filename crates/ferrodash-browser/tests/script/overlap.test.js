import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, settle } from "./page.js";

const answerOf = (value) => ({ multi: true, response: { out: { children: value } } });

/** A page whose callback `out.children` has a policy, with a renderer that records the answers that it gets. */
const openPage = (...policy) => {
    const overlap = policy.length ? { "out.children": policy } : {};
    const page = new Page({ batch: undefined, client: {}, pure: [], overlap, ticks: false });
    page.add("out", { children: "" });
    page.shown = [];
    page.window.store = {
        getState: () => ({ callbacks: {}, paths: { strs: { out: ["props"] }, objs: {} } }),
        dispatch: ({ payload }) => page.shown.push(payload[0].executionResult.data.out.children),
    };
    return page;
};

const call = async (page, value) => {
    const response = page.call(body("out.children", value));
    await settle();
    return response.then((answer) => (answer.status === 200 ? answer.json() : answer.status));
};

/** Makes calls with the values 1, 2 and so on; their answers are in `results` when they come. */
const callAll = async (page, count) => {
    const results = [];
    for (let value = 1; value <= count; value += 1) {
        const number = results.push(undefined) - 1;
        page.call(body("out.children", value)).then(async (answer) => {
            results[number] = answer.status === 200 ? (await answer.json()).response.out.children : answer.status;
        });
        await settle();
    }
    return results;
};

const answer = async (page, number) => {
    page.requests[number].answer(json(answerOf(page.requests[number].calls.inputs[0].value)));
    await settle();
};

test("an older answer is shown until a newer one has come", async () => {
    const page = openPage();
    const results = await callAll(page, 3);
    await answer(page, 1);
    assert.deepEqual(page.shown, [2]);
    await answer(page, 0);
    assert.deepEqual(page.shown, [2], "it comes too late");
    assert.deepEqual(results, [undefined, undefined, undefined], "they settle together");
    await answer(page, 2);
    assert.deepEqual(results, [204, 204, 3]);
});

test("of the calls that wait only the newest is made", async () => {
    const page = openPage("latest", 1);
    const results = await callAll(page, 4);
    assert.equal(page.requests.length, 1);
    await answer(page, 0);
    assert.deepEqual([page.shown, page.requests.length], [[1], 2]);
    await answer(page, 1);
    assert.deepEqual(results, [204, 204, 204, 4]);
});

test("a call that takes long is aborted for a newer one, but not two in a row", async () => {
    const page = openPage("latest", 1);
    await callAll(page, 1);
    page.clock.advance(2001);
    await callAll(page, 1);
    assert.equal(page.requests[0].init.signal.aborted, true);
    assert.equal(page.requests.length, 2);
    page.clock.advance(2001);
    await callAll(page, 1);
    assert.equal(page.requests[1].init.signal.aborted, false);
    assert.equal(page.requests.length, 2);
});

test("a queue makes the calls in their order, and drops the oldest that waits", async () => {
    const page = openPage("queue", 2);
    await callAll(page, 4);
    for (const number of [0, 1, 2]) {
        assert.equal(page.requests.length, number + 1);
        await answer(page, number);
    }
    const values = page.requests.map(({ calls }) => calls.inputs[0].value);
    assert.deepEqual(values, [1, 3, 4]);
    assert.deepEqual(page.shown, [1, 3]);
});

test("a call that is skipped has the answer of the one in progress", async () => {
    const page = openPage("skip", 1);
    const results = await callAll(page, 3);
    assert.equal(page.requests.length, 1);
    await answer(page, 0);
    assert.deepEqual(results, [204, 204, 1]);
    assert.deepEqual(page.shown, []);
});

test("answers of parallel calls are shown in the order of the calls", async () => {
    const page = openPage("parallel", 1);
    const results = await callAll(page, 3);
    await answer(page, 2);
    await answer(page, 1);
    assert.deepEqual(page.shown, []);
    await answer(page, 0);
    assert.deepEqual(page.shown, [1, 2]);
    assert.deepEqual(results, [204, 204, 3]);
});

test("an older answer that is no answer stops nothing", async () => {
    const page = openPage("queue", 5);
    await callAll(page, 2);
    page.requests[0].answer(new Response("<html>", { status: 200 }));
    await settle();
    assert.deepEqual([page.shown, page.requests.length], [[], 2]);
});

/** Makes a call that an interval triggered. */
const tick = (page, value) => page.call({ ...body("out.children", value), changedPropIds: ["clock.n_intervals"] });

test("a call of an interval is left out while the page is hidden, but not the answer of one in progress", async () => {
    for (const policy of [[], ["latest", 1], ["skip", 1], ["queue", 2], ["parallel", 1]]) {
        const page = openPage(...policy);
        page.document.hidden = true;
        assert.equal((await tick(page, 0)).status, 204);
        page.document.hidden = false;
        const first = tick(page, 1);
        await settle();
        page.document.hidden = true;
        const second = tick(page, 2);
        await settle();
        assert.equal(page.requests.length, 1);
        await answer(page, 0);
        assert.equal((await first).status, 204);
        assert.deepEqual(await (await second).json(), answerOf(1), "the renderer waits for the newest call");
    }
});

test("a page that is shown again has a tick of each interval that was left out", async () => {
    const page = openPage();
    page.add("clock", { n_intervals: 7 });
    page.document.hidden = true;
    await tick(page, 0);
    await tick(page, 1);
    page.document.hidden = false;
    page.fire("visibilitychange");
    assert.deepEqual(page.sets, [["clock", { n_intervals: 7 }]]);
});

test("a call whose connection is lost ends with a response, so that the renderer switches `running` off", async () => {
    const page = openPage();
    const sent = page.call(body("out.children", 1));
    await settle();
    page.last.fail(new TypeError("connection lost"));
    const lost = await sent;
    assert.deepEqual([lost.status, await lost.text()], [502, "Callback failed: the server did not respond."]);
    const cut = page.call(body("out.children", 1));
    await settle();
    const half = new ReadableStream({ start: (stream) => stream.error(new TypeError("connection lost")) });
    page.last.answer(new Response(half, { status: 200 }));
    assert.equal((await cut).status, 502);
});

test("a call that could not be sent is sent when the connection is back", async () => {
    const page = openPage();
    page.navigator.onLine = false;
    for (const value of [1, 2]) {
        const status = call(page, value);
        await settle();
        page.last.fail(new TypeError("offline"));
        assert.equal(await status, 204);
    }
    assert.match(page.document.getElementById("ferrodash-offline").text, /You are offline/);
    page.navigator.onLine = true;
    page.window.dispatchEvent(new Event("online"));
    await settle();
    assert.equal(page.requests.length, 3);
    await answer(page, 2);
    assert.deepEqual(page.shown, [2]);
    assert.equal(page.document.getElementById("ferrodash-offline"), undefined);
});

test("the answer of a call that was sent again never replaces a newer one", async () => {
    const page = openPage();
    page.navigator.onLine = false;
    const first = call(page, 1);
    await settle();
    page.last.fail(new TypeError("offline"));
    assert.equal(await first, 204);
    page.navigator.onLine = true;
    page.window.dispatchEvent(new Event("online"));
    await settle();
    const again = page.requests.length - 1;
    const second = call(page, 2);
    await settle();
    await answer(page, page.requests.length - 1);
    assert.deepEqual(await second, answerOf(2));
    await answer(page, again);
    assert.deepEqual(page.shown, []);
});

test("a call that the server refused for now is made again, at most three times", async () => {
    const page = openPage();
    const status = call(page, 1);
    await settle();
    for (let time = 0; time < 4; time += 1) {
        assert.equal(page.requests.length, time + 1);
        page.last.answer(new Response("", { status: 429, headers: { "Retry-After": "2" } }));
        await settle();
        page.clock.advance(1999);
        await settle();
        assert.equal(page.requests.length, time + 1, "the server says how long to wait");
        page.clock.advance(1001);
        await settle();
    }
    assert.equal(await status, 429);
});

test("the server says how long to wait as a number or a date, and no longer than a minute", async () => {
    const page = openPage();
    const refuse = async (header, seconds) => {
        page.last.answer(new Response("", { status: 429, headers: { "Retry-After": header } }));
        await settle();
        const { length } = page.requests;
        page.clock.advance(seconds * 1000 - 1);
        await settle();
        assert.equal(page.requests.length, length, header);
        page.clock.advance(seconds * 500 + 1); // A part of the time is at random.
        await settle();
        assert.equal(page.requests.length, length + 1, header);
    };
    call(page, 1);
    await settle();
    await refuse(new Date(page.clock.now + 5000).toUTCString(), 5);
    await refuse("86400", 60);
    await refuse("soon", 1);
});

test("a newer call does not wait until an older one that was refused would be made again", async () => {
    const page = openPage("latest", 1);
    const results = await callAll(page, 1);
    page.last.answer(new Response("", { status: 429, headers: { "Retry-After": "30" } }));
    await settle();
    page.call(body("out.children", 2)).then(({ status }) => results.push(status));
    await settle();
    assert.equal(page.requests.length, 2);
    await answer(page, 1);
    assert.deepEqual(results, [204, 200]);
    page.clock.advance(60000);
    await settle();
    assert.equal(page.requests.length, 2);
});

test("what depends on a callback is called, though newer calls of it go on coming", async () => {
    const page = openPage("latest", 1);
    const { getState } = page.window.store;
    const next = { output: "next.children", inputs: [{ id: "out", property: "children" }], state: [] };
    page.window.store.getState = () => ({ ...getState(), dependenciesRequest: { content: [next] } });
    const results = await callAll(page, 3);
    await answer(page, 0);
    assert.deepEqual([results, page.shown], [[204, 204, 1], []], "the newest ends with the answer of the oldest");
    await answer(page, 1);
    assert.deepEqual(page.shown, [3], "and its own answer is shown when it comes");
    const [later] = await callAll(page, 1);
    assert.equal(later, undefined);
    await answer(page, 2);
});

test("a page in the place of an answer ends the call", async () => {
    const page = openPage();
    const answered = call(page, 1);
    await settle();
    page.last.answer(new Response("<form>", { headers: { "Content-Type": "text/html" } }));
    assert.equal(await answered, 500);
});
