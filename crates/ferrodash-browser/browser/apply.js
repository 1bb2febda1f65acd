// Answers that are applied outside of the renderer's own calls: those of calls that the renderer has given up for newer
// ones, and those of calls that the script made itself.

import { flatten, listsOf } from "./call.js";
import { callbacks, idOf, isThere, nameOf, pathOf, stateOf, valueOf } from "./renderer.js";

/** @typedef {import("./call.js").Call} Call */

/**
 * Properties by the names of their components.
 *
 * @typedef {Record<string, Record<string, unknown>>} Values
 */

/**
 * The outputs in the text of an answer. Only those of several outputs are named in it.
 *
 * @param {Call} call
 * @param {{ multi?: boolean, response?: any }} answer
 * @returns {Values}
 */
const valuesOf = ({ output }, { multi, response }) =>
    multi || !response ? response || {} : { [output.slice(0, output.lastIndexOf("."))]: response.props };

/**
 * Whether two values have the same content.
 *
 * @param {any} a
 * @param {any} b
 * @returns {boolean}
 */
export const isEqual = (a, b) => {
    if (a === b || !a || !b || typeof a !== "object" || typeof b !== "object") {
        return a === b;
    }
    const keys = Object.keys(a);
    const isSameKind = Array.isArray(a) === Array.isArray(b) && keys.length === Object.keys(b).length;
    return isSameKind && keys.every((key) => isEqual(a[key], b[key]));
};

/**
 * Without the components that are gone from the page.
 *
 * @param {Values} values
 */
const ofPage = (values) => {
    /** @type {Values} */
    const rest = {};
    Object.keys(values || {})
        .filter((name) => isThere(idOf(name)))
        .forEach((name) => (rest[name] = values[name]));
    return rest;
};

/** How many characters of answers are kept in all. */
const MOST_SHOWN = 4e6;

/** @param {Values} values */
const setAll = (values) =>
    Object.keys(values).forEach((name) => window.dash_clientside.set_props(idOf(name), values[name]));

/**
 * Hands values to the renderer as the result of a callback that has just ended, so that it does everything that it does
 * at the end of its own calls: it finds new components, calls what depends on them, and keeps what a user edited.
 *
 * @param {Call} call
 * @param {Values} data
 */
const endCallback = ({ output, outputs }, data) => {
    const getOutputs = (/** @type {RendererState["paths"]} */ paths) =>
        listsOf(outputs).map((list) =>
            list.map((/** @type {{ id: ComponentId }} */ item) => Object.assign({ path: pathOf(paths, item.id) }, item))
        );
    const callback = { output, inputs: [], outputs: [], state: [], no_output: false };
    const executionResult = { data, payload: { output, outputs } };
    const ended = { callback, executionResult, getOutputs, changedPropIds: {}, predecessors: [] };
    window.store.dispatch({ type: "Callbacks.AddExecuted", payload: [ended] });
};

/**
 * Applies an answer to the page.
 *
 * @param {Call} call
 * @param {string} text
 */
export const applyAnswer = (call, text) => {
    const answer = JSON.parse(text);
    setAll(ofPage(answer.sideUpdate));
    const values = ofPage(valuesOf(call, answer));
    if (Object.keys(values).length === 0) {
        return;
    }
    // The renderer applies a patch when the answer comes, and the end of a callback has none.
    const isPatch = text.includes("__dash_patch_update");
    stateOf().callbacks && !isPatch ? endCallback(call, values) : setAll(values);
};

/**
 * Whether the value of a property is this figure, in which a user may have zoomed. Nothing else that the script knows
 * of changes in a component without being meant to.
 *
 * @param {string} property
 * @param {any} now
 * @param {any} figure
 */
export const isZoomed = (property, now, figure) =>
    property === "figure" && Boolean(now) && isEqual(now.data, figure.data) && isEqual(now.frames, figure.frames);

/**
 * Returns the function that reads answers for the renderer. A value that is equal to that of the last answer, and is still shown, stays the
 * same object, so that a chart is not drawn again and keeps its zoom.
 *
 * The last answer is kept as text, because components may change the objects that they get.
 *
 * @param {import("./back.js").Returns} [returns]
 */
