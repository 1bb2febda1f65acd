// The answers that the page shows. One that counts no longer, or is stale, is loaded again, and shown if it is another one.

import { applyAnswer, targetOf } from "./apply.js";
import { flatten } from "./call.js";
import { isThere } from "./renderer.js";
import { reloadOnce } from "./versions.js";

/** @typedef {import("./answers.js").Entry} Entry */
/** @typedef {import("./loader.js").Loaded} Loaded */
/** @typedef {import("./loader.js").Question} Question */

/**
 * The last question about an output.
 *
 * @typedef {object} Shown
 * @property {string} target
 * @property {Question} question
 * @property {Entry} [entry] Its answer, when it has come.
 * @property {boolean} [isRenewing]
 * @property {boolean} [isDirty] Whether something has changed since the renewal began.
 */

const MOST = 300;
/** The calls of many pages are spread over this time, in milliseconds. */
const SPREAD = 200;
const LONGEST_PAUSE = 30000;

/**
 * @param {(question: Question, isFresh: boolean) => Promise<Loaded>} reload
 * @param {(question: Question, entry: Entry) => string} textFor
 * @param {(entry: Entry) => boolean} isGood Whether an answer counts and is fresh.
 */
export const createShownAnswers = (reload, textFor, isGood) => {
    /** @type {Map<string, Shown>} */
    const shown = new Map();

    /** @param {Shown} state */
    const isLast = (state) => shown.get(state.target) === state;

    /**
     * Shows another answer.
     *
     * @param {Shown} state
     * @param {Entry} entry
     */
    const show = (state, entry) => {
        const last = /** @type {Entry} */ (state.entry);
        const isOlder = entry.era === last.era && entry.moment < last.moment;
        if (isLast(state) && !isOlder) {
            state.entry = entry;
            last.text === entry.text || applyAnswer(state.question.call, textFor(state.question, entry));
        }
    };

    /**
     * Loads an answer again. After a failure it is tried again, with growing pauses.
     *
     * @param {Shown} state
     * @param {boolean} isFresh Whether the server computes it again.
     * @param {number} [pause]
     */
    const renew = (state, isFresh, pause = 500) => {
        const isGone = !flatten(state.question.call.outputs).every(({ id }) => isThere(id));
        if (!isLast(state) || !state.entry || isGone) {
            return;
        }
        if (state.isRenewing) {
            state.isDirty = true;
            return;
        }
        /** @param {boolean} isDone */
        const end = (isDone) => {
            const isAgain = state.isDirty || !isDone;
            state.isRenewing = state.isDirty = false;
            isAgain && setTimeout(renew, pause, state, false, Math.min(2 * pause, LONGEST_PAUSE));
        };
        state.isRenewing = true;
        reload(state.question, isFresh).then(
            ({ entry, response }) => {
                entry && show(state, entry);
                const status = response ? response.status : 200;
                if (status === 401 || status === 403) {
                    reloadOnce("for a sign-in"); // What is shown may have been made for somebody else.
                }
                end(entry ? isGood(entry) || entry.on.length === 0 : status < 500 && status !== 429);
            },
            () => end(false)
        );
    };

    return {
        /**
         * Remembers a question, whose answer takes the place of the one before.
         *
         * @param {Question} question
         */
        begin: (question) => {
            const target = targetOf(question.call);
            shown.delete(target);
            shown.set(target, { target, question });
            if (shown.size > MOST) {
                shown.delete(/** @type {string} */ (shown.keys().next().value));
            }
        },

        /**
         * Remembers the answer, and loads it again if it is not a good one any more.
         *
         * @param {Question} question
         * @param {Entry} entry
         */
        note: (question, entry) => {
            const state = shown.get(targetOf(question.call));
            if (state && state.question === question) {
                state.entry = entry;
                isGood(entry) || entry.on.length === 0 || setTimeout(renew, 0, state, false);
            }
        },

        /**
         * Loads the answers again that fit.
         *
         * @param {(question: Question, entry: Entry) => boolean} fits
         * @param {boolean} isFresh
         */
        renewWhere: (fits, isFresh) => {
            const pause = isFresh ? 0 : Math.random() * SPREAD;
            shown.forEach((state) => {
                state.entry && fits(state.question, state.entry) && setTimeout(renew, pause, state, isFresh);
            });
        },
    };
};
