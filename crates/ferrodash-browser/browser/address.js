// Addresses of calls that the browser may keep, and the names of outputs in their answers.

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./settings.js").ClientCallback} ClientCallback */
/** @typedef {import("./call.js").Call} Call */

/**
 * The address of a call: its callback, the build, and everything that the answer depends on.
 *
 * @param {Settings} settings
 * @param {ClientCallback} callback
 * @param {Call} call
 * @param {string} [scope] The name of those who ask, if the answer depends on that.
 */
export const addressOf = ({ prefix, build }, callback, call, scope) => {
    const query = new URLSearchParams({ b: build });
    const url = () => `${prefix}_ferrodash/call/${callback.token}?${query}`;
    if (scope) {
        query.set("s", scope);
    }
    if (callback.trigger) {
        query.set("t", JSON.stringify(call.changedPropIds || []));
    }
    if (callback.pattern) {
        const { outputs, inputs, state } = call;
        /**
         * The value of a carrier is a count, on which no answer depends.
         *
         * @param {string} _
         * @param {any} item
         */
        const real = (_, item) => (item && /^data-fd-/.test(item.property) ? Object.assign({}, item, { value: 0 }) : item);
        query.set("call", JSON.stringify({ outputs, inputs, state }, real));
        return url();
    }
    /** @type {number[]} */
    const unset = [];
    const values = callback.arguments.map((place, index) => {
        const item = (place[0] === "i" ? call.inputs : call.state)[Number(place.slice(1))];
        if (item.value === undefined) {
            unset.push(index);
            return null;
        }
        return item.value;
    });
    query.set("in", JSON.stringify(values));
    if (unset.length) {
        query.set("u", unset.join());
    }
    return url();
};

/**
 * An answer with the outputs of this callback. Callbacks of one function share their answers, which name the outputs of
 * the first of them.
 *
 * @param {ClientCallback} callback
 * @param {string} text
 */
export const renameOutputs = (callback, text) => {
    if (!callback.rename) {
        return text;
    }
    const answer = JSON.parse(text);
    /** @type {Record<string, Record<string, unknown>>} */
    const renamed = {};
    for (const [fromId, fromProperty, id, property] of callback.rename) {
        const value = (answer.response[fromId] || {})[fromProperty];
        if (value !== undefined) {
            renamed[id] = renamed[id] || {};
            renamed[id][property] = value;
        }
    }
    return JSON.stringify(Object.assign(answer, { response: renamed }));
};
