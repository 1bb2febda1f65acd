// Ferrodash in the page: debounced inputs, calls that travel together, answers that the browser keeps, notices, and
// charts that stay here.

import { createCalls } from "./batch.js";
import { createCache } from "./cache.js";
import { callOf } from "./call.js";
import { keepChartsHere } from "./charts.js";
import { reportAnswer } from "./events.js";
import { defineGates } from "./gates.js";
import { noticeTooLarge } from "./notices.js";
import { readSettings } from "./settings.js";
import { createRequests } from "./versions.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */

const settings = readSettings();
defineGates(settings.gates);
if (!settings.cloud) {
    keepChartsHere();
}
const realFetch = window.fetch;
const requests = createRequests(settings);
const calls = createCalls(settings, requests);
const cache = createCache(settings, requests);

/**
 * Answers a call in the page, or sends it.
 *
 * @param {Call} call
 * @param {string} resource
 * @param {CallInit} init
 * @returns {Promise<Response>}
 */
const respond = async (call, resource, init) => {
    if (init.body.length > settings.most) {
        // The server would refuse it while it is being sent.
        return new Response("", { status: 413 });
    }
    const callback = settings.client[call.output];
    if (callback) {
        return cache.answer(callback, call, resource, init);
    }
    const start = performance.now();
    const response = await calls.send(call.output, resource, init);
    reportAnswer(call.output, "server", start, response.headers);
    return response;
};

/**
 * @this {unknown}
 * @param {RequestInfo | URL} resource
 * @param {RequestInit} [init]
 */
window.fetch = function (resource, init) {
    const call = callOf(settings, resource, init);
    if (!call) {
        return realFetch.apply(/** @type {any} */ (this) || window, /** @type {any} */ (arguments));
    }
    return respond(call, /** @type {string} */ (resource), /** @type {CallInit} */ (init)).then(noticeTooLarge);
};
