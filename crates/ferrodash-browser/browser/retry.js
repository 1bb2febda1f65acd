// Calls that do not reach the server, and those that it refuses for now.
//
// A call is sent again only if that can do no harm: if the server has said that it did not run it, if it could not be
// sent, or if its callback only reads.

import { applyAnswer } from "./apply.js";
import { nothing } from "./call.js";
import { hideNotice, showNotice } from "./notices.js";

/** @typedef {import("./overlap.js").Job} Job */

const MOST_TIMES = 3;
const OFFLINE = "ferrodash-offline";

/** The longest time that a server can ask for, in seconds. */
const LONGEST_WAIT = 60;

/**
 * Waits; but not for a call that nobody wants any more.
 *
 * @param {Job} job
 * @param {number} milliseconds
 */
const pause = (job, milliseconds) =>
    new Promise((resolve) => {
        job.onObsolete = resolve;
        setTimeout(resolve, milliseconds);
    });

/**
 * The seconds in the header `Retry-After`, which has a number or a date.
 *
 * @param {string} text
 */
const secondsOf = (text) => (isNaN(Number(text)) ? (Date.parse(text) - Date.now()) / 1000 : Number(text));

/**
 * How long to wait before a call is sent again: as long as the server says, or twice as long each time; and a part of
 * that at random, so that pages do not come back together.
 *
 * @param {Response | undefined} response
 * @param {number} time
 */
const waitBefore = (response, time) => {
    const said = secondsOf((response && response.headers.get("Retry-After")) || "");
    const least = said > 0 ? Math.min(said, LONGEST_WAIT) * 1000 : 250 * Math.pow(2, time);
    return least * (1 + Math.random() / 2);
};

/**
 * @param {string[]} pure The callbacks that only read, by their outputs.
 * @param {import("./order.js").Order} order
 */
export const createRetries = (pure, order) => {
    /**
     * What could not be sent, the newest call of each target.
     *
     * @type {Map<string, () => void>}
     */
    const unsent = new Map();

    const sendUnsent = () => {
        hideNotice(OFFLINE);
        const calls = Array.from(unsent.values());
        unsent.clear();
        calls.forEach((send) => send());
    };
    addEventListener("online", sendUnsent);

    /**
     * Keeps a call until the connection is back. The renderer learns that the call has ended, so that nothing shows as
     * running.
     *
     * @param {Job} job
     * @param {() => Promise<Response>} attempt
     */
    const keep = (job, attempt) => {
        /** @param {Response} response */
        const show = (response) =>
            response.text().then((text) => response.status === 200 && order.admit(job) && applyAnswer(job.call, text));
        const again = () => {
            if (order.isNewest(job)) {
                attempt()
                    // If it fails and is still wanted, then the connection was not really back.
                    .then(show, () => order.isNewest(job) && keep(job, attempt))
                    .catch(() => {}); // Not an answer, for example a login page.
            }
        };
        unsent.set(job.target, again);
        showNotice(OFFLINE, "top:16px", "You are offline. The page continues when the connection is back.");
        return nothing();
    };

    /**
     * Sends a call, if need be several times.
     *
     * @param {Job} job
     * @param {() => Promise<Response>} send
     * @returns {Promise<Response>}
     */
    return (job, send) => {
        const isPure = pure.includes(job.call.output);
        unsent.delete(job.target);
        /** @param {number} time @returns {Promise<Response>} */
        const attempt = (time) => {
            const wasOffline = !navigator.onLine;
            return send().then(
                (response) => {
                    const { status } = response;
                    const isRefused = status === 429 || (isPure && status > 501 && status < 505);
                    const isAgain = isRefused && time < MOST_TIMES && !job.isObsolete;
                    return isAgain ? later(response, time) : response;
                },
                (problem) => {
                    if (job.isObsolete) {
                        throw problem;
                    }
                    if (!navigator.onLine && (isPure || wasOffline)) {
                        return keep(job, () => attempt(0)); // It was not sent, or may be sent twice.
                    }
                    if (isPure && time < MOST_TIMES) {
                        return later(undefined, time);
                    }
                    throw problem;
                }
            );
        };
        /** @param {Response | undefined} response @param {number} time */
        const later = (response, time) =>
            pause(job, waitBefore(response, time)).then(() =>
                job.isObsolete ? nothing() : attempt(time + 1)
            );
        return attempt(0);
    };
};
