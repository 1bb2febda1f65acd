// A page made by hand: as much of a browser as the script uses, with a clock and a network that the test controls. The
// script in it is the one that is served: the file named by FERRODASH_SCRIPT, or another one beside it.

import { readFileSync } from "node:fs";
import { webcrypto } from "node:crypto";
import { dirname, join } from "node:path";
import { compileFunction } from "node:vm";

const settings = JSON.parse(readFileSync(new URL("settings.json", import.meta.url), "utf8"));

const path = process.env.FERRODASH_SCRIPT;
if (!path) {
    throw new Error("FERRODASH_SCRIPT does not name the script; run: scripts/test script");
}

/** Node has this event of browsers from version 19 on. */
const CustomEvent =
    globalThis.CustomEvent ??
    class extends Event {
        constructor(type, { detail = null, ...options } = {}) {
            super(type, options);
            this.detail = detail;
        }
    };

/** Lets everything happen that waits for no clock and no network. */
export const settle = async () => {
    for (let turn = 0; turn < 5; turn += 1) {
        await new Promise((resolve) => setImmediate(resolve));
    }
};

export const json = (value, headers = {}) =>
    new Response(JSON.stringify(value), { headers: { "Content-Type": "application/json", ...headers } });

/** An answer that is fresh for a minute, and depends on the tag `rows`. */
export const kept = (value, headers = {}, keep = {}) =>
    json(value, { "X-Ferrodash-Keep": JSON.stringify({ fresh: 60_000, on: ["all", "rows"], ...keep }), ...headers });

/** The body of a call of a callback with one output and one input. */
export const body = (output, value) => {
    const [id, property] = output.split(".");
    return {
        output,
        outputs: { id, property },
        inputs: [{ id: "in", property: "value", value }],
        state: [],
        changedPropIds: ["in.value"],
    };
};

class Element {
    children = [];
    style = {};
    attributes = {};

    constructor(id = "") {
        this.id = id;
    }

    get text() {
        return this.children.filter((child) => typeof child === "string").join("");
    }

    appendChild(child) {
        child.parent = this;
        this.children.push(child);
        return child;
    }

    append(text) {
        this.children.push(text);
    }

    remove() {
        this.parent.children = this.parent.children.filter((child) => child !== this);
    }

    setAttribute(name, value) {
        this.attributes[name] = value;
    }

    contains(other) {
        return this === other || this.children.some((child) => child instanceof Element && child.contains(other));
    }

    find(id) {
        const inner = this.children.filter((child) => child instanceof Element);
        return this.id === id ? this : inner.map((child) => child.find(id)).find(Boolean);
    }

    /** Clicks the button with this text. */
    press(text) {
        this.children.find((child) => child instanceof Element && child.text === text).onclick();
    }
}

/** A clock that stands still until it is advanced. */
class Clock {
    now = Date.parse("2026-01-01T00:00:00Z");
    timers = new Map();
    last = 0;

    setTimeout = (act, wait = 0, ...values) => {
        this.last += 1;
        this.timers.set(this.last, { at: this.now + wait, act: () => act(...values) });
        return this.last;
    };

    clearTimeout = (timer) => this.timers.delete(timer);

    advance(milliseconds) {
        const end = this.now + milliseconds;
        const next = () => [...this.timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0];
        for (let due; (due = next()); ) {
            const [timer, { at, act }] = due;
            this.timers.delete(timer);
            this.now = at;
            act();
        }
        this.now = end;
    }
}

class Channel {
    port1 = {};
    port2 = { postMessage: () => setImmediate(() => this.port1.onmessage()) };
}

/** A request that the page sent, which the test answers. */
class Request {
    constructor(url, init, resolve, reject) {
        Object.assign(this, { url, init, resolve, fail: reject, method: init?.method, headers: init?.headers });
    }

    get calls() {
        return JSON.parse(this.init.body);
    }

    get query() {
        return Object.fromEntries(new URL(this.url, "http://app.test").searchParams);
    }

    answer(response) {
        Object.defineProperty(response, "url", { value: this.url });
        this.resolve(response);
    }
}

