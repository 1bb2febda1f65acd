import assert from "node:assert/strict";
import { test } from "node:test";

import { Page, body, json, settle } from "./page.js";

const plain = { batch: undefined, client: {} };

const other = (status = 200) => new Response("{}", { status, headers: { "X-Ferrodash-Build": "b2" } });

/** A call that is answered with this response. */
const callAnswered = async (page, response) => {
    const answer = page.call(body("text.children", 1));
    await settle();
    page.last.answer(response);
    return answer;
};

const notice = (page) => page.document.getElementById("ferrodash-stale");

test("each call names the build and the page, and keeps its own headers", async () => {
    const page = new Page(plain);
    await callAnswered(page, json({}));
    await callAnswered(page, json({}));
    const [first, second] = page.requests.map(({ headers }) => headers);
    assert.deepEqual([first["X-Ferrodash-Build"], first["Content-Type"]], ["b1", "application/json"]);
    assert.match(first["X-Ferrodash-Page"], /^\d+-\d+-\d+-\d+$/);
    assert.equal(first["X-Ferrodash-Page"], second["X-Ferrodash-Page"]);
    assert.notEqual(first["X-Ferrodash-Page"], await nameOfAnotherPage());
    assert.equal(notice(page), undefined);
});

const nameOfAnotherPage = async () => {
    const page = new Page(plain);
    await callAnswered(page, json({}));
    return page.last.headers["X-Ferrodash-Page"];
};

test("an answer of another build shows a notice that can reload the page", async () => {
    const page = new Page(plain);
    await callAnswered(page, other());
    const box = notice(page);
    assert.equal(box.text, "A new version of this app is available.");
    assert.equal(box.attributes.role, "status");
    assert.equal(page.reloads, 0);
    box.press("Reload");
    assert.equal(page.reloads, 1);
    assert.deepEqual(page.events[0], ["stale", { build: "b2", refused: false }]);
});

test("a notice that was dismissed does not come back; the event comes each time", async () => {
    const page = new Page(plain);
    await callAnswered(page, other());
    notice(page).press("Dismiss");
    await callAnswered(page, other());
    assert.equal(notice(page), undefined);
    assert.equal(page.events.filter(([name]) => name === "stale").length, 2);
});

test("a page that is refused reloads itself once for its build", async () => {
    const page = new Page(plain);
    await callAnswered(page, other(410));
    await callAnswered(page, other(410));
    assert.equal(page.reloads, 1);
    assert.deepEqual(page.events[0], ["stale", { build: "b2", refused: true }]);

    const again = new Page(plain, (next) => (next.storage = page.storage));
    await callAnswered(again, other(410));
    assert.equal(again.reloads, 0, "the same build was loaded again");

    const newer = new Page({ ...plain, build: "b3" }, (next) => (next.storage = page.storage));
    await callAnswered(newer, other(410));
    assert.equal(newer.reloads, 1);
});

test("a page does not reload itself unless the app wants it and the page can remember it", async () => {
    const unwanted = new Page({ ...plain, reload: undefined });
    await callAnswered(unwanted, other(410));
    const forgetful = new Page(plain, (page) => {
        page.storage = new Proxy({}, { set: () => false });
    });
    await callAnswered(forgetful, other(410));
    const answered = new Page(plain);
    await callAnswered(answered, other());
    assert.deepEqual([unwanted.reloads, forgetful.reloads, answered.reloads], [0, 0, 0]);
    assert.ok(notice(unwanted) && notice(forgetful));
});

test("a 410 that names no build is an answer like any other", async () => {
    const page = new Page(plain);
    const { status } = await callAnswered(page, new Response("", { status: 410 }));
    assert.deepEqual([status, page.reloads, notice(page)], [410, 0, undefined]);
});
