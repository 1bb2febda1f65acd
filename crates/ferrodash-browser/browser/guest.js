// Pages of apps that are not ours: a gateway in front of the app has put this script into them. Calls that are not
// declared at the gateway work as without the script. The renderer gets responses and failures as they are: without
// notices, without another attempt, and without a wait for a sign-in.

import { targetOf } from "./apply.js";
import { callOf } from "./call.js";

/** @typedef {import("./batch.js").Calls} Calls */
/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */
/** @typedef {import("./order.js").Order} Order */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./versions.js").Requests} Requests */

/** The keys of a call's body that every renderer writes. `parsedChangedPropsIds` repeats `changedPropIds`. */
const KEYS = ["output", "outputs", "inputs", "state", "changedPropIds", "parsedChangedPropsIds"];

/**
 * The other keys of a call's body as a part of its address, in the order of their names. A hook of the app
 * (`request_pre`) may add keys, and the answer may depend on them.
 *
 * @param {Call} call
 */
export const extraOf = (call) => {
    const { stringify } = JSON;
    const names = Object.keys(call).filter((name) => !KEYS.includes(name));
    /** @param {string} name */
    const pair = (name) => stringify(name) + ":" + stringify(/** @type {any} */ (call)[name]);
    return names.length ? "&x=" + encodeURIComponent(`{${names.sort().map(pair)}}`) : "";
};

/**
 * The call in a request, or nothing if the app's own scripts made something else of it.
 *
 * @param {Settings} settings
 * @param {unknown} resource
 * @param {RequestInit} [init]
 */
export const guestCallOf = (settings, resource, init) => {
    try {
        const call = callOf(settings, resource, init);
        return call && typeof call.output === "string" && call;
    } catch (error) {
        return undefined;
    }
};

/**
 * Options whose headers are a plain object, as the renderer writes them. Scripts of the app may have changed them.
 *
 * @param {CallInit} init
 * @returns {CallInit}
 */
const withPlainHeaders = (init) => {
    const given = /** @type {any} */ (init.headers);
    if (!given || !given.forEach) {
        return init;
    }
    /** @type {Record<string, string>} */
    const headers = {};
    new Headers(given).forEach((value, name) => (headers[name] = value));
    return Object.assign({}, init, { headers });
};

/**
 * Lets results pass the policy for calls that overlap as they are: the policy reads answers, replaces those that are
 * none, and makes responses of failures.
 */
const createSeals = () => {
    /**
     * The results, each by the response that the policy gets instead.
     *
     * @type {WeakMap<Response, () => Response | Promise<Response>>}
     */
    const sealed = new WeakMap();

    /** @param {() => Response | Promise<Response>} result */
    const cover = (result) => {
        const response = new Response(null, { status: 500 });
        sealed.set(response, result);
        return response;
    };

    /** @param {Response} response */
    const isAnswer = ({ status, headers }) =>
        status === 200 && /json/.test(/** @type {string} */ (headers.get("content-type")));

    return {
        /** @param {Promise<Response>} sent */
        seal: (sent) =>
            sent.then(
                (response) => (isAnswer(response) ? response : cover(() => response)),
                (problem) => cover(() => Promise.reject(problem))
            ),

        /** @param {Response} response */
        unseal: (response) => {
            const result = sealed.get(response);
            return result ? result() : response;
        },
    };
};

/**
 * What the calls of a page go through.
 *
 * @typedef {object} Ways
 * @property {Settings} settings
 * @property {Requests} requests
 * @property {Calls} calls
 * @property {Order} order
 * @property {ReturnType<typeof import("./overlap.js").createOverlap>} overlap
 * @property {ReturnType<typeof import("./waits.js").createWaits>} [waits]
 * @property {ReturnType<typeof import("./cache.js").createCache>} [cache]
 */

/**
 * Returns the function that answers a call of the page.
 *
 * @param {Ways} ways
 */
export const createGuest = ({ settings, requests, calls, order, overlap, waits, cache }) => {
    const { client, batch } = settings;
    const realFetch = window.fetch;
    const outputs = new Set(batch ? batch.outputs : []);
    const { seal, unseal } = createSeals();

    /**
     * Learns what a response says of the answers that the browser keeps.
     *
     * @param {Headers} headers
     */
    const hear = (headers) => {
        if (cache) {
            headers.get("X-Ferrodash-Cookies") && cache.ask(); // Somebody else may have signed in.
            const names = headers.get("X-Ferrodash-Refresh");
            names && names.split(/, ?/).map(decodeURIComponent).forEach(cache.refresh);
        }
    };

    /**
     * Gives a call its place among those that the script makes itself: what was made before it comes too late when it
     * has its answer. Returns the function that says so.
     *
     * @param {Call} call
     */
    const place = (call) => {
        const target = targetOf(call);
        const number = order.begin(target);
        return () => order.admit({ target, number });
    };

    /**
     * Sends a call as the renderer would. The script only adds its own headers, and looks at the response.
     *
     * @param {any} receiver
     * @param {string} address
     * @param {CallInit} init
     * @returns {Promise<Response>}
     */
    const sendAsItIs = (receiver, address, init) => {
        const headers = Object.assign({}, requests.own, init.headers);
        const answer = realFetch.call(receiver || window, address, Object.assign({}, init, { headers }));
        answer.then(requests.checkBuild, () => {});
        return answer;
    };

    /**
     * @param {any} receiver
     * @param {Call} call
     * @param {string} address
     * @param {CallInit} init
     */
    const send = (receiver, { output }, address, init) => {
        const alone = () => sendAsItIs(receiver, address, init);
        return outputs.has(output) ? calls.send(output, address, init, alone) : alone();
    };

    /**
     * @param {any} receiver The one of `fetch`.
     * @param {Call} call
     * @param {string} address
     * @param {CallInit} given
     * @returns {Promise<Response>}
     */
    return (receiver, call, address, given) => {
        const init = withPlainHeaders(given);
        waits && waits.learn(call);
        if (cache && client[call.output]) {
            return overlap(call, false, () => seal(cache.answer(call, address, init))).then(unseal);
        }
        const admit = waits ? place(call) : () => {};
        const answer = send(receiver, call, address, init);
        answer.then(
            ({ status, headers }) => {
                status === 200 && admit();
                hear(headers);
            },
            () => {}
        );
        return answer;
    };
};
