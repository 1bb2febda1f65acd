// What the tabs of a browser tell each other: what has changed, and never answers.

/** @typedef {import("./changes.js").News} News */

/**
 * Opens the channel to the other tabs of an app. Without one, the page is on its own.
 *
 * @param {string} prefix
 */
export const createTabs = (prefix) => {
    const channel = window.BroadcastChannel ? new BroadcastChannel("ferrodash " + prefix) : undefined;
    return {
        /** @param {News} news */
        tell: (news) => channel && channel.postMessage(news),

        /** @param {(news: News) => void} act */
        listen: (act) => channel && (channel.onmessage = ({ data }) => act(data)),
    };
};

/** @typedef {ReturnType<typeof createTabs>} Tabs */
