// The client-side cache: answers of callbacks that were declared `cache(client)`. They are in the memory of the page and on
// disk. Equal calls at the same time share a request, also those of several tabs.

import { renameOutputs } from "./address.js";
import { createAnswers } from "./answers.js";
import { namesOfOutputs } from "./apply.js";
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

/** How long another tab is waited for that asks the same, in milliseconds. */
const LONGEST_WAIT = 10000;

/** @param {string} text */
const json = (text) => new Response(text, { headers: { "Content-Type": "application/json" } });

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
    const { prefix } = settings;
    const answers = createAnswers();
    const store = createStore("ferrodash " + prefix);
    const tabs = createTabs(prefix);
    const changes = createChanges(prefix, requests.request, tabs);

    /** @param {string} key @param {Entry} entry @param {boolean} isOnDisk */
    const keep = (key, entry, isOnDisk) => {
        answers.keep(key, entry);
        const tell = () => tabs.tell({ has: key });
        isOnDisk && store.put(key, entry).then(tell, tell);
    };
    const { questionOf, load } = createLoader(settings, requests, calls, changes, keep);
    /**
     * The questions in progress.
     *
     * @type {Map<string, Promise<Loaded>>}
     */
    const flights = new Map();
    /**
     * What other tabs ask for, with functions to call when they have it.
     *
     * @type {Map<string, (() => void)[]>}
     */
    const elsewhere = new Map();

    /**
     * @param {string} key
     * @param {() => Promise<Loaded>} start
     */
    const fly = (key, start) => {
        const flight = start();
        const land = () => {
            flights.get(key) === flight && flights.delete(key);
            answers.find(key) || tabs.tell({ has: key }); // Or rather has not: nobody need wait for it.
        };
        flights.set(key, flight);
        flight.then(land, land);
        return flight;
    };

    /** @param {Question} question @param {boolean} isFresh */
    const reload = ({ call, resource, init }, isFresh) => {
        const question = questionOf(call, resource, init); // Perhaps somebody else asks now.
        question.known = answers.find(question.key);
        return fly(question.key, () => load(question, isFresh));
    };
    const shown = createShownAnswers(reload, textFor);

    tabs.listen(({ asks, has }) => {
        asks && !elsewhere.has(asks) && elsewhere.set(asks, []);
        const waiting = elsewhere.get(has) || [];
        elsewhere.delete(has);
        waiting.forEach((resume) => resume());
    });

    changes.listen((didScopesChange) => {
        if (didScopesChange) {
            answers.keepScopes(changes.scopes());
            store.keepScopes(changes.scopes());
        }
        shown.renewWhere(
            ({ callback }, entry) => !changes.counts(entry) || (didScopesChange && callback.scope !== undefined),
            false
        );
    });

    /**
     * Whether an answer can be used. One that is stale is loaded again in the background.
     *
     * @param {Question} question
     * @param {Entry} [entry]
     */
    const use = (question, entry) => {
        question.known = entry || question.known;
        if (!entry || !changes.counts(entry) || !isWithin(entry, entry.stale)) {
            return false;
        }
        answers.keep(question.key, entry);
        if (!isWithin(entry, 0)) {
            // The renderer gets the stale answer first.
            setTimeout(() => shown.renewWhere((other) => other === question, false));
        }
        return true;
    };

    /** @param {Question} question @returns {Promise<Loaded | undefined>} */
    const findOnDisk = (question) =>
        store
            .find(question.key)
            .then((entry) => (use(question, entry) ? { entry, source: /** @type {const} */ ("browser") } : undefined));

    /**
     * Waits for another tab that asks the same. Resolves to whether there was one.
     *
     * @param {string} key
     */
    const waitElsewhere = (key) =>
        new Promise((/** @type {(did: boolean) => void} */ resolve) => {
            const waiting = elsewhere.get(key);
            const end = () => {
                elsewhere.delete(key);
                resolve(true);
            };
            waiting ? waiting.push(end) && setTimeout(end, LONGEST_WAIT) : resolve(false);
        });

    /**
     * Asks the server, and takes the old answer if it fails.
     *
     * @param {Question} question
     * @returns {Promise<Loaded>}
     */
    const loadOrKnown = (question) => {
        const { known } = question;
        const isOfUse = () => known && changes.counts(known) && isWithin(known, known.error);
        return load(question).then(
            (loaded) => {
                const isFailure = loaded.response && loaded.response.status >= 500;
                return isFailure && isOfUse() ? { entry: known, source: "page" } : loaded;
            },
            (problem) => (isOfUse() ? { entry: known, source: "page" } : Promise.reject(problem))
        );
    };

    /** @param {Question} question @returns {Promise<Loaded>} */
    const search = (question) => {
        const { key, url } = question;
        if (!url) {
            return loadOrKnown(question);
        }
        tabs.tell({ asks: key });
        return findOnDisk(question)
            .then((found) => found || waitElsewhere(key).then((did) => (did ? findOnDisk(question) : undefined)))
            .then((found) => found || loadOrKnown(question));
    };

    /** @param {Question} question @returns {Promise<{ loaded: Loaded, isShared: boolean }>} */
    const look = (question) => {
        const inPage = answers.find(question.key);
        if (use(question, inPage)) {
            return Promise.resolve({ loaded: { entry: inPage, source: "page" }, isShared: true });
        }
        const flight = flights.get(question.key);
        return flight
            ? flight.then((loaded) => ({ loaded, isShared: true }))
            : fly(question.key, () => search(question)).then((loaded) => ({ loaded, isShared: false }));
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
        return changes.ready.then(() => {
            const question = questionOf(call, resource, init);
            return look(question).then(({ loaded: { entry, response, source, headers }, isShared }) => {
                if (!entry) {
                    // A response without an answer is for the callback that asked.
                    const isOfOther = isShared && question.callback.rename;
                    return isOfOther ? requests.request(resource, init) : /** @type {Response} */ (response).clone();
                }
                shown.note(question, entry);
                const isStale = !isWithin(entry, 0) && source !== "server";
                reportAnswer(call.output, isShared ? "page" : source, start, isShared ? undefined : headers, isStale);
                return json(textFor(question, entry));
            });
        });
    };

    /**
     * Loads the answers of a callback again, from its function if the server allows that.
     *
     * @param {string} output One of its outputs, as `id.property`.
     */
    const refresh = (output) => shown.renewWhere(({ call }) => namesOfOutputs(call).indexOf(output) >= 0, true);

    startPush(prefix, Boolean(settings.push), changes);
    return { answer, refresh, ask: changes.ask };
};
