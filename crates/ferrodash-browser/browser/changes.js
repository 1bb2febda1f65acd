// What the page knows of invalidations, and of who uses the browser. An answer that is kept counts as long as nothing that
// it depends on was invalidated after the moment at which the page asked for it.

/** @typedef {import("./answers.js").Entry} Entry */
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
/** The page does not ask more often than this, in milliseconds. */
const SELDOM = 1000;

/** @param {string} key @returns {Known} */
const read = (key) => {
    try {
        const known = JSON.parse(localStorage[key]);
        return known.marks && typeof known.moment === "number" ? known : nothing();
    } catch (error) {
        return nothing();
    }
};

/** @returns {Known} */
const nothing = () => ({ era: "", moment: 0, floor: 0, marks: {} });

/**
 * Adds news to what is known. The order of news of one era does not matter, as all tabs write what they hear.
 *
 * @param {Known} known
 * @param {News} news
 * @returns {Known}
 */
export const merge = (known, { seen, changed, scopes }) => {
    const [era, text] = seen.split(".");
    const moment = Number(text);
    const isSame = known.era === era;
    const merged = {
        era,
        moment: isSame ? Math.max(known.moment, moment) : moment,
        floor: isSame ? known.floor : moment,
        marks: Object.assign({}, isSame ? known.marks : {}),
        scopes: scopes || known.scopes,
    };
    if (!changed || Object.keys(merged.marks).length + changed.length > MOST_MARKS) {
        merged.floor = Math.max(merged.floor, moment);
        merged.marks = {};
    } else {
        changed.forEach((name) => (merged.marks[name] = Math.max(moment, merged.marks[name] || 0)));
    }
    return merged;
};

/**
 * @param {string} prefix
 * @param {(resource: string) => Promise<Response>} request
 * @param {Tabs} tabs
 */
export const createChanges = (prefix, request, tabs) => {
    const key = "ferrodash changes " + prefix;
    let known = read(key);
    /** Whether the server has told anything to this page. */
    let isKnown = false;
    /** Answers from before this time do not count, as the user has reloaded the page without caches. */
    let notBefore = 0;
    let asked = -SELDOM;
    /** @type {Promise<void> | undefined} */
    let asking;
    /** @type {((didScopesChange: boolean) => void)[]} */
    const listeners = [];

    /** @param {Known} now */
    const write = (now) => {
        known = now;
        try {
            localStorage[key] = JSON.stringify(now);
        } catch (error) {
            // The next page asks without knowing anything, and compares all answers.
        }
    };

    /**
     * Learns news, from the server or from another tab.
     *
     * @param {News} news
     */
    const learn = (news) => {
        const before = String(known.scopes);
        const isNew = isKnown && known.era + "." + known.moment !== news.seen;
        write(merge(read(key).era ? read(key) : known, news));
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
        tabs.tell({ news });
        learn(news);
    };
    tabs.listen(({ news }) => news && isKnown && learn(news));

    /** Asks the server what has changed since the page last knew. */
    const ask = () => {
        if (!asking) {
            const end = () => (asking = undefined);
            asked = performance.now();
            asking = request(prefix + "_ferrodash/changes?since=" + known.era + "." + known.moment)
                .then((response) => (response.ok ? response.json() : Promise.reject(response)))
                .then((/** @type {News} */ news) => {
                    notBefore = news.fresh && !isKnown ? Date.now() : notBefore;
                    spread(news);
                    isKnown = true;
                })
                .catch(() => {}); // An older server, or none: what is known stays, and nothing else is kept.
            asking.then(end, end);
        }
        return asking;
    };

    const askSeldom = () => (performance.now() - asked < SELDOM ? undefined : ask());

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

    return {
        /** Resolves when the server has told what this page must know first. */
        ready: ask(),
        ask,
        askSeldom,
        spread,
        counts,

        /** The moment for answers that are asked for now. */
        now: () => ({ era: known.era, moment: known.moment }),

        seen: () => known.era + "." + known.moment,

        scopes: () => known.scopes || [],

        /** Whether the user has just reloaded the page without caches. */
        isHardReload: () => Date.now() - notBefore < 10000,

        /** @param {(didScopesChange: boolean) => void} listen Called after the page has learnt news. */
        listen: (listen) => listeners.push(listen),
    };
};

/** @typedef {ReturnType<typeof createChanges>} Changes */
