import assert from "node:assert/strict";
import { test } from "node:test";

import { createAnswers, expiryOf } from "../../browser/answers.js";

const later = () => Date.now() + 60_000;

test("an answer is kept until it expires", () => {
    const answers = createAnswers();
    answers.keep("a", "1", later());
    answers.keep("b", "2", Date.now());
    assert.deepEqual([answers.find("a"), answers.find("b"), answers.find("c")], ["1", undefined, undefined]);
    answers.keep("a", "3", later());
    assert.equal(answers.find("a"), "3");
    answers.keep("a", "4", 0);
    assert.equal(answers.find("a"), undefined, "what is not to be kept takes the place of an older answer");
});

test("of more than 200 answers those stay that were used last", () => {
    const answers = createAnswers();
    for (let key = 0; key < 200; key += 1) {
        answers.keep(String(key), "x", later());
    }
    answers.find("0");
    answers.keep("new", "x", later());
    assert.deepEqual([answers.find("0"), answers.find("1"), answers.find("2")], ["x", undefined, "x"]);
});

test("answers have 16 Mi characters together, and one has a quarter of them", () => {
    const answers = createAnswers();
    const quarter = "x".repeat(4 << 20);
    answers.keep("larger", quarter + "x", later());
    assert.equal(answers.find("larger"), undefined);
    for (const key of ["a", "b", "c", "d", "d", "e"]) {
        answers.keep(key, quarter, later());
    }
    const isKept = ["a", "b", "c", "d", "e"].map((key) => answers.find(key) !== undefined);
    assert.deepEqual(isKept, [false, true, true, true, true]);
});

test("an answer expires when the browser's own copy does", (t) => {
    t.mock.method(Date, "now", () => Date.parse("2026-01-01T12:00:00Z"));
    const expiry = (cacheControl, date) => {
        const headers = new Headers();
        cacheControl && headers.set("Cache-Control", cacheControl);
        date && headers.set("Date", date);
        const time = expiryOf(headers);
        return time && new Date(time).toISOString().slice(11, 19);
    };
    assert.equal(expiry("private, max-age=60"), "12:01:00");
    assert.equal(expiry("private, max-age=60", "Thu, 01 Jan 2026 11:59:30 GMT"), "12:00:30");
    assert.equal(expiry("max-age=60", "Thu, 01 Jan 2026 13:00:00 GMT"), "12:01:00", "a clock that is ahead");
    assert.equal(expiry("no-store"), 0);
    assert.equal(expiry(), 0);
});
