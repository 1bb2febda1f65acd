// The client-side cache: answers of callbacks that were declared `cache(client)`. They are in the memory of the page and on
// disk. Equal calls at the same time share a request, also those of several tabs.

import { renameOutputs } from "./address.js";
import { createAnswers } from "./answers.js";
import { namesOfOutputs } from "./apply.js";
import { ready } from "./call.js";
import { createChanges } from "./changes.js";
import { reportAnswer } from "./events.js";
import { createLoader } from "./loader.js";
import { startPush } from "./push.js";
import { createShownAnswers } from "./shown.js";
import { createStore } from "./store.js";
import { createTabs } from "./tabs.js";

/** @typedef {import("./answers.js").Entry} Entry */
/** @typedef {import("./batch.js").Calls} Calls */
/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").CallInit} CallInit */
/** @typedef {import("./loader.js").Loaded} Loaded */
/** @typedef {import("./loader.js").Question} Question */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./versions.js").Requests} Requests */

/** @param {Entry} entry @param {number} after The time after the answer is no longer fresh. */
const isWithin = ({ at, fresh }, after) => Date.now() < at + fresh + after;

/** @param {Question} question @param {Entry} entry */
const textFor = ({ callback, url }, { text }) => (url ? renameOutputs(callback, text) : text);

/**
 * @param {Settings} settings
 * @param {Requests} requests
 * @param {Calls} calls
 */
