import assert from "node:assert/strict";
import { test } from "node:test";

import { Page } from "./page.js";

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

test("each time the carrier has another value", () => {
    const page = new Page();
    page.add("text");
    for (let change = 0; change < 2; change += 1) {
        page.change("gate_0", "text.value");
        page.clock.advance(500);
    }
    assert.deepEqual(page.sets, [
        ["text", { [CARRIER]: 1 }],
        ["text", { [CARRIER]: 2 }],
    ]);
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
    assert.deepEqual(page.sets.slice(1), [[ids[1], { [CARRIER]: 2 }]]);
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
    assert.deepEqual(page.sets.slice(1), [["other", { [CARRIER]: 2 }]]);
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
    assert.deepEqual([app.own(), ferrodash.own(), Object.keys(ferrodash)], ["app", "own", ["own", "gate_0"]]);
});
