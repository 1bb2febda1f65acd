// What the page knows of invalidations, and of who uses the browser. An answer that is kept counts as long as nothing that
// it depends on was invalidated after the moment at which the page asked for it.

/** @typedef {import("./answers.js").Entry} Entry */
/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./tabs.js").Tabs} Tabs */

/**
 * What the server tells: the types of `PageChanges` in `ferrodash-wire`.
 *
 * @typedef {object} News
 * @property {string} seen The history of invalidations and the moment in it, as `era.moment`.
 * @property {string[] | null} changed The names of what was invalidated; `null` if that is not known.
 * @property {string[]} [scopes] The name of each scope.
 * @property {boolean} [fresh] Whether the user has reloaded the page without caches.
 */

/**
 * @typedef {object} Known
 * @property {string} era
 * @property {number} moment
 * @property {number} floor The moment before which answers have to be compared.
 * @property {Record<string, number>} marks The moment of the last invalidation, by names.
 * @property {string[]} [scopes]
 */

const MOST_MARKS = 1000;
/** The page does not ask more often than this by itself, in milliseconds. */
const SELDOM = 1000;

/**
 * Adds news to what is known. News of one history may come in any order.
 *
 * @param {Known} known
 * @param {News} news
 * @returns {Known}
 */
export const merge = (known, { seen, changed, scopes = known.scopes }) => {
    const [era, text] = seen.split(".");
    const at = Number(text);
    const { moment, floor, marks } = known.era === era ? known : { moment: at, floor: at, marks: {} };
    /** @type {Known} */
    const merged = { era, moment: Math.max(moment, at), floor, marks: Object.assign({}, marks), scopes };
    (changed || []).forEach((name) => (merged.marks[name] = Math.max(at, merged.marks[name] || 0)));
    if (!changed || Object.keys(merged.marks).length > MOST_MARKS) {
        // Some process may have been behind, so nothing from before this moment counts.
        merged.floor = merged.moment;
        merged.marks = {};
    }
    return merged;
};

/**
 * @param {Settings} settings
 * @param {(resource: string) => Promise<Response>} request
 * @param {Tabs} tabs
 */
export const createChanges = ({ prefix, client }, request, tabs) => {
    const key = "ferrodash changes " + prefix;
    /** Whether the server has told anything to this page. */
    let isKnown = false;
    /** Answers from before this time do not count, as the user has reloaded the page without caches. */
    let notBefore = 0;
    /** When the page last asked, and when it last heard anything, by `performance.now()`. */
    let asked = -SELDOM;
    let heard = 0;
    /** @type {Promise<void> | undefined} */
    let asking;
    let isAskedAgain = false;
    /** @type {((didScopesChange: boolean) => void)[]} */
    const listeners = [];

    /**
     * What this browser knew when a page last wrote it down. That page may have been behind this one's last; it knew all
     * up to its moment, and this page asks for the rest.
     *
     * @type {Known}
     */
    let known = { era: "", moment: 0, floor: 0, marks: {} };
    try {
        known = JSON.parse(localStorage[key]);
    } catch (error) {
        // There is nothing, or no storage.
    }

    const seen = () => known.era + "." + known.moment;

    /**
     * Learns news, from the server or from another tab.
     *
     * @param {News} news
     */
    const learn = (news) => {
        const before = String(known.scopes);
        const isNew = seen() !== news.seen;
        heard = performance.now();
        known = merge(known, news);
        try {
            localStorage[key] = JSON.stringify(known);
        } catch (error) {
            // The next page asks without knowing anything, and compares all answers.
        }
        const didScopesChange = before !== String(known.scopes);
        if (isNew || didScopesChange) {
            listeners.forEach((listen) => listen(didScopesChange));
        }
    };

    /**
     * Learns news, and tells the other tabs.
     *
     * @param {News} news
     */
    const spread = (news) => {
        tabs.tell(news);
        learn(news);
    };
    tabs.listen((news) => isKnown && learn(news));

    /** @param {News} news */
    const take = (news) => {
        notBefore = news.fresh && !heard ? Date.now() : notBefore;
        isKnown = true;
        spread(news);
    };

    /**
     * Without an answer the page keeps nothing. If the server has refused it, nobody may be signed in any more.
     *
     * @param {boolean} isRefused
     */
    const forget = (isRefused) => {
        isKnown = false;
        if (isRefused) {
            known = Object.assign({}, known, { scopes: [] });
            listeners.forEach((listen) => listen(true));
        }
    };

    /** @param {Response} response @returns {Promise<void>} */
    const read = (response) => {
        const isAnswer = response.ok && !response.redirected;
        return (isAnswer ? response.json() : Promise.reject()).then(take, () => forget(response.status < 500));
    };

    /**
     * Asks the server what has changed since the page last knew. If it is being asked already, for example with an older
     * cookie, it is asked once more after that.
     *
     * @returns {Promise<void>}
     */
    const ask = () => {
        isAskedAgain = Boolean(asking);
        if (!asking) {
            asked = performance.now();
            asking = request(prefix + "_ferrodash/changes?since=" + seen())
                .then(read, () => {}) // If the connection is lost, what is known stays.
                .then(() => {
                    asking = undefined;
                    return isAskedAgain ? ask() : undefined;
                });
        }
        return asking;
    };

    /**
     * Whether an answer still counts.
     *
     * @param {Entry} entry
     */
    const counts = ({ era, moment, on, at }) =>
        isKnown &&
        era === known.era &&
        moment >= known.floor &&
        at >= notBefore &&
        on.every((name) => !(known.marks[name] > moment));

    if (Object.keys(client).some((output) => client[output].scope !== undefined)) {
        // A page that comes back with the Back button may show what was made for somebody else.
        const { style } = document.documentElement;
        addEventListener("pagehide", () => (style.visibility = "hidden"));
        addEventListener("pageshow", ({ persisted }) => {
            const before = String(known.scopes);
            const show = () => (before === String(known.scopes) ? (style.visibility = "") : location.reload());
            persisted ? ask().then(show) : show();
        });
    }

    return {
        /** Resolves when the server has told what this page must know first. */
        ready: ask(),
        ask,
        askSeldom: () => performance.now() - asked > SELDOM && ask(),

        /** Resolves when the page is not waiting for news. */
        settled: () => asking || Promise.resolve(),
        spread,
        counts,
        seen,

        /** The moment for answers that are asked for now. */
        now: () => ({ era: known.era, moment: known.moment }),

        /** @param {number} time Whether the page has heard nothing for so long, or knows nothing. */
        isSilent: (time) => !isKnown || performance.now() - heard > time,

        scopes: () => known.scopes || [],

        /** Whether the user has just reloaded the page without caches. */
        isHardReload: () => Date.now() - notBefore < 10000,

        /** @param {(didScopesChange: boolean) => void} listen Called after the page has learnt news. */
        listen: (listen) => listeners.push(listen),
    };
};

/** @typedef {ReturnType<typeof createChanges>} Changes */
