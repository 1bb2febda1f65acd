// Ferrodash in the page: debounced inputs, calls that travel together, answers that the browser keeps, notices, and
// charts that stay here.

import { createShown } from "./apply.js";
import { createReturns } from "./back.js";
import { createCalls } from "./batch.js";
import { createCache } from "./cache.js";
import { callOf } from "./call.js";
import { keepChartsHere } from "./charts.js";
import { reportAnswer } from "./events.js";
import { createGuest, guestCallOf } from "./guest.js";
import { createPauses } from "./intervals.js";
import { createLogin } from "./login.js";
import { noticeRefusal } from "./notices.js";
import { createOrder } from "./order.js";
import { createOverlap } from "./overlap.js";
import { createRetries } from "./retry.js";
import { readSettings } from "./settings.js";
import { declareCarriers } from "./renderer.js";
import { createRequests } from "./versions.js";
import { createWaits } from "./waits.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */

const settings = readSettings();
const isGuest = HAS_GUEST && settings.guest;
if (!settings.cloud) {
    keepChartsHere();
}
const realFetch = window.fetch;
const requests = createRequests(settings);
const order = createOrder();
const waits = HAS_WAITS ? createWaits(settings, requests, order) : undefined;
const shown = createShown(HAS_CACHE && !isGuest ? createReturns() : undefined);
const overlap = createOverlap(settings.overlap || {}, shown, order);
const signedIn = createLogin();
const isPaused = settings.ticks ? () => false : createPauses();
const retry = createRetries(settings.pure || [], order);
const calls = createCalls(settings, requests);
const keepsAnswers = HAS_CACHE && Object.keys(settings.client).length > 0;
const cache = keepsAnswers ? createCache(settings, requests, calls) : undefined;
if (cache) {
    window.ferrodash = { refresh: cache.refresh };
}

/** Answers a call of a page whose app is not ours. */
const answerGuest = isGuest ? createGuest({ settings, requests, calls, order, overlap, waits, cache }) : undefined;

/**
 * Answers a call in the page, or sends it.
 *
 * @param {Call} call
 * @param {string} resource
 * @param {CallInit} init
 * @returns {Promise<Response>}
 */
const respond = (call, resource, init) => {
    if (init.body.length > settings.most) {
        // The server would refuse it while it is being sent.
        return Promise.resolve(new Response("", { status: 413 }));
    }
    const isLeft = isPaused(call);
    waits && !isLeft && waits.learn(call);
    return overlap(call, isLeft, (job) => {
        const own = job.controller ? Object.assign({}, init, { signal: job.controller.signal }) : init;
        return retry(job, () => signedIn(job, () => send(call, resource, own)));
    });
};

/**
 * Sends a call once, unless the browser has its answer.
 *
 * @param {Call} call
 * @param {string} resource
 * @param {CallInit} init
 */
const send = (call, resource, init) => {
    if (cache && settings.client[call.output]) {
        return cache.answer(call, resource, init);
    }
    const start = performance.now();
    return calls.send(call.output, resource, init).then((response) => {
        const { headers } = response;
        reportAnswer(call.output, "server", start, headers);
        if (cache) {
            headers.get("X-Ferrodash-Cookies") && cache.ask(); // Somebody else may have signed in.
            const outputs = headers.get("X-Ferrodash-Refresh");
            outputs && outputs.split(/, ?/).map(decodeURIComponent).forEach(cache.refresh);
        }
        return response;
    });
};

/**
 * @this {unknown}
 * @param {RequestInfo | URL} resource
 * @param {RequestInit} [init]
 */
window.fetch = function (resource, init) {
    if (settings.namespaces && /_dash-dependencies$/.test(String(resource))) {
        declareCarriers(settings.namespaces); // All scripts of components have run by now.
    }
    const call = isGuest ? guestCallOf(settings, resource, init) : callOf(settings, resource, init);
    if (!call) {
        return realFetch.apply(/** @type {any} */ (this) || window, /** @type {any} */ (arguments));
    }
    const address = /** @type {string} */ (resource);
    const given = /** @type {CallInit} */ (init);
    if (answerGuest) {
        return answerGuest(this, call, address, given);
    }
    return respond(call, address, given).then(noticeRefusal);
};
