// Sessions that have expired: the server answers 401. The page then stops making calls until the user has signed in again.

import { nothing } from "./call.js";
import { emit } from "./events.js";
import { showNotice } from "./notices.js";

/** @typedef {import("./overlap.js").Job} Job */

/** The sign-in of a page. */
export const createLogin = () => {
    /**
     * The sign-in in progress.
     *
     * @type {Promise<unknown> | undefined}
     */
    let pending;

    /** How many sign-ins have ended, and whether the last one was cancelled. */
    let ended = 0;
    let wasCancelled = false;

    /** @param {boolean} isCancelled */
    const end = (isCancelled) => {
        pending = undefined;
        ended += 1;
        wasCancelled = isCancelled;
    };

    /**
     * Asks the app to sign the user in. A listener of the event calls `detail.wait` with a promise of the sign-in; without
     * one, a notice offers to reload the page.
     *
     * @returns {Promise<unknown>} It rejects if nobody signs in.
     */
    const ask = () => {
        if (!pending) {
            /** @type {Promise<unknown> | undefined} */
            let given;
            emit("login", { wait: (/** @type {Promise<unknown>} */ promise) => (given = promise) });
            if (!given) {
                const button = /** @type {[string, () => void]} */ (["Sign in", () => location.reload()]);
                showNotice("ferrodash-login", "top:16px", "You are signed out.", button);
                return Promise.reject();
            }
            pending = Promise.resolve(given);
            pending.then(
                () => end(false),
                () => end(true)
            );
        }
        return pending;
    };

    /**
     * Sends a call, after the sign-in if there is one in progress, and once more if it is refused for want of one.
     *
     * @param {Job} job
     * @param {() => Promise<Response>} send
     * @returns {Promise<Response>}
     */
    const attempt = (job, send) => {
        if (pending) {
            // The server would refuse the call if the user does not sign in.
            return pending.then(
                () => (job.isObsolete ? nothing() : attempt(job, send)),
                () => new Response("", { status: 401 })
            );
        }
        const before = ended;
        /** @param {Response} response */
        const again = (response) => {
            if (pending || ended === before) {
                return ask().then(() => (job.isObsolete ? response : send()), () => response);
            }
            // A sign-in has ended since the call was sent.
            return wasCancelled || job.isObsolete ? response : attempt(job, send);
        };
        return send().then((response) => {
            if (response.status !== 401) {
                return response;
            }
            // The renderer renews tokens itself, through its hook `request_refresh_jwt`.
            return response
                .clone()
                .text()
                .then((text) => (text.includes("JWT Expired") ? response : again(response)));
        });
    };
    return attempt;
};
