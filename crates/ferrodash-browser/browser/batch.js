// Batches: more calls of one tick than a browser has connections travel in one request, and each has its answer as soon
// as the answer is there. A call that comes alone does not wait, except behind a renderer that asks nobody (`gathers`).

import { ready } from "./call.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./versions.js").Requests} Requests */
/** @typedef {import("./call.js").CallInit} CallInit */

/**
 * A call that waits for the end of the tick.
 *
 * @typedef {object} WaitingCall
 * @property {string} resource
 * @property {CallInit} init
 * @property {() => Promise<Response>} alone Sends it by itself.
 * @property {boolean} isBatched Whether it may travel with others.
 * @property {string} headers Its headers and query as text, for comparison.
 * @property {(response: Response | Promise<Response>) => void} resolve
 * @property {(problem: unknown) => void} reject
 */

/**
 * The head of a line of the answer: the number of the call in the request, and its status and headers.
 *
 * @typedef {[number, number, Record<string, string>]} LineHead
 */

const CONNECTIONS = 6;
const MOST_CALLS = 500;
// Behind a renderer that asks nobody, calls wait for others until all those in progress are answered, as data does in
// Nagle's algorithm (RFC 896), but not much longer than this. The renderer begins the next call shortly after an answer.
const LONGEST_GATHERING = 30;
const AFTER_ANSWER = 5;

/**
 * The query of an address. The renderer of Dash 4 writes one into all calls, and the server gets it with each of them.
 *
 * @param {string} resource
 */
const queryOf = (resource) => new URL(resource, location.href).search;

/**
 * Cuts calls into parts that are not too large, each of calls with the same headers.
 *
 * @param {WaitingCall[]} calls
 * @param {number} mostCharacters
 */
export const partsOf = (calls, mostCharacters) => {
    /** @type {WaitingCall[][]} */
    const parts = [];
    let size = 0;
    for (const call of calls) {
        const part = parts[parts.length - 1];
        const { length } = call.init.body;
        const fits = part && size + length < mostCharacters && part.length < MOST_CALLS;
        if (fits && part[0].headers === call.headers) {
            part.push(call);
            size += length;
        } else {
            parts.push([call]);
            size = length;
        }
    }
    return parts;
};

/**
 * The calls of a page.
 *
 * @param {Settings} settings
 * @param {Requests} requests
 */