export const createShown = (returns) => {
    /**
     * The last answer for what a call writes.
     *
     * @type {Map<string, { text: string, values: Values }>}
     */
    const shown = new Map();

    let characters = 0;

    /** @param {string} target */
    const forget = (target) => {
        const last = shown.get(target);
        characters -= last ? last.text.length : 0;
        shown.delete(target);
    };

    /**
     * @param {Call} call
     * @param {string} text
     */
    return (call, text) => {
        const answer = JSON.parse(text);
        const values = valuesOf(call, answer);
        const target = targetOf(call);
        const last = shown.get(target);
        const before = last && (last.text === text ? values : valuesOf(call, JSON.parse(last.text)));
        if (returns && last) {
            eachObject(last.values, (name, property) => returns.leave(valueOf(idOf(name), property), last.text));
        }
        const hasObjects = eachObject(values, (name, property, value) => {
            const old = last && last.values[name] && last.values[name][property];
            if (before && old && isEqual(before[name][property], value)) {
                const now = valueOf(idOf(name), property);
                values[name][property] = now === old || isZoomed(property, now, value) ? now : value;
            }
            if (returns) {
                before === values && property === "figure" && returns.bring(name, values[name]);
                returns.bringAll(value, text);
            }
        });
        forget(target);
        if (hasObjects && text.length < MOST_SHOWN / 2) {
            shown.set(target, { text, values });
            characters += text.length;
            while (characters > MOST_SHOWN) {
                forget(/** @type {string} */ (shown.keys().next().value));
            }
        }
        return answer;
    };
};

/**
 * Calls a function with each value that is an object. Returns whether there is any.
 *
 * @param {Values} values
 * @param {(name: string, property: string, value: object) => void} act
 */
const eachObject = (values, act) => {
    let any = false;
    Object.keys(values).forEach((name) =>
        Object.keys(values[name] || {}).forEach((property) => {
            const value = values[name][property];
            if (value && typeof value === "object") {
                any = true;
                act(name, property, value);
            }
        })
    );
    return any;
};

/**
 * The name of what a call writes: calls with the same one replace each other.
 *
 * @param {Call} call
 */
export const targetOf = ({ output, outputs, inputs }) => {
    // With `MATCH` in inputs alone, the calls differ in the components that they are about.
    const matched = (inputs || []).filter((/** @type {any} */ item) => item && !Array.isArray(item) && isObject(item.id));
    const about = output.includes('["') ? [].concat(/** @type {any} */ (outputs)) : matched;
    return output + about.map(namesOf).join();
};

/** @param {Call} call */
export const namesOfOutputs = ({ outputs }) => flatten(outputs).map(({ id, property }) => nameOf(id) + "." + property);

/**
 * Whether another callback has an output of this one as an input. Ids that are dictionaries are compared by their
 * properties only.
 *
 * @param {Call} call
 */
export const hasDependents = (call) => {
    const nameFor = (/** @type {any} */ { id, property }) => (id[0] === "{" || isObject(id) ? "" : id) + "." + property;
    const names = flatten(call.outputs).map(nameFor);
    return callbacks().some(({ output, inputs }) =>
        inputs.some((input) => output !== call.output && names.includes(nameFor(input)))
    );
};

/** @param {unknown} value */
const isObject = (value) => typeof value === "object";

/**
 * Whether a callback writes one of its own inputs. The renderer knows where such a circle began, and ends it; an answer
 * that is applied for an older call would begin it again.
 *
 * @param {Call} call
 */
export const writesOwnInput = ({ outputs, inputs }) => {
    /** @param {any} items */
    const names = (items) => flatten(items).map(({ id, property }) => nameOf(id) + "." + property.split("@")[0]);
    const read = names(inputs);
    return names(outputs).some((name) => read.includes(name));
};

/** @param {any} item @returns {string} */
const namesOf = (item) => (Array.isArray(item) ? item.map(namesOf).join() : item && nameOf(item.id));
