// Sessions that have expired: the server answers 401. The page then stops making calls until the user has signed in again.

import { emit } from "./events.js";
import { showNotice } from "./notices.js";

/** The sign-in of a page. */
export const createLogin = () => {
    /**
     * The sign-in in progress.
     *
     * @type {Promise<unknown> | undefined}
     */
    let pending;

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
                return Promise.reject(new Error("Nobody listens to ferrodash:login."));
            }
            const end = () => (pending = undefined);
            pending = Promise.resolve(given);
            pending.then(end, end);
        }
        return pending;
    };

    /**
     * Sends a call, after the sign-in if there is one in progress, and once more if it is refused for want of one.
     *
     * @param {() => Promise<Response>} send
     * @returns {Promise<Response>}
     */
    return (send) => {
        const first = pending ? pending.then(send, send) : send();
        return first.then((response) => {
            if (response.status !== 401) {
                return response;
            }
            // The renderer renews tokens itself, through its hook `request_refresh_jwt`.
            return response
                .clone()
                .text()
                .then((text) => (text.indexOf("JWT Expired") >= 0 ? response : ask().then(send, () => response)));
        });
    };
};
