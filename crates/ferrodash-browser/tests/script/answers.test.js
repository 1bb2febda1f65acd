import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswers } from "../../browser/answers.js";

const entry = (text, scope) => ({ text, scope, at: 0, fresh: 0, stale: 0, error: 0, on: [], era: "e", moment: 1 });

const textOf = (found) => found && found.text;

test("an answer is kept until another one takes its place", () => {
    const answers = createAnswers();
    answers.keep("a", entry("1"));
    assert.deepEqual([textOf(answers.find("a")), answers.find("b")], ["1", undefined]);
    answers.keep("a", entry("2"));
    assert.equal(textOf(answers.find("a")), "2");
});

test("of more than 200 answers those stay that were used last", () => {
    const answers = createAnswers();
    for (let key = 0; key < 200; key += 1) {
        answers.keep(String(key), entry("x"));
    }
    answers.find("0");
    answers.keep("new", entry("x"));
    assert.deepEqual(["0", "1", "2"].map((key) => textOf(answers.find(key))), ["x", undefined, "x"]);
});

test("answers have 16 million characters together, and one has a quarter of them", () => {
    const answers = createAnswers();
    const quarter = "x".repeat(4e6);
    answers.keep("larger", entry(quarter + "x"));
    assert.equal(answers.find("larger"), undefined);
    for (const key of ["a", "b", "c", "d", "d", "e"]) {
        answers.keep(key, entry(quarter));
    }
    const isKept = ["a", "b", "c", "d", "e"].map((key) => answers.find(key) !== undefined);
    assert.deepEqual(isKept, [false, true, true, true, true]);
});

test("what was made for somebody else is dropped", () => {
    const answers = createAnswers();
    answers.keep("all", entry("1"));
    answers.keep("alice", entry("2", "alice"));
    answers.keep("bob", entry("3", "bob"));
    answers.keepScopes(["bob"]);
    assert.deepEqual(["all", "alice", "bob"].map((key) => textOf(answers.find(key))), ["1", undefined, "3"]);
});
