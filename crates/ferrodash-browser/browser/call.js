// The renderer's calls of callbacks, among all requests of the page.

/** @typedef {import("./settings.js").Settings} Settings */

/** @typedef {{ id: unknown, property: string, value?: unknown }} Item An input or state with its value. */

/**
 * The body of a call.
 *
 * @typedef {object} Call
 * @property {string} output The callback.
 * @property {unknown} outputs
 * @property {Item[]} inputs
 * @property {Item[]} state
 * @property {string[]} [changedPropIds]
 */

/** @typedef {RequestInit & { body: string }} CallInit The options of `fetch` for a call. */

/**
 * The call in a request, if the script handles it. Requests of background callbacks go through untouched.
 *
 * @param {Settings} settings
 * @param {unknown} resource
 * @param {RequestInit} [init]
 * @returns {Call | false | undefined}
 */
export const callOf = ({ prefix }, resource, init) => {
    if (typeof resource === "string" && init && init.method === "POST" && typeof init.body === "string") {
        const { origin, pathname, search } = new URL(resource, location.href);
        const isPlain = !/[?&](cacheKey|job|oldJob|cancelJob)=/.test(search);
        const isOurs = origin === location.origin && pathname === prefix + "_dash-update-component";
        return isPlain && isOurs && JSON.parse(init.body);
    }
};
