import assert from "node:assert/strict";
import { test } from "node:test";

import { addressOf, renameOutputs } from "../../browser/address.js";

const settings = { prefix: "/app/", build: "b1" };

const call = {
    output: "out.children",
    outputs: { id: "out", property: "children" },
    inputs: [
        { id: "a", property: "value", value: "x&y" },
        { id: "b", property: "data-fd-value-500", value: 3 },
    ],
    state: [{ id: "b", property: "value", value: { deep: [1, null] } }, { id: "c", property: "value" }],
    changedPropIds: ["a.value"],
};

const query = (callback, own = {}) => {
    const { pathname, searchParams } = new URL(
        addressOf(settings, { token: "t", arguments: [], ...callback }, { ...call, ...own }),
        "http://app.test",
    );
    assert.equal(pathname, "/app/_ferrodash/call/t");
    return Object.fromEntries(searchParams);
};

test("an address has the build and the arguments in their order", () => {
    assert.deepEqual(query({ arguments: ["s0", "i0"] }), { b: "b1", in: '[{"deep":[1,null]},"x&y"]' });
    assert.deepEqual(query({}), { b: "b1", in: "[]" });
});

test("values that are not set are distinguished from null", () => {
    assert.deepEqual(query({ arguments: ["s1", "i0", "s1"] }), { b: "b1", in: '[null,"x&y",null]', u: "0,2" });
});

test("an address has the trigger only if the answer depends on it", () => {
    assert.equal(query({ trigger: true }).t, '["a.value"]');
    assert.equal(query({ trigger: true }, { changedPropIds: undefined }).t, "[]");
    assert.equal(query({ trigger: false }).t, undefined);
});

test("an address of a callback with a pattern has all items, and no counts of carriers", () => {
    const { call: items, in: values } = query({ pattern: true, arguments: ["i0"] });
    assert.equal(values, undefined);
    const { outputs, state } = call;
    assert.deepEqual(JSON.parse(items), {
        outputs,
        inputs: [call.inputs[0], { ...call.inputs[1], value: 0 }],
        state: [state[0], { id: "c", property: "value" }],
    });
});

test("an answer names the outputs of the callback that was called", () => {
    const callback = {
        rename: [
            ["a", "children", "x", "children"],
            ["a", "style", "y", "style"],
            ["b", "children", "y", "children"],
        ],
    };
    const text = JSON.stringify({ multi: true, response: { a: { children: null, style: {} } }, sideUpdate: {} });
    assert.deepEqual(JSON.parse(renameOutputs(callback, text)), {
        multi: true,
        sideUpdate: {},
        response: { x: { children: null }, y: { style: {} } },
    });
    assert.equal(renameOutputs({}, text), text);
});