export class Page {
    clock = new Clock();
    /** The requests in the order in which they were sent. */
    requests = [];
    /** What the server tells of changes, which it is asked first. */
    news = { seen: "e.1", changed: [], scopes: ["alice"] };
    /** The events of the script: name and detail. */
    events = [];
    /** What was set through `set_props`. */
    sets = [];
    reloads = 0;
    storage = {};
    localStorage = {};
    /** The properties of the components in the layout, by their ids as JSON. */
    layout = new Map();
    document = Object.assign(new EventTarget(), {
        body: new Element(),
        documentElement: new Element(),
        cookie: "",
        createElement: () => new Element(),
        getElementById: (id) => (id === "_ferrodash-config" ? this.config : this.document.body.find(id)),
    });
    navigator = { onLine: true };
    window = Object.assign(new EventTarget(), {
        TextDecoderStream,
        AbortController,
        dash_clientside: {
            callback_context: {},
            set_props: (id, properties) => this.sets.push([id, properties]),
        },
        dash_component_api: {
            getLayout: (id) => {
                if (!this.layout.has(JSON.stringify(id))) {
                    throw new Error("no such component");
                }
                return { namespace: "dash_core_components", props: this.layout.get(JSON.stringify(id)) };
            },
        },
        fetch: (url, init) =>
            /_ferrodash.changes/.test(url)
                ? Promise.resolve(this.news ? json(this.news) : new Response("", { status: 404 }))
                : new Promise((resolve, reject) => this.requests.push(new Request(url, init, resolve, reject))),
    });

    /**
     * Loads the page with the settings of `settings.json`, except for those that are given, and with the script in this
     * file of the folder that has the usual one.
     */
    constructor(own = {}, prepare = () => {}, file = undefined) {
        this.config = { textContent: JSON.stringify({ ...settings, ...own }) };
        for (const name of ["answer", "stale"]) {
            this.document.addEventListener("ferrodash:" + name, ({ detail }) => this.events.push([name, detail]));
        }
        prepare(this);
        const globals = this.globals();
        const filename = file ? join(dirname(path), file) : path;
        const script = readFileSync(filename, "utf8");
        compileFunction(script, Object.keys(globals), { filename })(...Object.values(globals));
    }

    globals() {
        const page = this;
        const { clock } = page;
        return {
            window: page.window,
            document: page.document,
            location: {
                href: "http://app.test/app/",
                origin: "http://app.test",
                reload: () => (page.reloads += 1),
            },
            get sessionStorage() {
                return page.storage;
            },
            localStorage: page.localStorage,
            crypto: webcrypto,
            navigator: page.navigator,
            performance: {
                now: () => clock.now,
            },
            Date: { now: () => clock.now, parse: Date.parse },
            MessageChannel: Channel,
            CustomEvent,
            addEventListener: page.window.addEventListener.bind(page.window),
            setTimeout: clock.setTimeout,
            clearTimeout: clock.clearTimeout,
        };
    }

    /** The sources of the answers so far, as the page reports them. */
    get sources() {
        return this.events.filter(([name]) => name === "answer").map(([, { source }]) => source);
    }

    get last() {
        return this.requests[this.requests.length - 1];
    }

    props(id) {
        return this.layout.get(JSON.stringify(id));
    }

    add(id, props = {}) {
        this.layout.set(JSON.stringify(id), props);
        return this.document.body.appendChild(new Element(typeof id === "string" ? id : JSON.stringify(id)));
    }

    /** Sends a call as the renderer does. */
    call(content, init = {}, query = "") {
        return this.window.fetch("/app/_dash-update-component" + query, {
            method: "POST",
            headers: { "Content-Type": "application/json" },
            body: JSON.stringify(content),
            ...init,
        });
    }

    /** Calls a function of a gate as the renderer does after a change of these properties. */
    change(gate, ...properties) {
        const { dash_clientside } = this.window;
        dash_clientside.callback_context.triggered = properties.map((prop_id) => ({ prop_id }));
        dash_clientside.ferrodash[gate]();
    }

    fire(name, element, properties = {}) {
        const event = Object.assign(new Event(name), properties);
        Object.defineProperty(event, "target", { value: element });
        this.document.dispatchEvent(event);
    }

    leave(element) {
        this.fire("focusout", element);
    }
}
