import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, json, settle } from "./page.js";

const CARRIER = "data-fd-value-500";

/** A page whose field `text` is waited for until the page is hidden, with a renderer that records what is shown. */
const openPage = (own = {}) => {
    const gates = [{ name: "gate_0", property: "value", carrier: CARRIER, wait: 500, flush: "h" }];
    const page = new Page({ batch: undefined, client: {}, pure: [], overlap: {}, gates, ...own });
    page.field = page.add("text", { value: "" });
    page.add("out", { children: "" });
    page.shown = [];
    page.callback = {
        output: "out.children",
        inputs: [{ id: "text", property: CARRIER }],
        state: [{ id: "text", property: "value" }],
    };
    page.state = {
        callbacks: {},
        config: {
            fetch: { credentials: "same-origin", headers: { Accept: "application/json", Authorization: "Bearer t" } },
            csrf_token_name: "_csrf_token",
            csrf_header_name: "X-CSRFToken",
        },
        paths: { strs: { out: ["props"] }, objs: {} },
        dependenciesRequest: { content: [page.callback] },
    };
    page.window.store = {
        getState: () => page.state,
        dispatch: ({ payload }) => page.shown.push(payload[0].executionResult.data.out.children),
    };
    return page;
};

const type = (page, value) => {
    page.props("text").value = value;
    page.change("gate_0", "text.value");
};

const hide = async (page) => {
    page.document.hidden = true;
    page.fire("visibilitychange");
    await settle();
};

/** Makes the renderer's call for the present value. */
const callNow = async (page) => {
    const { value } = page.props("text");
    const response = page.call({
        output: "out.children",
        outputs: { id: "out", property: "children" },
        inputs: page.callback.inputs,
        state: [{ id: "text", property: "value", value }],
    });
    await settle();
    return { status: response.then(({ status }) => status) };
};

const answer = async (request) => {
    const children = request.calls.state[0].value;
    request.answer(json({ multi: true, response: { out: { children } } }));
    await settle();
};

test("what is held back is called when the page is hidden, and the answer is shown", async () => {
    const page = openPage();
    type(page, "a");
    await hide(page);
    const { output, outputs, state, changedPropIds } = page.last.calls;
    assert.deepEqual([output, changedPropIds], ["out.children", ["text." + CARRIER]]);
    assert.deepEqual(outputs, { id: "out", property: "children" });
    assert.deepEqual(state, [{ id: "text", property: "value", value: "a" }]);
    await answer(page.last);
    assert.deepEqual(page.shown, ["a"]);
});

test("the script makes its calls with the headers of the renderer", async () => {
    const page = openPage();
    page.document.cookie = "a=_csrf_token=1; _csrf_token=12%3D; b_csrf_token=3";
    type(page, "a");
    await hide(page);
    const { Accept, Authorization, "X-CSRFToken": token } = page.last.headers;
    assert.deepEqual([Accept, Authorization, token], ["application/json", "Bearer t", "12="]);
    assert.deepEqual([page.last.method, page.last.init.credentials], ["POST", "same-origin"]);
});

test("only calls that the browser would not refuse outlive the page", async () => {
    const page = openPage();
    const send = async (value) => {
        type(page, value);
        await hide(page);
        return page.last.init.keepalive;
    };
    assert.equal(await send("ü".repeat(32 << 10)), false, "it is larger in bytes than in characters");
    assert.equal(await send("ü".repeat(30 << 10)), true);
    assert.equal(await send("x".repeat(30 << 10)), false, "what is in progress counts too");
    await answer(page.requests[1]);
    assert.equal(await send("y".repeat(30 << 10)), true);
});

test("the answer of a call that the script made never replaces a newer one", async () => {
    const page = openPage();
    type(page, "a");
    await hide(page);
    const made = page.last;
    type(page, "ab");
    const { status } = await callNow(page);
    await answer(page.last);
    assert.equal(await status, 200);
    await answer(made);
    assert.deepEqual(page.shown, []);
});

test("an older answer never replaces that of a call that the script made", async () => {
    const page = openPage();
    const { status } = await callNow(page);
    const older = page.last;
    type(page, "a");
    await hide(page);
    await answer(page.last);
    assert.deepEqual(page.shown, ["a"]);
    await answer(older);
    assert.equal(await status, 204, "the renderer shows nothing new");
    assert.deepEqual(page.shown, ["a"]);
});

test("a call that could not be sent is not sent any more after a newer one that the script made", async () => {
    const page = openPage();
    page.navigator.onLine = false;
    await callNow(page);
    page.last.fail(new TypeError("offline"));
    await settle();
    page.navigator.onLine = true;
    type(page, "a");
    await hide(page);
    assert.equal(page.requests.length, 2);
    page.window.dispatchEvent(new Event("online"));
    await settle();
    assert.equal(page.requests.length, 2);
});
