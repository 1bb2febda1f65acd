import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, settle } from "./page.js";

/** A page whose app offers to sign in, and counts how often it was asked. */
const openPage = (overlap = {}) => {
    const page = new Page({ batch: undefined, client: {}, pure: [], overlap });
    page.asked = [];
    page.document.addEventListener("ferrodash:login", ({ detail }) => {
        detail.wait(new Promise((resolve, reject) => page.asked.push({ signIn: resolve, cancel: reject })));
    });
    return page;
};

const call = async (page, output, value = 0) => {
    const answer = page.call(body(output, value)).then(({ status }) => status);
    await settle();
    return { status: answer, request: page.last };
};

const respond = async ({ request }, status) => {
    request.answer(status === 200 ? json({}) : new Response("", { status }));
    await settle();
};

test("a call that is refused for want of a session is made again after the sign-in", async () => {
    const page = openPage();
    const first = await call(page, "a.children");
    await respond(first, 401);
    const second = await call(page, "b.children");
    assert.equal(page.requests.length, 1, "calls wait for the sign-in");
    page.asked[0].signIn();
    await settle();
    assert.equal(page.requests.length, 3);
    page.requests.slice(1).forEach((request) => request.answer(json({})));
    assert.deepEqual([await first.status, await second.status, page.asked.length], [200, 200, 1]);
});

test("a sign-in that was cancelled is not asked for again by the calls that waited for it", async () => {
    const page = openPage();
    const sent = [await call(page, "a.children"), await call(page, "b.children"), await call(page, "c.children")];
    await respond(sent[0], 401);
    await respond(sent[1], 401);
    const waiting = await call(page, "d.children");
    page.asked[0].cancel(new Error("cancelled"));
    await settle();
    await respond(sent[2], 401);
    const all = [...sent, waiting].map(({ status }) => status);
    assert.deepEqual(await Promise.all(all), [401, 401, 401, 401]);
    assert.deepEqual([page.asked.length, page.requests.length], [1, 3]);
    await respond(await call(page, "a.children"), 401);
    assert.equal(page.asked.length, 2, "a new call asks again");
});

test("a call that was sent before the sign-in is made again without another one", async () => {
    const page = openPage();
    const first = await call(page, "a.children");
    const slow = await call(page, "b.children");
    await respond(first, 401);
    page.asked[0].signIn();
    await settle();
    await respond({ request: page.last }, 200);
    await respond(slow, 401);
    assert.equal(page.asked.length, 1);
    await respond({ request: page.last }, 200);
    assert.equal(await slow.status, 200);
});

test("a sign-in that does not help is asked for once", async () => {
    const page = openPage();
    const first = await call(page, "a.children");
    await respond(first, 401);
    page.asked[0].signIn();
    await settle();
    await respond({ request: page.last }, 401);
    assert.deepEqual([await first.status, page.asked.length, page.requests.length], [401, 1, 2]);
});

test("of the calls that wait for the sign-in only those are made that are still wanted", async () => {
    const page = openPage();
    await respond(await call(page, "other.children"), 401);
    for (const value of [1, 2, 3]) {
        await call(page, "a.children", value);
    }
    page.asked[0].signIn();
    await settle();
    const made = page.requests.map(({ calls }) => calls).filter(({ output }) => output === "a.children");
    assert.deepEqual(made.map(({ inputs }) => inputs[0].value), [3]);
});
