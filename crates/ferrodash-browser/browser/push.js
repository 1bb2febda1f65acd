// Events of the server about changes. A tab listens while it is shown, and tells the other tabs: a browser opens only six
// connections to a server, and nobody looks at the others. Of several that are shown, the one that holds a Web Lock listens.
// Where events do not come through, tabs that are shown ask every few seconds.

/** @typedef {import("./changes.js").Changes} Changes */

const POLL = 5000;
/** The server sends an event at least every 15 s. */
const SILENCE = 40000;
/** The first event comes at once. */
const FIRST_EVENT = 4000;
const SHORTEST_PAUSE = 500;
const LONGEST_PAUSE = 30000;
/**
 * A tab listens after it was shown for so long. Chromium keeps the connection of an answer for 5 s if it is cancelled
 * before its body is read (`HttpResponseBodyDrainer`), so going through six tabs would leave none for calls.
 */
const SHOWN_FOR = 250;

/**
 * @param {import("./settings.js").Settings} settings
 * @param {Changes} changes
 */
export const startPush = ({ prefix, build, push }, changes) => {
    /** @type {EventSource | undefined} */
    let source;
    let timer = 0;
    let pause = SHORTEST_PAUSE;
    /** For so long the page hears nothing before it asks. */
    let patience = push ? SILENCE : POLL;

    /** @param {() => void} act @param {number} time */
    const after = (act, time) => {
        clearTimeout(timer);
        timer = setTimeout(act, time);
    };

    const stop = () => {
        clearTimeout(timer);
        source && source.close();
        source = undefined;
    };

    const reopen = () => {
        stop();
        patience = POLL; // Until events come again.
        after(open, pause * (1 + Math.random() / 2));
        pause = Math.min(2 * pause, LONGEST_PAUSE);
    };

    const open = () => {
        const opened = new EventSource(`${prefix}_ferrodash/events?b=${build}&since=${changes.seen()}`);
        source = opened;
        after(reopen, FIRST_EVENT);
        opened.onmessage = ({ data }) => {
            after(reopen, SILENCE);
            patience = SILENCE;
            pause = SHORTEST_PAUSE;
            changes.spread(JSON.parse(data));
        };
        opened.onerror = () => opened === source && reopen();
    };

    /** Ends listening, or the wait for it. */
    let leave = stop;

    const listen = () => {
        if (!navigator.locks) {
            return open(); // They are missing on plain HTTP.
        }
        const control = new AbortController();
        const hold = () =>
            new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
                leave = () => {
                    resolve();
                    stop();
                };
                open();
            });
        leave = () => control.abort();
        navigator.locks.request("ferrodash push " + prefix, { signal: control.signal }, hold).catch(() => {});
    };

    const isVisible = () => !document.hidden;

    const look = () => {
        isVisible() && changes.isSilent(patience) && changes.ask();
        setTimeout(look, POLL);
    };

    const turn = () => {
        leave();
        leave = stop;
        isVisible() && after(listen, SHOWN_FOR);
    };

    // After all that the page needs to show itself.
    const start = () => {
        setTimeout(look, POLL); // The page is asking already.
        if (push && window.EventSource) {
            turn();
            document.addEventListener("visibilitychange", turn);
        }
    };
    document.readyState === "complete" ? start() : addEventListener("load", start);
    document.addEventListener("visibilitychange", () => isVisible() && changes.askSeldom());
};
