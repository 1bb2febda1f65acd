import assert from "node:assert/strict";
import { test } from "node:test";

import { startPush } from "../../browser/push.js";
import { Page, settle } from "./page.js";

const settings = { prefix: "/app/", build: "b", push: true };
const changes = { seen: () => "e.1", isSilent: () => false, ask() {}, askSeldom() {}, spread() {} };

/** Runs the script of events in a page, as one of its files, with the connections that it opens. */
const listening = (t, navigator = {}) => {
    const { document, clock } = new Page();
    Object.assign(document, { hidden: false, readyState: "complete" });
    const opened = [];
    class EventSource {
        isOpen = true;

        constructor(address) {
            this.address = address;
            opened.push(this);
        }

        close() {
            this.isOpen = false;
        }
    }
    const globals = {
        document,
        navigator,
        window: { EventSource },
        EventSource,
        setTimeout: clock.setTimeout,
        clearTimeout: clock.clearTimeout,
    };
    for (const [name, value] of Object.entries(globals)) {
        const before = Object.getOwnPropertyDescriptor(globalThis, name);
        Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
        t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]));
    }
    startPush(settings, changes);
    const show = (isShown) => {
        document.hidden = !isShown;
        document.dispatchEvent(new Event("visibilitychange"));
    };
    return { clock, opened, show };
};

/** The Web Lock of a browser: one has it at a time, and the others wait in order. */
class Locks {
    isHeld = false;
    waiting = [];

    request(_name, { signal }, hold) {
        return new Promise((resolve, reject) => {
            signal?.addEventListener("abort", () => {
                this.waiting = this.waiting.filter((other) => other !== take);
                reject(signal.reason);
            });
            const take = () => {
                this.isHeld = true;
                hold().then(() => {
                    this.isHeld = false;
                    this.waiting.shift()?.();
                    resolve();
                });
            };
            this.isHeld ? this.waiting.push(take) : take();
        });
    }
}

for (const [name, createNavigator] of [
    ["with locks", () => ({ locks: new Locks() })],
    ["without locks", () => ({})],
]) {
    test(`a tab listens when it was shown for a while, ${name}`, (t) => {
        const { clock, opened } = listening(t, createNavigator());
        assert.deepEqual(opened, []);
        clock.advance(250);
        assert.deepEqual(
            opened.map(({ address, isOpen }) => [address, isOpen]),
            [["/app/_ferrodash/events?b=b&since=e.1", true]]
        );
    });

    test(`a tab that is shown for a moment opens no connection, ${name}`, (t) => {
        const { clock, opened, show } = listening(t, createNavigator());
        for (let moment = 0; moment < 10; moment += 1) {
            clock.advance(100);
            show(false);
            clock.advance(1000);
            show(true);
        }
        assert.deepEqual(opened, []);
        clock.advance(250);
        assert.equal(opened.length, 1);
    });

    test(`a tab that is hidden closes its connection, and opens another one when it is shown, ${name}`, async (t) => {
        const { clock, opened, show } = listening(t, createNavigator());
        clock.advance(250);
        show(false);
        await settle();
        clock.advance(60_000);
        show(true);
        clock.advance(250);
        assert.deepEqual(
            opened.map(({ isOpen }) => isOpen),
            [false, true]
        );
    });
}

test("a tab that is hidden leaves the lock to another one", async (t) => {
    const locks = new Locks();
    const { clock, show } = listening(t, { locks });
    clock.advance(250);
    assert.ok(locks.isHeld);
    show(false);
    await settle();
    assert.ok(!locks.isHeld);
});

test("a tab that waits for the lock opens a connection when it has it, and none once it is hidden", async (t) => {
    const locks = new Locks();
    let release;
    const other = locks.request("", {}, () => new Promise((resolve) => (release = resolve)));
    const { clock, opened, show } = listening(t, { locks });
    clock.advance(250);
    show(false);
    assert.deepEqual(locks.waiting, []);
    show(true);
    clock.advance(250);
    assert.deepEqual(opened, []);
    release();
    await other;
    assert.equal(opened.length, 1);
});
