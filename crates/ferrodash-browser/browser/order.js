// The order of the calls that write the same outputs. Some answers do not come through the renderer: those of calls
// that were sent again when the connection was back, and those of calls that the script made. None may replace a newer
// one.

/**
 * A call's place in the order.
 *
 * @typedef {object} Place
 * @property {string} target What the call writes.
 * @property {number} number
 */

/** The targets that are remembered; the one that was called least recently goes first. */
const MOST_TARGETS = 5000;

export const createOrder = () => {
    /**
     * The number of the newest call, and of the newest whose answer was applied.
     *
     * @type {Map<string, { called: number, applied: number }>}
     */
    const newest = new Map();

    let last = 0;

    /**
     * Gives a call its place.
     *
     * @param {string} target
     */
    const begin = (target) => {
        const { applied } = newest.get(target) || { applied: 0 };
        last += 1;
        newest.delete(target); // To the end of the map.
        newest.set(target, { called: last, applied });
        if (newest.size > MOST_TARGETS) {
            newest.delete(/** @type {string} */ (newest.keys().next().value));
        }
        return last;
    };

    /** @param {Place} place */
    const isNewest = ({ target, number }) => {
        const known = newest.get(target);
        return !known || known.called === number;
    };

    /**
     * Whether the answer of a call may be applied: not if that of a newer one was. It then counts as applied.
     *
     * @param {Place} place
     */
    const admit = ({ target, number }) => {
        const known = newest.get(target);
        if (known && known.applied > number) {
            return false;
        }
        if (known) {
            known.applied = number;
        }
        return true;
    };

    return { begin, isNewest, admit };
};

/** @typedef {ReturnType<typeof createOrder>} Order */
