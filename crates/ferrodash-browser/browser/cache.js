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

/**
 * @param {Settings} settings
 * @param {Requests} requests
 */
export const createCache = (settings, { request, isOfBrowser }) => {
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
    const load = (key, url, call, resource, init) => {
        const start = performance.now();
        const asGet = Object.assign({}, init, { method: "GET", body: undefined });
        /** @param {Response} response @returns {Loaded | Promise<Loaded>} */
        const read = (response) => {
            if (url && [403, 404, 414].indexOf(response.status) >= 0) {
                // The server does not know this address, for example because it runs another build: a POST always works.
                return request(resource, init).then((response) => ({ response }));
            }
            return response.status === 200 ? response.text().then((text) => keep(response, text)) : { response };
        };
        /** @param {Response} response @param {string} text @returns {Loaded} */
        const keep = (response, text) => {
            const { headers } = response;
            if (!/json/.test(headers.get("Content-Type") || "")) {
                // A login page, for example: with the status 200 the callback would never end.
                return { response: new Response(text, { status: 500 }) };
            }
            answers.keep(key, text, expiryOf(headers));
            reportAnswer(call.output, url && isOfBrowser(response) ? "browser" : "server", start, headers);
            return { text };
        };
        return (url ? request(url, asGet) : request(resource, init)).then(read);
    };

    /**
     * Answers a call from the page, from a request in progress, or by a request.
     *
     * @param {ClientCallback} callback
     * @param {Call} call
     * @param {string} resource
     * @param {CallInit} init
     */
    const answer = (callback, call, resource, init) => {
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
            return Promise.resolve(own(known));
        }
        const flight = flights.get(key);
        if (flight) {
            return flight.loading.then(({ text, response }) => {
                if (text !== undefined) {
                    reportAnswer(call.output, "page", start);
                    return own(text);
                }
                const isOfOther = flight.output !== call.output; // Not an answer that can be shared.
                return isOfOther ? request(resource, init) : /** @type {Response} */ (response).clone();
            });
        }
        const land = () => flights.delete(key);
        const loading = load(key, url, call, resource, init);
        flights.set(key, { output: call.output, loading });
        loading.then(land, land);
        return loading.then(({ text, response }) =>
            text === undefined ? /** @type {Response} */ (response).clone() : own(text)
        );
    };

    return { answer };
};
