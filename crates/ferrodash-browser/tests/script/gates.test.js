import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body } from "./page.js";

const CARRIER = "data-fd-value-500";

test("a gate sets the carrier once the property has been still for the wait", () => {
    const page = new Page();
    page.add("text");
    page.change("gate_0", "text.value");
    page.clock.advance(499);
    page.change("gate_0", "text.value");
    page.clock.advance(499);
    assert.deepEqual(page.sets, []);
    page.clock.advance(1);
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }]]);
});

/** A page that has called a callback with the value `a` of the field `text`. */
const openSent = () => {
    const page = new Page();
    page.field = page.add("text", { value: "a" });
    const content = body("row.children", 0);
    content.inputs = [{ id: "text", property: CARRIER }];
    content.state = [{ id: "text", property: "value", value: "a" }];
    page.call(content);
    return page;
};

test("a component that comes back has sent nothing yet", () => {
    const page = openSent();
    page.field.remove();
    page.add("text", { value: "a" });
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }]]);
});

test("a value that the last call had passes no more", () => {
    const page = openSent();
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.deepEqual(page.sets, []);
    page.props("text").value = "b";
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }]]);
});

test("a throttle passes the first change, one in each interval, and the last", () => {
    const page = new Page();
    page.add("text");
    const times = [];
    const { set_props } = page.window.dash_clientside;
    const start = page.clock.now;
    page.window.dash_clientside.set_props = (...all) => {
        times.push(page.clock.now - start);
        set_props(...all);
    };
    for (let change = 0; change < 10; change += 1) {
        page.change("gate_1", "text.value");
        page.clock.advance(50);
    }
    page.clock.advance(1000);
    assert.deepEqual(times, [0, 200, 400, 600]);
});

test("a call of the callback ends the wait of its own carrier", () => {
    const page = new Page();
    page.add("text");
    const carrier = "data-fd-value-200-200-l-own";
    page.change("gate_1", "text.value");
    page.change("gate_1", "text.value");
    assert.equal(page.sets.length, 1);
    page.window.dash_clientside.ferrodash.sent({ inputs_list: [{ id: "text", property: carrier }], states_list: [] });
    page.clock.advance(1000);
    assert.equal(page.sets.length, 1);
});

test("a change by a callback passes at once", () => {
    const page = new Page();
    page.add("text");
    const change = { changedProps: { value: "filled" }, renderType: "callback" };
    const paths = { strs: { text: ["props", "children"] }, objs: {} };
    const state = { paths, layoutHashes: { "props,children": change }, history: { present: "typed" } };
    page.window.store = { getState: () => state };
    page.change("gate_0", "text.value");
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }]]);
    change.renderType = "internal";
    page.change("gate_0", "text.value");
    assert.equal(page.sets.length, 1);
});

test("nothing passes while a word is composed", () => {
    const page = new Page();
    const field = page.add("text");
    page.fire("compositionstart", field);
    page.change("gate_0", "text.value");
    page.clock.advance(5000);
    assert.deepEqual(page.sets, []);
    page.fire("compositionend", field);
    page.clock.advance(0);
    page.clock.advance(499);
    assert.deepEqual(page.sets, []);
    page.clock.advance(1);
    assert.equal(page.sets.length, 1);
});

test("a focus that stays in the component does not end the wait", () => {
    const page = new Page();
    const list = page.add("text");
    const [first, second] = [1, 2].map(() => list.appendChild(page.document.createElement()));
    page.change("gate_0", "text.value");
    page.leave(first);
    page.document.activeElement = second;
    page.clock.advance(0);
    assert.deepEqual(page.sets, []);
    page.document.activeElement = null;
    page.leave(second);
    page.clock.advance(0);
    assert.equal(page.sets.length, 1);
});

test("enter ends the wait, except in a field of several lines", () => {
    const page = new Page();
    const field = page.add("text");
    page.change("gate_0", "text.value");
    field.tagName = "TEXTAREA";
    page.fire("keydown", field, { key: "Enter" });
    page.clock.advance(0);
    assert.deepEqual(page.sets, []);
    field.tagName = "INPUT";
    page.fire("keydown", field, { key: "Enter" });
    page.clock.advance(0);
    assert.equal(page.sets.length, 1);
});

test("each component that matches a pattern has its own wait", () => {
    const page = new Page();
    const ids = [1, 2].map((row) => ({ row, type: "cell.a" }));
    ids.forEach((id) => page.add(id));
    page.change("gate_0", JSON.stringify(ids[0]) + ".value");
    page.clock.advance(300);
    page.change("gate_0", JSON.stringify(ids[1]) + ".value");
    page.clock.advance(200);
    assert.deepEqual(page.sets, [[ids[0], { [CARRIER]: 1 }]]);
    page.clock.advance(300);
    assert.deepEqual(page.sets.slice(1), [[ids[1], { [CARRIER]: 1 }]]);
});

test("nothing is set for a component that is gone", () => {
    const page = new Page();
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    // For some components that are gone the renderer returns the whole layout.
    page.window.dash_component_api.getLayout = () => ({ components: {} });
    page.change("gate_0", "text.value");
    page.clock.advance(500);
    assert.deepEqual(page.sets, []);
});

test("leaving a field ends its wait, once and for this field only", () => {
    const page = new Page();
    const field = page.add("text");
    const inner = field.appendChild(page.document.createElement());
    page.add("other");
    page.change("gate_0", "text.value", "other.value");
    page.leave(inner);
    assert.deepEqual(page.sets, [], "the component's own handler comes first");
    page.clock.advance(0);
    assert.deepEqual(page.sets, [["text", { [CARRIER]: 1 }]]);
    page.clock.advance(500);
    assert.deepEqual(page.sets.slice(1), [["other", { [CARRIER]: 1 }]]);
});

test("a field that is left twice at once ends its wait once", () => {
    const page = new Page();
    const field = page.add("text");
    page.change("gate_0", "text.value");
    page.leave(field);
    page.leave(field);
    page.clock.advance(1000);
    assert.equal(page.sets.length, 1);
});

test("functions of the app under window.dash_clientside stay", () => {
    const page = new Page({}, ({ window }) => {
        window.dash_clientside.ferrodash = { own: () => "own" };
        window.dash_clientside.app = { own: () => "app" };
    });
    const { app, ferrodash } = page.window.dash_clientside;
    assert.deepEqual([app.own(), ferrodash.own(), Object.keys(ferrodash)], ["app", "own", ["own", "gate_0", "gate_1", "sent"]]);
});
