import assert from "node:assert/strict";
import { test } from "node:test";

import { startPush } from "../../browser/push.js";
import { Page } from "./page.js";

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

/** Locks of a browser in which no other tab has one. */
const locks = () => ({ request: (_, { signal }, hold) => (signal.aborted ? Promise.reject(signal.reason) : hold()) });

for (const [name, navigator] of [
    ["with locks", { locks: locks() }],
    ["without locks", {}],
]) {
    test(`a tab listens when it was shown for a while, ${name}`, (t) => {
        const { clock, opened } = listening(t, navigator);
        assert.deepEqual(opened, []);
        clock.advance(250);
        assert.deepEqual(
            opened.map(({ address, isOpen }) => [address, isOpen]),
            [["/app/_ferrodash/events?b=b&since=e.1", true]]
        );
    });

    test(`a tab that is shown for a moment opens no connection, ${name}`, (t) => {
        const { clock, opened, show } = listening(t, navigator);
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

    test(`a tab that is hidden closes its connection, and opens another one when it is shown, ${name}`, (t) => {
        const { clock, opened, show } = listening(t, navigator);
        clock.advance(250);
        show(false);
        clock.advance(60_000);
        show(true);
        clock.advance(250);
        assert.deepEqual(
            opened.map(({ isOpen }) => isOpen),
            [false, true]
        );
    });
}
