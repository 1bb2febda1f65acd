import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, kept, settle } from "./page.js";

const plain = { batch: undefined, client: {} };

test("the script defines what the renderer uses, and nothing else", () => {
    const page = new Page({}, ({ window }) => delete window.dash_clientside);
    const { fetch, dash_clientside, ...others } = page.window;
    assert.deepEqual(Object.keys(others).sort(), [
        "AbortController",
        "TextDecoderStream",
        "dash_component_api",
        "ferrodash",
        "ferrodashIsBatched",
        "ferrodashSearches",
    ]);
    assert.deepEqual(Object.keys(dash_clientside), ["ferrodash"]);
    assert.deepEqual(Object.keys(dash_clientside.ferrodash), ["gate_0", "gate_1", "sent"]);
    assert.equal(fetch.length, 2);
});

test("requests that are no calls of the app go through untouched", () => {
    const page = new Page(plain);
    const content = { method: "POST", body: JSON.stringify(body("a.b", 1)) };
    const requests = [
        ["/app/_dash-layout"],
        ["/app/_dash-update-component", { method: "GET" }],
        ["/app/_dash-update-component", { method: "POST", body: new FormData() }],
        ["/_dash-update-component", content],
        ["http://other.test/app/_dash-update-component", content],
        ["/app/_dash-update-component?cacheKey=k", content],
        ["/app/_dash-update-component?job=1", content],
        ["/app/_dash-update-component?a=1&oldJob=1", content],
        ["/app/_dash-update-component?a=1&cancelJob=1", content],
        [new URL("http://app.test/app/_dash-update-component"), content],
    ];
    requests.forEach((request) => page.window.fetch(...request));
    page.requests.forEach(({ url, init }, index) => {
        assert.equal(url, requests[index][0]);
        assert.equal(init, requests[index][1]);
    });
    assert.equal(page.requests.length, requests.length);
});

test("fetch keeps its receiver", () => {
    const receivers = [];
    const page = new Page(plain, ({ window }) => {
        window.fetch = function () {
            receivers.push(this);
        };
    });
    const { fetch } = page.window;
    const own = {};
    fetch("/app/_dash-layout");
    fetch.call(own, "/app/_dash-layout");
    assert.deepEqual(
        receivers.map((receiver) => [receiver === page.window, receiver === own]),
        [[true, false], [false, true]],
    );
});

test("a call is sent, answered and reported", async () => {
    const page = new Page(plain);
    const answer = page.call(body("a.b", 1), { credentials: "same-origin" });
    await settle();
    assert.deepEqual([page.last.url, page.last.calls], ["/app/_dash-update-component", body("a.b", 1)]);
    assert.equal(page.last.init.credentials, "same-origin");
    page.last.answer(json({ n: 1 }));
    assert.deepEqual(await (await answer).json(), { n: 1 });
    assert.deepEqual(page.sources, ["server"]);
});

const refusal = (page) => page.document.getElementById("ferrodash-refused");

test("a call that is too large is not sent, and a notice says so", async () => {
    const page = new Page(plain);
    const response = await page.call(body("a.b", "x".repeat(5000)));
    assert.deepEqual([response.status, page.requests.length, page.events], [413, 0, []]);
    assert.match(refusal(page).text, /too large to send/);
    refusal(page).press("Dismiss");
    assert.equal(refusal(page), undefined);
});

test("the same notice comes for a call that a server refuses, once at a time", async () => {
    const client = { "a.b": { token: "t", arguments: ["i0"] } };
    for (const settings of [plain, { ...plain, client }]) {
        const page = new Page(settings);
        for (let attempt = 0; attempt < 2; attempt += 1) {
            const answer = page.call(body("a.b", 1));
            await settle();
            page.last.answer(new Response("", { status: 413 }));
            assert.equal((await answer).status, 413);
        }
        assert.equal(page.document.body.children.filter(({ id }) => id === "ferrodash-refused").length, 1);
    }
});

test("charts do not offer to upload themselves, whenever plotly.js comes", () => {
    const plotly = () => ({ setPlotConfig: (config) => set.push(config) });
    const set = [];
    const early = new Page({ cloud: false }, ({ window }) => (window.Plotly = plotly()));
    assert.deepEqual(set.splice(0), [{ showSendToCloud: false }]);
    assert.ok(early.window.Plotly.setPlotConfig);
    const late = new Page({ cloud: false });
    const value = plotly();
    late.window.Plotly = value;
    assert.deepEqual([set.splice(0), late.window.Plotly], [[{ showSendToCloud: false }], value]);
    late.window.Plotly = undefined;
    new Page({ cloud: true }, ({ window }) => (window.Plotly = plotly()));
    assert.deepEqual(set, []);
});

test("a body that is no text goes through untouched, as those that Dash compresses", async () => {
    const page = new Page({});
    const blob = new Blob(["compressed"]);
    const response = page.window.fetch("/app/_dash-update-component", { method: "POST", body: blob });
    await settle();
    assert.deepEqual([page.requests.length, page.last.init.body, page.last.method], [1, blob, "POST"]);
    const answer = kept({});
    page.last.answer(answer);
    assert.equal(await response, answer);
    page.window.fetch("/app/_dash-update-component", { method: "POST", body: blob });
    await settle();
    assert.equal(page.requests.length, 2, "its answer was not kept");
});