export const createCache = (settings, requests, calls) => {
    const { prefix, client } = settings;
    const answers = createAnswers();
    const store = createStore("ferrodash " + prefix);
    const changes = createChanges(settings, requests.request, createTabs(prefix));
    /**
     * The answers that are being written to disk.
     *
     * @type {Map<string, Promise<unknown>>}
     */
    const writes = new Map();
    /**
     * The questions in progress, each with the moment at which it was asked.
     *
     * @type {Map<string, { loading: Promise<Loaded>, seen: string }>}
     */
    const flights = new Map();
    /** The keys that are looked up on disk. The renderer draws what is found together with what led to it. */
    const searches = new Set();
    window.ferrodashSearches = searches;

    /** @param {string} key @param {Entry} entry @param {boolean} isOnDisk */
    const keep = (key, entry, isOnDisk) => {
        answers.keep(key, entry);
        if (isOnDisk) {
            const write = store.put(key, entry).then(() => writes.delete(key));
            writes.set(key, write);
        }
    };
    const { questionOf, load } = createLoader(settings, requests, calls, changes, keep);

    /**
     * Joins an equal question, unless something was invalidated since it was asked.
     *
     * @param {string} key
     * @param {() => Promise<Loaded>} start
     */
    const fly = (key, start) => {
        const known = flights.get(key);
        if (known && known.seen === changes.seen()) {
            return { loading: known.loading, isShared: true };
        }
        const flight = { loading: start(), seen: changes.seen() };
        const land = () => {
            searches.delete(key);
            flights.get(key) === flight && flights.delete(key);
        };
        flights.set(key, flight);
        flight.loading.then(land, land);
        return { loading: flight.loading, isShared: false };
    };

    /** @param {Question} question @param {boolean} isFresh */
    const reload = ({ call, resource, init }, isFresh) => {
        const question = questionOf(call, resource, init); // Perhaps somebody else asks now.
        question.known = answers.find(question.key);
        return isFresh ? load(question, true) : fly(question.key, () => load(question)).loading;
    };

    /** @param {Entry} entry */
    const isGood = (entry) => changes.counts(entry) && isWithin(entry, 0);
    const shown = createShownAnswers(reload, textFor, isGood);

    changes.listen((didScopesChange) => {
        // A process that is behind then looks at the store before it answers.
        requests.own["X-Ferrodash-Seen"] = changes.seen();
        if (didScopesChange) {
            answers.keepScopes(changes.scopes());
            store.keepScopes(changes.scopes());
        }
        // Answers that are not kept have no names: a patch, for example, must not be applied twice.
        shown.renewWhere(
            ({ callback }, entry) =>
                (entry.on.length > 0 && !changes.counts(entry)) || (didScopesChange && callback.scope !== undefined),
            false
        );
    });

    /**
     * Whether an answer can be used.
     *
     * @param {Question} question
     * @param {Entry} [entry]
     */
    const isOfUse = (question, entry) => {
        question.known = entry || question.known;
        const isUsed = entry && changes.counts(entry) && isWithin(entry, entry.stale);
        isUsed && answers.keep(question.key, entry);
        return isUsed;
    };

    /**
     * Asks the server, and takes the old answer if it fails.
     *
     * @param {Question} question
     * @returns {Promise<Loaded>}
     */
    const loadOrKnown = (question) => {
        const { known } = question;
        const standsIn = () => known && changes.counts(known) && isWithin(known, known.error);
        /** @type {Loaded} */
        const old = { entry: known, source: "page" };
        return load(question).then(
            (loaded) => (loaded.response && loaded.response.status >= 500 && standsIn() ? old : loaded),
            (problem) => (standsIn() ? old : Promise.reject(problem))
        );
    };

    /**
     * Lets one tab at a time look for an answer, so that the others find it on disk.
     *
     * @param {string} key
     * @param {() => Promise<Loaded>} act
     * @returns {Promise<Loaded>}
     */
    const oneTab = (key, act) =>
        navigator.locks
            ? new Promise((resolve, reject) => {
                  const hold = () =>
                      act().then((loaded) => {
                          resolve(loaded);
                          return writes.get(key);
                      });
                  navigator.locks.request("ferrodash " + key, hold).catch(reject);
              })
            : act();

    /** @param {Question} question @returns {Promise<Loaded>} */
    const search = (question) => {
        const { key, url } = question;
        /** @returns {Promise<Loaded>} */
        const look = () =>
            store.find(key).then((entry) => {
                searches.delete(key);
                return isOfUse(question, entry) ? { entry, source: "browser" } : loadOrKnown(question);
            });
        url && searches.add(key);
        return url ? oneTab(key, look) : loadOrKnown(question);
    };

    /**
     * Answers a call from what is kept, from a request in progress, or by a request.
     *
     * @param {Call} call
     * @param {string} resource
     * @param {CallInit} given
     * @returns {Promise<Response>}
     */
    const answer = (call, resource, given) => {
        const start = performance.now();
        // A call that is aborted may be one for several, and its answer is of use later.
        const init = Object.assign({}, given, { signal: undefined });
        // Who asks must be known, if answers depend on that.
        const known = client[call.output].scope === undefined ? changes.ready : changes.settled();
        return known.then(() => {
            const question = questionOf(call, resource, init);
            const inPage = answers.find(question.key);
            shown.begin(question);
            /** @param {Loaded} loaded @param {boolean} isShared */
            const respond = ({ entry, response, source, headers }, isShared) => {
                if (entry) {
                    shown.note(question, entry);
                    const isStale = source !== "server" && !isWithin(entry, 0);
                    reportAnswer(call.output, isShared ? "page" : source, start, isShared ? undefined : headers, isStale);
                    return ready(textFor(question, entry), { "content-type": "application/json" });
                }
                if (!response) {
                    return answer(call, resource, given); // Somebody else asks now.
                }
                // A response without an answer is for the callback that asked.
                return isShared && question.callback.rename ? requests.request(resource, init) : response.clone();
            };
            if (isOfUse(question, inPage)) {
                return respond({ entry: inPage, source: "page" }, true);
            }
            const { loading, isShared } = fly(question.key, () => search(question));
            return loading.then((loaded) => respond(loaded, isShared));
        });
    };

    /**
     * Loads the answers of a callback again, from its function if the server allows that.
     *
     * @param {string} output One of its outputs, as `id.property`.
     */
    const refresh = (output) => shown.renewWhere(({ call }) => namesOfOutputs(call).includes(output), true);

    startPush(settings, changes);
    return { answer, refresh, ask: changes.ask };
};
