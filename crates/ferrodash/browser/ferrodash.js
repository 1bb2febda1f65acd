"use strict";
// Ferrodash in the page: debounced inputs, answers that the browser keeps, notices, and charts that stay here.
(() => {
    const config = JSON.parse(document.getElementById("_ferrodash-config").textContent);
    const clientside = (window.dash_clientside ||= {});
    const emit = (name, detail) => document.dispatchEvent(new CustomEvent("ferrodash:" + name, { detail }));

    // --- Debounce ---
    // The server replaced each debounced input by a carrier property. A gate is called on each change of the real
    // property and sets the carrier once it has been still.

    const waiting = new Map();
    const functions = (clientside.ferrodash ||= {});
    let count = 0;

    // For a component that is gone the renderer throws, or gives the whole layout.
    const isThere = (id) => {
        try {
            return Boolean(window.dash_component_api.getLayout(id)?.namespace);
        } catch {
            return false;
        }
    };

    const open = (key) => {
        const { text, carrier, timer } = waiting.get(key);
        clearTimeout(timer);
        waiting.delete(key);
        const id = text[0] === "{" ? JSON.parse(text) : text;
        if (isThere(id)) {
            clientside.set_props(id, { [carrier]: ++count });
        }
    };

    // Each component has its own wait, also where one gate stands for all that match a pattern.
    for (const { name, carrier, wait } of config.gates) {
        functions[name] = () => {
            for (const { prop_id } of clientside.callback_context.triggered) {
                const text = prop_id.slice(0, prop_id.lastIndexOf("."));
                const key = carrier + " " + text;
                clearTimeout(waiting.get(key)?.timer);
                waiting.set(key, { text, carrier, timer: setTimeout(open, wait, key) });
            }
        };
    }

    // Who leaves a field is done with it.
    document.addEventListener("focusout", (event) => {
        for (const [key, { text }] of waiting) {
            const element = document.getElementById(text);
            if (element && (element === event.target || element.contains(event.target))) {
                // The component may write its last change in its own handler of this event.
                setTimeout(() => waiting.has(key) && open(key));
            }
        }
    });

    // --- Notices ---

    const notice = (id, place, text, ...buttons) => {
        const add = (parent, tag, css, content) => {
            const element = parent.appendChild(document.createElement(tag));
            element.style.cssText = "border:0;border-radius:6px;font:14px system-ui;" + css;
            element.append(content);
            return element;
        };
        const look = "position:fixed;left:16px;z-index:99999;padding:10px 16px;background:#222;color:#fff;";
        document.getElementById(id)?.remove();
        const box = add(document.body, "div", look + place, text);
        box.id = id;
        box.setAttribute("role", "status");
        const button = "margin-left:12px;padding:4px 12px;background:#fff;color:#222;cursor:pointer";
        for (const [name, act] of [...buttons, ["Dismiss", () => box.remove()]]) {
            add(box, "button", button, name).onclick = act;
        }
        return box;
    };

    // The renderer shows nothing of it, and the user can change it.
    const tellTooLarge = (response) => {
        if (response.status === 413) {
            notice("ferrodash-refused", "top:16px", "This is too large to send. Send less, such as a smaller file.");
        }
        return response;
    };

    // --- Charts ---
    // plotly.js offers to upload charts to its maker's cloud, unless it is set not to.

    if (!config.cloud) {
        let plotly;
        const set = (value) => (plotly = value)?.setPlotConfig?.({ showSendToCloud: false });
        set(window.Plotly);
        Reflect.defineProperty(window, "Plotly", { get: () => plotly, set, configurable: true });
    }

    // --- Versions ---
    // The server names its build in answers to pages of another one; what it cannot answer for them is a 410.

    const BUILD = "X-Ferrodash-Build";
    let banner;

    const showBanner = () => {
        const reload = ["Reload", () => location.reload()];
        banner = notice("ferrodash-stale", "bottom:16px", "A new version of this app is available.", reload);
    };

    // Once for each build: where a proxy goes on giving the old page, it would not end.
    const reloadOnce = () => {
        const key = "ferrodash reloaded " + config.build;
        try {
            if (!sessionStorage[key]) {
                sessionStorage[key] = true;
                location.reload();
            }
        } catch {
            // Without storage it could not be known.
        }
    };

    const checkBuild = ({ headers, status }) => {
        const build = headers.get(BUILD);
        const refused = status === 410;
        if (build) {
            banner || showBanner();
            emit("stale", { build, refused });
            refused && config.reload && reloadOnce();
        }
    };

    // Tells this page from others, for values that the server keeps for it.
    const page = crypto.getRandomValues(new Uint32Array(4)).join("-");

    const realFetch = window.fetch;

    const ask = async (resource, init) => {
        const headers = { ...init.headers, [BUILD]: config.build, "X-Ferrodash-Page": page };
        const response = await realFetch.call(window, resource, { ...init, headers });
        checkBuild(response);
        return response;
    };

    // --- Batch ---
    // More calls of one tick than a browser has connections travel in one request, and each has its answer as soon as it
    // is there. A call that comes alone does not wait.

    const CONNECTIONS = 6;
    const MOST_CALLS = 500;
    const { outputs, characters: mostCharacters } = config.batch || {};
    const batched = new Set(window.TextDecoderStream && outputs);
    let tick;

    if (batched.size) {
        window.ferrodashIsBatched = ({ output }) => batched.has(output); // The renderer then has more under way.
    }

    const alone = ({ resource, init, resolve }) => resolve(ask(resource, init));

    const settle = (call, [, status, headers], text, response) => {
        if (status === 421) {
            return alone(call); // Another build has it alone.
        }
        if (status === 410) {
            checkBuild({ status, headers: response.headers });
        }
        const body = /json/.test(headers["content-type"]) ? text : JSON.parse(text);
        call.resolve(new Response(status === 204 ? null : body, { status, headers }));
    };

    const readLines = async (calls, response, reader) => {
        let rest = "";
        for (let part; !(part = await reader.read()).done; ) {
            const lines = part.value.split("\n");
            lines[0] = rest + lines[0];
            rest = lines.pop();
            for (const line of lines) {
                const end = line.indexOf("\t");
                const head = JSON.parse(line.slice(0, end));
                settle(calls[head[0]], head, line.slice(end + 1), response);
            }
        }
    };

    const send = async (calls) => {
        let reader;
        let problem = new TypeError("The connection ended before all answers were there.");
        try {
            const body = `[${calls.map((call) => call.init.body)}]`;
            const response = await ask(config.prefix + "_ferrodash/batch", { ...calls[0].init, body });
            const { ok, status } = response;
            if (!/ndjson/.test(response.headers.get("Content-Type"))) {
                // Too much at once, or not known here: the plain way always works. Else it holds for each of them, and
                // a login page must not look like an answer.
                const again = [403, 404, 405, 413, 422].includes(status);
                if (status === 404 || status === 405) {
                    batched.clear(); // Something on the way does not let it through, and will not.
                }
                const same = ({ resolve }) => resolve(ok ? new Response("", { status: 500 }) : response.clone());
                return calls.forEach(again ? alone : same);
            }
            reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
            await readLines(calls, response, reader);
        } catch (error) {
            problem = error;
            reader?.cancel().catch(() => {});
        }
        calls.forEach(({ reject }) => reject(problem)); // Those that have their answer do not notice.
    };

    // In parts that are not too large, each of calls with the same headers.
    const sendAll = (calls) => {
        let part = [];
        let size = 0;
        const end = () => (part.length > 1 ? send(part) : part.forEach(alone));
        for (const call of calls) {
            const { length } = call.init.body;
            const fits = size + length < mostCharacters && part.length < MOST_CALLS;
            if (part.length && !(fits && part[0].headers === call.headers)) {
                end();
                part = [];
                size = 0;
            }
            part.push(call);
            size += length;
        }
        end();
    };

    const endTick = () => {
        const calls = tick;
        tick = undefined;
        const together = calls.filter(({ isBatched }) => isBatched);
        const isWorth = together.length >= CONNECTIONS;
        if (isWorth) {
            sendAll(together);
        }
        calls.filter(({ isBatched }) => !(isBatched && isWorth)).forEach(alone);
    };

    const { port1, port2 } = new MessageChannel();
    port1.onmessage = endTick;

    const askInTick = async (output, resource, init) => {
        if (!batched.size) {
            return ask(resource, init);
        }
        if (!tick) {
            tick = [];
            port2.postMessage(0); // Timers would wait in a page that nobody looks at.
            return ask(resource, init);
        }
        const isBatched = batched.has(output) && !resource.includes("?") && !init.signal;
        const headers = JSON.stringify(init.headers);
        return new Promise((resolve, reject) => tick.push({ resource, init, resolve, reject, isBatched, headers }));
    };

    // --- Cache ---
    // Calls of callbacks that were declared `cache(client)` become GETs, which the browser's own HTTP cache answers. A
    // small map in front answers at once and joins equal requests.

    const LONGEST_URL = 2048;
    const MOST_ENTRIES = 200;
    const MOST_CHARACTERS = 16 << 20;
    const entries = new Map();
    const flights = new Map();
    let characters = 0;

    const forget = (key) => {
        const entry = entries.get(key);
        if (entry) {
            entries.delete(key);
            characters -= entry.text.length;
        }
    };

    const keep = (key, text, expires) => {
        forget(key);
        if (expires <= Date.now() || text.length > MOST_CHARACTERS / 4) {
            return;
        }
        entries.set(key, { text, expires });
        characters += text.length;
        while (entries.size > MOST_ENTRIES || characters > MOST_CHARACTERS) {
            forget(entries.keys().next().value);
        }
    };

    const find = (key) => {
        const entry = entries.get(key);
        if (entry?.expires > Date.now()) {
            entries.delete(key); // To the end: the first one is the one that was used least recently.
            entries.set(key, entry);
            return entry.text;
        }
        forget(key);
    };

    // The address of a call: its callback, the build, and everything that the answer depends on.
    const address = (callback, call) => {
        const query = new URLSearchParams({ b: config.build });
        const url = () => `${config.prefix}_ferrodash/call/${callback.token}?${query}`;
        if (callback.trigger) {
            query.set("t", JSON.stringify(call.changedPropIds || []));
        }
        if (callback.pattern) {
            // The value of a carrier only counts.
            const { outputs, inputs, state } = call;
            const real = (_, item) => (/^data-fd-/.test(item?.property) ? { ...item, value: 0 } : item);
            query.set("call", JSON.stringify({ outputs, inputs, state }, real));
            return url();
        }
        const unset = [];
        const values = callback.arguments.map((place, index) => {
            const item = (place[0] === "i" ? call.inputs : call.state)[place.slice(1)];
            if (item.value === undefined) {
                unset.push(index);
                return null;
            }
            return item.value;
        });
        query.set("in", JSON.stringify(values));
        if (unset.length) {
            query.set("u", unset.join());
        }
        return url();
    };

    // An answer that is shared by callbacks of one function names the outputs of the first of them.
    const rename = (callback, text) => {
        if (!callback.rename) {
            return text;
        }
        const { response, ...rest } = JSON.parse(text);
        const renamed = {};
        for (const [fromId, fromProperty, id, property] of callback.rename) {
            const value = response[fromId]?.[fromProperty];
            if (value !== undefined) {
                (renamed[id] ||= {})[property] = value;
            }
        }
        return JSON.stringify({ ...rest, response: renamed });
    };

    // How long the browser itself would keep an answer, from its own headers.
    const expiry = (headers) => {
        const age = /max-age=(\d+)/.exec(headers.get("Cache-Control") || "");
        const made = Date.parse(headers.get("Date")) || Date.now();
        return age ? Math.min(made, Date.now()) + age[1] * 1000 : 0;
    };

    const json = (text) => new Response(text, { headers: { "Content-Type": "application/json" } });

    // Tells the page where an answer came from, for whoever listens.
    const report = (output, source, start, headers) =>
        emit("answer", {
            output,
            source,
            milliseconds: performance.now() - start,
            cacheStatus: headers?.get("Cache-Status") || "",
            serverTiming: headers?.get("Server-Timing") || "",
        });

    const cameFromDisk = ({ url }) => {
        const last = performance.getEntriesByName(url).pop();
        return last?.transferSize === 0 && last.decodedBodySize > 0;
    };

    // Settles with the text of an answer, or with a response that is passed on as it is.
    const load = async (key, url, call, resource, init) => {
        const start = performance.now();
        const response = await (url ? ask(url, { ...init, method: "GET", body: undefined }) : ask(resource, init));
        if (url && [403, 404, 414].includes(response.status)) {
            // The server does not know this address (it may be of another version): the plain way always works.
            return { response: await ask(resource, init) };
        }
        if (response.status !== 200) {
            return { response };
        }
        const { headers } = response;
        const text = await response.text();
        if (!(headers.get("Content-Type") || "").includes("json")) {
            // A login page, for example: as a 200 it would leave the callback without an end.
            return { response: new Response(text, { status: 500 }) };
        }
        keep(key, text, expiry(headers));
        report(call.output, url && cameFromDisk(response) ? "browser" : "server", start, headers);
        return { text };
    };

    const answer = async (callback, call, resource, init) => {
        const long = address(callback, call);
        // Only an address is shared: a POST asks for, and names, the outputs of this callback.
        const url = long.length > LONGEST_URL ? undefined : long;
        const key = url || call.output + " " + long;
        const own = (text) => json(url ? rename(callback, text) : text);
        const start = performance.now();
        const known = find(key);
        if (known !== undefined) {
            report(call.output, "page", start);
            return own(known);
        }
        let flight = flights.get(key);
        if (!flight) {
            flight = load(key, url, call, resource, init).finally(() => flights.delete(key));
            flight.output = call.output;
            flights.set(key, flight);
        } else if (flight.output !== call.output && !(await flight).text) {
            // Not an answer that can be shared.
            return ask(resource, init);
        } else {
            flight.then(({ text }) => text !== undefined && report(call.output, "page", start));
        }
        const { text, response } = await flight;
        return text === undefined ? response.clone() : own(text);
    };

    // The call in a request, if it is one that the browser may keep. Requests of background callbacks are not.
    const callOf = (resource, init) => {
        if (typeof resource === "string" && init?.method === "POST" && typeof init.body === "string") {
            const { origin, pathname, search } = new URL(resource, location.href);
            const isPlain = !/[?&](cacheKey|job|oldJob|cancelJob)=/.test(search);
            const isOurs = origin === location.origin && pathname === config.prefix + "_dash-update-component";
            return isPlain && isOurs && JSON.parse(init.body);
        }
    };

    window.fetch = function (resource, init) {
        const call = callOf(resource, init);
        if (!call) {
            return realFetch.apply(this || window, arguments);
        }
        if (init.body.length > config.most) {
            // The server would refuse it while it is being sent.
            return Promise.resolve(tellTooLarge(new Response("", { status: 413 })));
        }
        const callback = config.client[call.output];
        if (callback) {
            return answer(callback, call, resource, init).then(tellTooLarge);
        }
        const start = performance.now();
        return askInTick(call.output, resource, init).then((response) => {
            report(call.output, "server", start, response.headers);
            return tellTooLarge(response);
        });
    };
})();
