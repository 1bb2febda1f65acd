// Calls that do not reach the server, and those that it refuses for now.
//
// A call is sent again only if that can do no harm: if the server has said that it did not run it, if it could not be
// sent, or if its callback only reads.

import { applyAnswer, targetOf } from "./apply.js";
import { hideNotice, showNotice } from "./notices.js";

/** @typedef {import("./call.js").Call} Call */

const MOST_TIMES = 3;
const OFFLINE = "ferrodash-offline";

/** @param {number} milliseconds */
const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/**
 * How long to wait before a call is sent again: as long as the server says, or twice as long each time; and a part of
 * that at random, so that pages do not come back together.
 *
 * @param {Response | undefined} response
 * @param {number} time
 */
const waitBefore = (response, time) => {
    const said = response && Number(response.headers.get("Retry-After"));
    const least = said ? said * 1000 : 250 * Math.pow(2, time);
    return least * (1 + Math.random() / 2);
};

/**
 * @param {string[]} pure The callbacks that only read, by their outputs.
 */
export const createRetries = (pure) => {
    /**
     * What could not be sent, the newest call of each output.
     *
     * @type {Map<string, () => void>}
     */
    const unsent = new Map();

    const isOffline = () => navigator.onLine === false;

    const sendUnsent = () => {
        hideNotice(OFFLINE);
        const calls = Array.from(unsent.values());
        unsent.clear();
        calls.forEach((send) => send());
    };
    window.addEventListener("online", sendUnsent);

    /**
     * Keeps a call until the connection is back. The renderer learns that the call has ended, so that nothing shows as
     * running.
     *
     * @param {Call} call
     * @param {() => Promise<Response>} attempt
     */
    const keep = (call, attempt) => {
        const again = () =>
            attempt().then(
                (response) => {
                    response.status === 200 && response.text().then((text) => applyAnswer(call, text));
                },
                // The connection was not really back.
                () => unsent.has(targetOf(call)) || keep(call, attempt)
            );
        unsent.set(targetOf(call), again);
        showNotice(OFFLINE, "top:16px", "You are offline. The page continues when the connection is back.");
        return new Response(null, { status: 204 });
    };

    /**
     * Sends a call, if need be several times.
     *
     * @param {Call} call
     * @param {() => Promise<Response>} send
     * @param {() => boolean} isObsolete Whether its answer is not wanted any more.
     * @returns {Promise<Response>}
     */
    return (call, send, isObsolete) => {
        const isPure = pure.indexOf(call.output) >= 0;
        unsent.size && unsent.delete(targetOf(call));
        /** @param {number} time @returns {Promise<Response>} */
        const attempt = (time) => {
            const wasOffline = isOffline();
            return send().then(
                (response) => {
                    const { status } = response;
                    const isRefused = status === 429 || (isPure && [502, 503, 504].indexOf(status) >= 0);
                    const isAgain = isRefused && time < MOST_TIMES && !isObsolete();
                    return isAgain ? later(response, time) : response;
                },
                (problem) => {
                    if (isObsolete()) {
                        throw problem;
                    }
                    if (isOffline() && (isPure || wasOffline)) {
                        return keep(call, () => attempt(0)); // It was not sent, or may be sent twice.
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
            pause(waitBefore(response, time)).then(() =>
                isObsolete() ? new Response(null, { status: 204 }) : attempt(time + 1)
            );
        return attempt(0);
    };
};
