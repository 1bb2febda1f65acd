// The client-side cache. Calls of callbacks that were declared `cache(client)` become GETs, which the browser's own HTTP
// cache answers. A small map in front of it answers at once, and equal calls at the same time share a request.

import { addressOf, renameOutputs } from "./address.js";
import { createAnswers, expiryOf } from "./answers.js";
import { reportAnswer } from "./events.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").ClientCallback} ClientCallback */
/** @typedef {import("./versions.js").Requests} Requests */
/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */

/**
 * The text of an answer, or a response that is passed on as it is.
 *
 * @typedef {{ text: string, response?: undefined } | { text?: undefined, response: Response }} Loaded
 */

const LONGEST_URL = 2048;

/** @param {string} text */
const json = (text) => new Response(text, { headers: { "Content-Type": "application/json" } });

/** @param {Response} response */
const cameFromDisk = ({ url }) => {
    const last = /** @type {PerformanceResourceTiming | undefined} */ (performance.getEntriesByName(url).pop());
    return last?.transferSize === 0 && last.decodedBodySize > 0;
};

/**
 * @param {Settings} settings
 * @param {Requests} requests
 */
export const createCache = (settings, { request }) => {
    const answers = createAnswers();
    /** @type {Map<string, { output: string, loading: Promise<Loaded> }>} */
    const flights = new Map();

    /**
     * Sends a call and keeps its answer.
     *
     * @param {string} key
     * @param {string | undefined} url
     * @param {Call} call
     * @param {string} resource
     * @param {CallInit} init
     * @returns {Promise<Loaded>}
     */
    const load = async (key, url, call, resource, init) => {
        const start = performance.now();
        const response = await (url
            ? request(url, { ...init, method: "GET", body: undefined })
            : request(resource, init));
        if (url && [403, 404, 414].includes(response.status)) {
            // The server does not know this address, for example because it runs another build: a POST always works.
            return { response: await request(resource, init) };
        }
        if (response.status !== 200) {
            return { response };
        }
        const { headers } = response;
        const text = await response.text();
        if (!(headers.get("Content-Type") || "").includes("json")) {
            // A login page, for example: with the status 200 the callback would never end.
            return { response: new Response(text, { status: 500 }) };
        }
        answers.keep(key, text, expiryOf(headers));
        reportAnswer(call.output, url && cameFromDisk(response) ? "browser" : "server", start, headers);
        return { text };
    };

    /**
     * Answers a call from the page, from a request in progress, or by a request.
     *
     * @param {ClientCallback} callback
     * @param {Call} call
     * @param {string} resource
     * @param {CallInit} init
     */
    const answer = async (callback, call, resource, init) => {
        const long = addressOf(settings, callback, call);
        // Only an address is shared: a POST names the outputs of this callback, and so does its answer.
        const url = long.length > LONGEST_URL ? undefined : long;
        const key = url || call.output + " " + long;
        /** @param {string} text */
        const own = (text) => json(url ? renameOutputs(callback, text) : text);
        const start = performance.now();
        const known = answers.find(key);
        if (known !== undefined) {
            reportAnswer(call.output, "page", start);
            return own(known);
        }
        let flight = flights.get(key);
        if (!flight) {
            const loading = load(key, url, call, resource, init).finally(() => flights.delete(key));
            flight = { output: call.output, loading };
            flights.set(key, flight);
        } else if (flight.output !== call.output && !(await flight.loading).text) {
            // Not an answer that can be shared.
            return request(resource, init);
        } else {
            flight.loading.then(({ text }) => text !== undefined && reportAnswer(call.output, "page", start));
        }
        const { text, response } = await flight.loading;
        return text === undefined ? response.clone() : own(text);
    };

    return { answer };
};
