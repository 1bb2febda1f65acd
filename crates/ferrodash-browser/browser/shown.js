// The answers that the page shows. One that counts no longer is loaded again, and shown if it is another one.

import { applyAnswer, outputsOfCall, targetOf } from "./apply.js";
import { isThere } from "./renderer.js";

/** @typedef {import("./answers.js").Entry} Entry */
/** @typedef {import("./loader.js").Loaded} Loaded */
/** @typedef {import("./loader.js").Question} Question */

const MOST = 500;
/** The calls of many pages are spread over this time, in milliseconds. */
const SPREAD = 200;
/** The longest pause before an answer is asked for again. */
const LONGEST = 30000;

/**
 * @param {(question: Question, isFresh: boolean) => Promise<Loaded>} reload
 * @param {(question: Question, entry: Entry) => string} textFor
 */
export const createShownAnswers = (reload, textFor) => {
    /** @type {Map<string, { question: Question, entry: Entry }>} */
    const shown = new Map();

    /**
     * Remembers the answer to a call.
     *
     * @param {Question} question
     * @param {Entry} entry
     */
    const note = (question, entry) => {
        const target = targetOf(question.call);
        shown.delete(target);
        shown.set(target, { question, entry });
        if (shown.size > MOST) {
            shown.delete(/** @type {string} */ (shown.keys().next().value));
        }
    };

    /** @param {Question} question */
    const isShown = (question) => {
        const last = shown.get(targetOf(question.call));
        return last && last.question === question ? last : undefined;
    };

    /**
     * Shows an answer, unless there is a newer one.
     *
     * @param {Question} question
     * @param {Entry} entry
     */
    const show = (question, entry) => {
        const last = isShown(question);
        if (last) {
            note(question, entry);
            last.entry.text === entry.text || applyAnswer(question.call, textFor(question, entry));
        }
    };

    /**
     * @param {Question} question
     * @param {boolean} isFresh
     * @param {number} [pause] After which it is asked again if there is no new answer.
     */
    const renew = (question, isFresh, pause = 500) => {
        const again = () =>
            setTimeout(() => isShown(question) && renew(question, isFresh, Math.min(2 * pause, LONGEST)), pause);
        reload(question, isFresh).then(({ entry, response }) => {
            if (entry) {
                show(question, entry);
                entry.fresh || (entry.stale && again()); // The server is still making a new one.
            } else if (response && (response.status === 401 || response.status === 403)) {
                location.reload(); // What is shown may have been made for somebody else.
            } else {
                again();
            }
        }, again);
    };

    /**
     * Loads the answers again that fit.
     *
     * @param {(question: Question, entry: Entry) => boolean} fits
     * @param {boolean} isFresh
     */
    const renewWhere = (fits, isFresh) => {
        const outdated = Array.from(shown).filter(([target, { question, entry }]) => {
            const isGone = !outputsOfCall(question.call).every(({ id }) => isThere(id));
            isGone && shown.delete(target);
            return !isGone && fits(question, entry);
        });
        const act = () => outdated.forEach(([, { question }]) => renew(question, isFresh));
        outdated.length && setTimeout(act, isFresh ? 0 : Math.random() * SPREAD);
    };

    return { note, show, renewWhere };
};