export const createCalls = ({ prefix, batch, guest }, { request, checkBuild }) => {
    const isGuest = HAS_GUEST && guest;
    const batched = new Set(window.TextDecoderStream && batch ? batch.outputs : []);
    /** @type {WaitingCall[] | undefined} */
    let tick;
    // A renderer that asks nobody begins a call whenever one has ended, so they come one after the other.
    let gathers = isGuest;
    let inProgress = 0;
    /** The timer that ends the tick, if calls wait for those in progress. */
    let gathering = 0;

    if (batched.size) {
        window.ferrodashIsBatched = ({ output }) => {
            if (HAS_GUEST) {
                gathers = false;
            }
            return batched.has(output); // The renderer then starts more calls.
        };
    }

    /** @param {WaitingCall} call */
    const sendAlone = ({ alone, resolve }) => resolve(alone());

    /**
     * @param {WaitingCall} call
     * @param {LineHead} head
     * @param {string} text
     * @param {Response} response
     */
    const settle = (call, [, status, headers], text, response) => {
        if (status === 421) {
            return sendAlone(call); // Only a server of another build can answer it.
        }
        const parked = HAS_GUEST && headers["x-ferrodash-parked"];
        if (parked) {
            // The answer has headers of its own, such as cookies, and is kept for this call.
            const init = Object.assign({}, call.init, { method: "GET", body: undefined });
            return call.resolve(request(prefix + "_ferrodash/parked/" + parked, init));
        }
        if (status === 410) {
            checkBuild({ status, headers: response.headers });
        }
        const body = /json/.test(headers["content-type"]) ? text : JSON.parse(text);
        call.resolve(status === 200 && !isGuest ? ready(body, headers) : new Response(body, { status, headers }));
    };

    /**
     * @param {WaitingCall[]} calls
     * @param {Response} response
     * @param {ReadableStreamDefaultReader<string>} reader
     */
    const readLines = (calls, response, reader) => {
        let rest = "";
        /** @param {string} line */
        const readLine = (line) => {
            const end = line.indexOf("\t");
            if (end < 0) {
                return; // A line without an answer keeps the connection open, or pushes the one before it out.
            }
            /** @type {LineHead} */
            const head = JSON.parse(line.slice(0, end));
            settle(calls[head[0]], head, line.slice(end + 1), response);
        };
        /** @returns {Promise<void>} */
        const readOn = () =>
            reader.read().then(({ done, value }) => {
                if (!done) {
                    const lines = value.split("\n");
                    lines[0] = rest + lines[0];
                    rest = /** @type {string} */ (lines.pop());
                    lines.forEach(readLine);
                    return readOn();
                }
            });
        return readOn();
    };

    /**
     * Settles the calls of a request that was answered by something else than lines.
     *
     * @param {WaitingCall[]} calls
     * @param {Response} response
     */
    const settleAll = (calls, response) => {
        const { status } = response;
        if (status === 404 || status === 405) {
            batched.clear(); // A proxy does not let batches through, and will not.
        }
        if ([403, 404, 405, 413, 422].includes(status)) {
            return calls.forEach(sendAlone); // Too much at once, or not known here: single requests always work.
        }
        calls.forEach(({ resolve }) => resolve(response.clone()));
    };

    /** @param {WaitingCall[]} calls */
    const sendTogether = (calls) => {
        /** @type {ReadableStreamDefaultReader<string> | undefined} */
        let reader;
        /** @param {unknown} problem */
        const rejectRest = (problem) => calls.forEach(({ reject }) => reject(problem)); // Those without an answer.
        const body = `[${calls.map((call) => call.init.body)}]`;
        request(
            prefix + "_ferrodash/batch" + (HAS_GUEST ? queryOf(calls[0].resource) : ""),
            Object.assign({}, calls[0].init, { body })
        )
            .then((response) => {
                if (!/ndjson/.test(/** @type {string} */ (response.headers.get("content-type")))) {
                    return settleAll(calls, response);
                }
                const bytes = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (response.body);
                reader = bytes.pipeThrough(new TextDecoderStream()).getReader();
                return readLines(calls, response, reader);
            })
            .then(() => rejectRest(new TypeError("The connection ended.")))
            .catch((problem) => {
                reader && reader.cancel().catch(() => {});
                rejectRest(problem);
            });
    };

    const endTick = () => {
        const calls = /** @type {WaitingCall[]} */ (tick);
        tick = undefined;
        if (HAS_GUEST) {
            gathering = 0;
        }
        const together = calls.filter(({ isBatched }) => isBatched);
        const isWorth = together.length >= (HAS_GUEST && gathers ? 2 : CONNECTIONS);
        if (isWorth) {
            for (const part of partsOf(together, /** @type {import("./settings.js").Batch} */ (batch).characters)) {
                part.length > 1 ? sendTogether(part) : part.forEach(sendAlone);
            }
        }
        calls.filter(({ isBatched }) => !(isBatched && isWorth)).forEach(sendAlone);
    };

    const { port1, port2 } = new MessageChannel();
    port1.onmessage = endTick;

    /** @param {number} time */
    const gatherFor = (time) => {
        clearTimeout(gathering);
        gathering = setTimeout(endTick, time);
    };

    // Browsers delay timers in pages that are not visible, so calls do not gather there.
    if (HAS_GUEST && gathers) {
        document.addEventListener("visibilitychange", () => {
            if (gathering) {
                clearTimeout(gathering);
                endTick();
            }
        });
    }

    /**
     * Sends a call. The first call of a tick is sent at once, unless calls gather, and the others at the end of the tick.
     *
     * @param {string} output
     * @param {string} resource
     * @param {CallInit} init
     * @param {() => Promise<Response>} [alone] Sends it by itself, if that is another request.
     * @returns {Promise<Response>}
     */
    const sendOrGather = (output, resource, init, alone = () => request(resource, init)) => {
        if (!batched.size) {
            return alone();
        }
        if (!tick) {
            tick = [];
            if (HAS_GUEST && gathers && inProgress && !document.hidden) {
                gatherFor(LONGEST_GATHERING);
            } else {
                port2.postMessage(0);
                return alone();
            }
        }
        const waiting = tick;
        const isBatched = batched.has(output) && (isGuest || !resource.includes("?")) && !init.signal;
        const headers = JSON.stringify(HAS_GUEST ? [init.headers, queryOf(resource)] : init.headers);
        return new Promise((resolve, reject) => waiting.push({ resource, init, alone, isBatched, headers, resolve, reject }));
    };

    /** @type {typeof sendOrGather} */
    const sendCounted = (...call) => {
        const ended = () => {
            inProgress--;
            if (gathering && tick && tick.length === inProgress) {
                gatherFor(AFTER_ANSWER);
            }
        };
        const answer = sendOrGather(...call);
        inProgress++;
        answer.then(ended, ended);
        return answer;
    };

    return { send: HAS_GUEST ? sendCounted : sendOrGather };
};

/** @typedef {ReturnType<typeof createCalls>} Calls */
