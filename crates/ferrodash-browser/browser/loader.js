// Requests for answers that are kept: what is sent, and what of the response is kept.

import { addressOf } from "./address.js";
import { extraOf } from "./guest.js";

/** @typedef {import("./answers.js").Entry} Entry */
/** @typedef {import("./answers.js").Answers} Answers */
/** @typedef {import("./batch.js").Calls} Calls */
/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */
/** @typedef {import("./changes.js").Changes} Changes */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").ClientCallback} ClientCallback */
/** @typedef {import("./versions.js").Requests} Requests */

/**
 * A call with everything that is needed to make it again.
 *
 * @typedef {object} Question
 * @property {ClientCallback} callback
 * @property {Call} call
 * @property {string} resource
 * @property {CallInit} init
 * @property {string} key The name of its answer: equal questions have the same.
 * @property {string} [url] Its address, if it is not too long for one.
 * @property {string} [scope] The name of those who ask, if the answer depends on that.
 * @property {Entry} [known] An answer that was kept, which the server can compare.
 */

/**
 * What came of a question: an answer, or a response that is passed on as it is, or neither if somebody else asks now.
 *
 * @typedef {object} Loaded
 * @property {Entry} [entry]
 * @property {"page" | "browser" | "server"} source
 * @property {Response} [response]
 * @property {Headers} [headers] Those of the response with the answer.
 */

const LONGEST_URL = 2048;
const KEEP = "X-Ferrodash-Keep";

/** @param {Response} response @returns {Loaded} */
const passOn = (response) => ({ response, source: "server" });

/**
 * @param {Settings} settings
 * @param {Requests} requests
 * @param {Calls} calls
 * @param {Changes} changes
 * @param {(key: string, entry: Entry, isOnDisk: boolean) => void} keep
 */
export const createLoader = (settings, { request }, calls, changes, keep) => {
    /** @param {ClientCallback} callback */
    const scopeOf = ({ scope }) => (scope === undefined ? undefined : changes.scopes()[scope]);

    /**
     * @param {Call} call
     * @param {string} resource
     * @param {CallInit} init
     * @returns {Question}
     */
    const questionOf = (call, resource, init) => {
        const callback = settings.client[call.output];
        const scope = scopeOf(callback);
        const usual = addressOf(settings, callback, call, scope);
        const long = HAS_GUEST && settings.guest ? usual + extraOf(call) : usual;
        // Only an address is shared: a POST names the outputs of this callback, and so does its answer.
        const url = long.length > LONGEST_URL ? undefined : long;
        return { callback, call, resource, init, key: url || call.output + " " + long, url, scope };
    };

    /**
     * @param {Question} question
     * @param {boolean} isFresh Whether the server computes the answer again.
     */
    const send = ({ callback, call, resource, init, url, known }, isFresh) => {
        // With an old answer at hand, the page waits for a fresh one.
        const control = isFresh ? "no-cache" : "max-age=0";
        const headers = /** @type {any} */ ({});
        Object.assign(headers, init.headers, (isFresh || known) && { "Cache-Control": control });
        if (!url) {
            return request(resource, Object.assign({}, init, { headers }));
        }
        if (known && known.etag && !isFresh) {
            headers["If-None-Match"] = known.etag;
        }
        const alone = () => request(url, Object.assign({}, init, { headers, method: "GET", body: undefined }));
        // What travels with others names the outputs of its own callback.
        return isFresh || callback.rename ? alone() : calls.send(call.output, resource, init, alone);
    };

    /**
     * @param {Question} question
     * @param {Entry} entry
     * @param {boolean} isKept Whether the server lets the page keep it.
     * @param {Headers} headers
     * @returns {Loaded}
     */
    const admit = ({ callback, key, scope, url }, entry, isKept, headers) => {
        if (scope !== scopeOf(callback)) {
            return { source: "server" }; // Somebody else has signed in while the call was in progress.
        }
        if (isKept && entry.scope !== scope) {
            changes.askSeldom();
        } else if (isKept && changes.counts(entry)) {
            keep(key, entry, Boolean(url));
        }
        return { entry, source: "server", headers };
    };

    /**
     * @param {Question} question
     * @param {Response} response
     * @param {{ era: string, moment: number }} asked
     * @returns {Promise<Loaded> | Loaded}
     */
    const read = (question, response, asked) => {
        const { resource, init, url, known } = question;
        const { headers, status } = response;
        if (url && [403, 404, 414].includes(status)) {
            // The server does not know this address, for example because it runs another build: a POST always works.
            const key = question.call.output + " " + question.key;
            const alone = Object.assign({}, question, { key, url: undefined });
            return request(resource, init).then((response) => read(alone, response, asked));
        }
        const same = status === 304 ? known : undefined;
        if (status !== 200 && !same) {
            return passOn(response);
        }
        if (!same && !/json/.test(/** @type {string} */ (headers.get("content-type")))) {
            return passOn(response); // A login page, for example.
        }
        return (same ? Promise.resolve(same.text) : response.text()).then((text) => {
            const said = headers.get(KEEP);
            const { fresh, stale = 0, error = 0, on, scope } = JSON.parse(said || '{"fresh":0,"on":[]}');
            const etag = headers.get("ETag") || undefined;
            const times = { at: Date.now(), fresh, stale, error };
            const entry = Object.assign({ text, etag, on, scope }, times, asked);
            return admit(question, entry, Boolean(said), headers);
        });
    };

    /**
     * Asks the server.
     *
     * @param {Question} question
     * @param {boolean} [isFresh] Whether the server computes the answer again.
     * @returns {Promise<Loaded>}
     */
    const load = (question, isFresh) => {
        const asked = changes.now();
        const isBypassed = Boolean(isFresh) || changes.isHardReload();
        return send(question, isBypassed).then((response) => read(question, response, asked));
    };

    return { questionOf, load };
};
