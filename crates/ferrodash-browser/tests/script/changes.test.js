import assert from "node:assert/strict";
import { test } from "node:test";

import { merge } from "../../browser/changes.js";

const known = { era: "e", moment: 3, floor: 1, marks: { rows: 2 }, scopes: ["alice"] };

test("news add their moment to what was invalidated", () => {
    const merged = merge(known, { seen: "e.5", changed: ["rows", "users"] });
    assert.deepEqual(merged, { era: "e", moment: 5, floor: 1, marks: { rows: 5, users: 5 }, scopes: ["alice"] });
    assert.deepEqual(known.marks, { rows: 2 });
});

test("news that come late take nothing back", () => {
    const merged = merge(known, { seen: "e.1", changed: ["rows", "users"] });
    assert.deepEqual(merged, { era: "e", moment: 3, floor: 1, marks: { rows: 2, users: 1 }, scopes: ["alice"] });
});

test("if it is not known what was invalidated, everything has to be compared", () => {
    const merged = merge(known, { seen: "e.5", changed: null, scopes: ["bob"] });
    assert.deepEqual(merged, { era: "e", moment: 5, floor: 5, marks: {}, scopes: ["bob"] });
});

test("another history knows nothing of the one before", () => {
    const merged = merge(known, { seen: "f.2", changed: [] });
    assert.deepEqual(merged, { era: "f", moment: 2, floor: 2, marks: {}, scopes: ["alice"] });
});

test("what is remembered is bounded", () => {
    const many = Array.from({ length: 1001 }, (_, number) => "tag" + number);
    const merged = merge(known, { seen: "e.5", changed: many });
    assert.deepEqual([merged.floor, Object.keys(merged.marks).length], [5, 0]);
});
