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

/**
 * Inputs, states or outputs, each as a list: with `ALL` it already is one.
 *
 * @param {any} items
 * @returns {any[][]}
 */
export const listsOf = (items) => [].concat(items || []).map((item) => [].concat(item));

/**
 * The same, those with `ALL` each for itself.
 *
 * @param {any} items
 * @returns {any[]}
 */
export const flatten = (items) => listsOf(items).reduce((all, list) => all.concat(list), []);

/** The answer to a call that changes nothing. */
export const nothing = () => new Response(null, { status: 204 });

/**
 * An answer that is read at once, so that the page need not draw before it is there. It cannot be cloned.
 *
 * @param {string} text
 * @param {Record<string, string>} headers
 */
export const ready = (text, headers) => {
    const response = new Response(null, { headers });
    response.text = () => Promise.resolve(text);
    return response;
};

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
