// Events of the server about changes. One tab of a browser listens and tells the others, as a browser opens only six
// connections to a server. Where events do not come through, that tab asks every few seconds.

/** @typedef {import("./changes.js").Changes} Changes */

const POLL = 5000;
/** Without an event for so long after it was opened, a connection is taken for one that passes none. */
const SILENT = 4000;
const LONGEST_PAUSE = 30000;
/** How long a leader without a sign of life is believed to be there. */
const LEASE = 1800;

/**
 * Calls one function when this tab becomes the leader, and another one when it ceases to be it.
 *
 * @param {string} name
 * @param {() => void} begin
 * @param {() => void} end
 */
const lead = (name, begin, end) => {
    const own = String(Math.random());
    /** @type {AbortController | undefined} */
    let control;
    /** @type {(() => void) | undefined} */
    let release;
    let timer = 0;
    let isLeading = false;

    /** @param {boolean} now */
    const turn = (now) => {
        if (isLeading !== now) {
            isLeading = now;
            now ? begin() : end();
        }
    };

    const waitForLock = () => {
        control = new AbortController();
        const hold = () =>
            new Promise((/** @type {(value?: undefined) => void} */ resolve) => {
                release = resolve;
                turn(true);
            });
        navigator.locks.request(name, { signal: control.signal }, hold).catch(() => {});
    };

    /** Web Locks are missing on plain HTTP. The leader then writes down that it is there, again and again. */
    const look = () => {
        let isOwn = true; // Without storage, each tab listens for itself.
        try {
            const [id, at] = (localStorage[name] || "").split(" ");
            isOwn = id === own;
            if (isOwn || !(Date.now() - Number(at) < LEASE)) {
                localStorage[name] = own + " " + Date.now();
            }
        } catch (error) {}
        turn(isOwn);
        timer = setTimeout(look, LEASE / 4);
    };

    const join = () => (navigator.locks ? waitForLock() : look());

    const leave = () => {
        if (isLeading && !navigator.locks) {
            try {
                delete localStorage[name];
            } catch (error) {}
        }
        turn(false);
        release && release();
        control && control.abort();
        clearTimeout(timer);
    };

    // A page that holds a lock or a connection is not kept for the way back.
    window.addEventListener("pagehide", leave);
    window.addEventListener("pageshow", ({ persisted }) => persisted && join());
    join();
};

/**
 * @param {string} prefix
 * @param {boolean} listens Whether the server is listened to; otherwise it is asked.
 * @param {Changes} changes
 */
export const startPush = (prefix, listens, changes) => {
    /** @type {EventSource | undefined} */
    let source;
    let timers = [0];
    let pause = 500;

    const stop = () => {
        source && source.close();
        source = undefined;
        timers.forEach(clearTimeout);
        timers = [];
    };

    /** @param {() => void} act @param {number} time */
    const after = (act, time) => timers.push(setTimeout(act, time));

    const poll = () => {
        document.visibilityState === "visible" && changes.askSeldom();
        after(poll, POLL);
    };

    /** Asks until events come again. */
    const pollMeanwhile = () => {
        stop();
        after(poll, 0);
        after(open, pause * (1 + Math.random() / 2));
        pause = Math.min(2 * pause, LONGEST_PAUSE);
    };

    const open = () => {
        const opened = new EventSource(prefix + "_ferrodash/events?since=" + changes.seen());
        const silence = setTimeout(pollMeanwhile, SILENT);
        source && source.close();
        source = opened;
        opened.onmessage = ({ data }) => {
            clearTimeout(silence);
            timers.forEach(clearTimeout); // Polling ends.
            timers = [];
            pause = 500;
            changes.spread(JSON.parse(data));
        };
        opened.onerror = () => {
            clearTimeout(silence);
            opened === source && pollMeanwhile();
        };
    };

    const begin = () => (listens && window.EventSource ? open() : poll());
    // After all that the page needs to show itself.
    const start = () => lead("ferrodash push " + prefix, begin, stop);
    document.readyState === "complete" ? start() : window.addEventListener("load", start);
    document.addEventListener("visibilitychange", () => {
        document.visibilityState === "visible" && changes.askSeldom();
    });
};
