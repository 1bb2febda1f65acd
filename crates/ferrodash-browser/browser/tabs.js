// What the tabs of a browser tell each other: what has changed and what they ask for, and never answers.

/**
 * Opens the channel to the other tabs of an app. Without one, the page is on its own.
 *
 * @param {string} prefix
 */
export const createTabs = (prefix) => {
    /** @type {((message: any) => void)[]} */
    const listeners = [];
    const channel = window.BroadcastChannel ? new BroadcastChannel("ferrodash " + prefix) : undefined;
    if (channel) {
        channel.onmessage = ({ data }) => listeners.forEach((listen) => listen(data));
    }
    return {
        /** @param {object} message */
        tell: (message) => channel && channel.postMessage(message),

        /** @param {(message: any) => void} listen */
        listen: (listen) => listeners.push(listen),
    };
};

/** @typedef {ReturnType<typeof createTabs>} Tabs */
