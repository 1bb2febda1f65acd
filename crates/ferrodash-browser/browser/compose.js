// Calls that the script makes itself, because the renderer cannot make them any more: the page is about to close, or the
// component that changed is gone.

import { applyAnswer, targetOf } from "./apply.js";
import { callbacks, fetchOptions, idOf, isThere, nameOf, queryOfCalls, stateOf, valueOf } from "./renderer.js";

/** @typedef {import("./call.js").Call} Call */
/** @typedef {import("./call.js").Item} Item */

/**
 * A callback as `_dash-dependencies` describes it.
 *
 * @typedef {object} Dependency
 * @property {string} output
 * @property {Item[]} inputs
 * @property {Item[]} state
 * @property {boolean} [no_output]
 * @property {unknown} [clientside_function]
 */

/** @param {any} value */
const isWildcard = (value) => Array.isArray(value);

/**
 * The ids of the components that an id of a callback stands for, in a call about the component that changed: `MATCH`
 * takes its value from that, `ALL` has a list.
 *
 * @param {unknown} declared
 * @param {any} changed
 * @returns {any} An id or a list of ids.
 */
const idsFor = (declared, changed) => {
    const id = typeof declared === "string" ? idOf(declared) : /** @type {any} */ (declared);
    if (typeof id === "string") {
        return id;
    }
    const keys = Object.keys(id).sort();
    const isMatch = (/** @type {string} */ key) => isWildcard(id[key]) && id[key][0] === "MATCH";
    if (keys.every((key) => !isWildcard(id[key]) || isMatch(key))) {
        return keys.reduce((all, key) => Object.assign(all, { [key]: isMatch(key) ? changed[key] : id[key] }), {});
    }
    const fits = (/** @type {unknown[]} */ values) =>
        keys.every((key, index) => {
            const sought = isMatch(key) ? changed[key] : id[key];
            return isWildcard(sought) || sought === values[index];
        });
    return (stateOf().paths.objs[keys.join()] || [])
        .filter(({ values }) => fits(values))
        .map(({ values }) => keys.reduce((all, key, index) => Object.assign(all, { [key]: values[index] }), {}));
};

/**
 * The outputs of a callback, as `_dash-dependencies` writes them into one text.
 *
 * @param {string} output
 */
const outputsOf = (output) =>
    (output.startsWith("..") ? output.slice(2, -2).split("...") : [output]).map((text) => ({
        id: text.slice(0, text.lastIndexOf(".")),
        property: text.slice(text.lastIndexOf(".") + 1),
    }));

/**
 * The body of a call.
 *
 * @param {Dependency} callback
 * @param {string} carrier
 * @param {unknown} changed The id of the component that changed.
 * @param {string} property
 * @param {unknown} last The last value of the property, if the component is gone.
 * @returns {Call | undefined} Nothing if a component that the call is about is gone too.
 */
const compose = (callback, carrier, changed, property, last) => {
    let isWhole = true;
    const own = nameOf(changed);
    /** @param {Item} item @param {boolean} hasValue @returns {any} */
    const item = ({ id, property: name }, hasValue) => {
        const one = (/** @type {any} */ real) => {
            const isOwn = nameOf(real) === own;
            isWhole = isWhole && (isOwn || isThere(real));
            const value = isOwn && name === property && !isThere(real) ? last : valueOf(real, name);
            return hasValue && name !== carrier ? { id: real, property: name, value } : { id: real, property: name };
        };
        const ids = idsFor(id, changed);
        return Array.isArray(ids) ? ids.map(one) : one(ids);
    };
    const outputs = callback.no_output ? [] : outputsOf(callback.output).map((output) => item(output, false));
    const call = {
        output: callback.output,
        outputs: callback.output.startsWith("..") ? outputs : outputs[0],
        inputs: callback.inputs.map((input) => item(input, true)),
        state: callback.state.map((state) => item(state, true)),
        changedPropIds: [own + "." + carrier],
    };
    return isWhole ? call : undefined;
};

const PATH = "_dash-update-component";

/** The bytes that browsers send, in all at a time, for pages that may be gone. They refuse a request with more. */
const MOST_KEPT = 64 << 10;

/**
 * Returns the function that makes the calls that a carrier triggers.
 *
 * @param {string} prefix
 * @param {(resource: string, init: RequestInit) => Promise<Response>} request
 * @param {import("./order.js").Order} order
 */
export const createComposer = (prefix, request, order) => {
    /** The bytes of the requests in progress that outlive the page. */
    let kept = 0;

    /**
     * Sends a call, by a request that outlives the page if it is not too large. Shows the answer if the page is still
     * there.
     *
     * @param {Call} call
     */
    const sendOne = (call) => {
        const target = targetOf(call);
        const number = order.begin(target);
        const body = JSON.stringify(call);
        const bytes = new Blob([body]).size;
        const keepalive = kept + bytes <= MOST_KEPT;
        const counted = keepalive ? bytes : 0;
        const init = Object.assign(fetchOptions(), { method: "POST", body, keepalive });
        kept += counted;
        request(HAS_GUEST ? prefix + PATH + queryOfCalls() : prefix + PATH, init)
            .then((response) => (response.status === 200 ? response.text() : ""))
            .then((text) => text && order.admit({ target, number }) && applyAnswer(call, text))
            .catch(() => {}) // Nobody is left to see it.
            .then(() => (kept -= counted));
    };

    /**
     * @param {string} carrier
     * @param {ComponentId} id
     * @param {string} property
     * @param {unknown} last
     */
    return (carrier, id, property, last) => {
        callbacks()
            .filter(({ inputs, clientside_function }) => {
                const isOf = inputs.some(
                    (input) =>
                        input.property === carrier &&
                        [].concat(idsFor(input.id, id)).some((real) => nameOf(real) === nameOf(id))
                );
                return isOf && !clientside_function;
            })
            .forEach((callback) => {
                const call = compose(callback, carrier, id, property, last);
                call && sendOne(call);
            });
    };
};
