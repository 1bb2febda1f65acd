// The answers that the page keeps, in front of the browser's own HTTP cache.

const MOST_ENTRIES = 200;
const MOST_CHARACTERS = 16 << 20;

/** A map of answers until they expire. When it is full, it drops those that were not used for the longest time. */
export const createAnswers = () => {
    /** @type {Map<string, { text: string, expires: number }>} */
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
     * @param {string} text
     * @param {number} expires By `Date.now()`.
     */
    const keep = (key, text, expires) => {
        forget(key);
        if (expires <= Date.now() || text.length > MOST_CHARACTERS / 4) {
            return;
        }
        entries.set(key, { text, expires });
        characters += text.length;
        while (entries.size > MOST_ENTRIES || characters > MOST_CHARACTERS) {
            forget(/** @type {string} */ (entries.keys().next().value));
        }
    };

    /** @param {string} key */
    const find = (key) => {
        const entry = entries.get(key);
        if (entry && entry.expires > Date.now()) {
            entries.delete(key); // To the end: the first entry is the one that was used least recently.
            entries.set(key, entry);
            return entry.text;
        }
        forget(key);
    };

    return { keep, find };
};

/**
 * The time until which the browser itself would keep an answer, from the answer's headers.
 *
 * @param {Headers} headers
 */
export const expiryOf = (headers) => {
    const age = /max-age=(\d+)/.exec(headers.get("Cache-Control") || "");
    const made = Date.parse(headers.get("Date") || "") || Date.now();
    return age ? Math.min(made, Date.now()) + Number(age[1]) * 1000 : 0;
};
