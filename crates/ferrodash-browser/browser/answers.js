// The answers that the page keeps, in front of those that the browser keeps on disk.

/**
 * An answer with what says how long it counts. Times are in milliseconds.
 *
 * @typedef {object} Entry
 * @property {string} text
 * @property {string} [etag] Its validator, if the server can compare it.
 * @property {number} at When it came, by `Date.now()`.
 * @property {number} fresh The time for which it is used without asking.
 * @property {number} stale The time after that for which it is shown while the page asks.
 * @property {number} error The time after `fresh` for which it is shown if the server fails.
 * @property {string[]} on The names of what invalidates it.
 * @property {string} [scope] The name of those for whom it was made.
 * @property {string} era The history of invalidations, and the moment in it at which the page asked.
 * @property {number} moment
 */

const MOST_ENTRIES = 200;
const MOST_CHARACTERS = 16e6;

/** A map of answers. When it is full, it drops those that were not used for the longest time. */
export const createAnswers = () => {
    /** @type {Map<string, Entry>} */
    const entries = new Map();
    let characters = 0;

    /** @param {string} key */
    const forget = (key) => {
        const entry = entries.get(key);
        if (entry) {
            entries.delete(key);
            characters -= entry.text.length;
        }
    };

    /**
     * @param {string} key
     * @param {Entry} entry
     */
    const keep = (key, entry) => {
        forget(key);
        if (entry.text.length > MOST_CHARACTERS / 4) {
            return;
        }
        entries.set(key, entry);
        characters += entry.text.length;
        while (entries.size > MOST_ENTRIES || characters > MOST_CHARACTERS) {
            forget(/** @type {string} */ (entries.keys().next().value));
        }
    };

    /** @param {string} key */
    const find = (key) => {
        const entry = entries.get(key);
        if (entry) {
            entries.delete(key); // To the end: the first entry is the one that was used least recently.
            entries.set(key, entry);
        }
        return entry;
    };

    /**
     * Drops the answers that were made for somebody else.
     *
     * @param {string[]} scopes The scopes whose answers stay, beside those without any.
     */
    const keepScopes = (scopes) =>
        Array.from(entries).forEach(([key, { scope }]) => {
            scope && !scopes.includes(scope) && forget(key);
        });

    return { keep, find, keepScopes };
};

/** @typedef {ReturnType<typeof createAnswers>} Answers */
