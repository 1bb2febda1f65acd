// Inputs whose changes are held back: debounced and throttled ones.
//
// On the wire such an input is a property that no component has, the carrier. Its gate is a function that the renderer
// calls on each change of the real property; it sets the carrier when a change passes, and that triggers the callback.
// The waits are those of lodash's `debounce` with its options `leading`, `trailing` and `maxWait`.

import { isEqual } from "./apply.js";
import { listsOf } from "./call.js";
import { changedByCallback, elementOf, idOf, isThere, nameOf, trigger, valueOf } from "./renderer.js";

/** @typedef {import("./settings.js").Gate} Gate */
/** @typedef {import("./call.js").Item} Item */

/**
 * A component whose property changed not long ago.
 *
 * @typedef {object} Wait
 * @property {Gate} gate
 * @property {string} text The id of the component, as in a property's name.
 * @property {string} key
 * @property {number} began When the wait began, or a change last passed, by `performance.now()`.
 * @property {number} last When the last change came.
 * @property {boolean} isPending Whether a change is held back.
 * @property {unknown} [value] The last value, if the component may go during the wait.
 * @property {ReturnType<typeof setTimeout>} [timer] Without it, the wait goes on until a word is composed.
 */

/** @param {Gate} gate @param {string} letter */
const has = ({ flush }, letter) => flush.includes(letter);

/**
 * Defines the functions of the gates. Returns the function that learns of calls: their values, and which waits they
 * end.
 *
 * @param {Gate[]} gates
 * @param {(carrier: string, id: ComponentId, property: string, last: unknown) => void} callAlone Makes the calls that a
 *     carrier triggers without the renderer.
 */
export const defineGates = (gates, callAlone) => {
    const clientside = (window.dash_clientside = window.dash_clientside || /** @type {Clientside} */ ({}));
    const functions = (clientside.ferrodash = clientside.ferrodash || /** @type {any} */ ({}));
    /** @type {Map<string, Wait>} */
    const waits = new Map();
    /**
     * The value of each carrier in the last call, by the element of its component: what was sent goes with the
     * component.
     *
     * @type {WeakMap<Element, Map<string, unknown>>}
     */
    const sent = new WeakMap();
    /** @type {Map<string, Gate>} */
    const byCarrier = new Map();
    gates.forEach((gate) => byCarrier.set(gate.carrier, gate));
    /**
     * The element in which a word is composed with an input method.
     *
     * @type {Node | undefined}
     */
    let composing;

    /** @param {string} text */
    const sentOf = (text) => sent.get(/** @type {Element} */ (elementOf(text))) || new Map();

    /** @param {string} text @param {string} carrier @param {unknown} value */
    const remember = (text, carrier, value) => {
        const element = elementOf(text);
        element && sent.set(element, sentOf(text).set(carrier, value));
    };

    /** @param {Wait} wait */
    const end = (wait) => {
        clearTimeout(wait.timer);
        waits.delete(wait.key);
    };

    /** @param {Wait} wait */
    const pass = ({ gate, text }) => {
        const id = idOf(text);
        if (isThere(id)) {
            const values = sentOf(text);
            const isKnown = values.has(gate.carrier) && isEqual(values.get(gate.carrier), valueOf(id, gate.property));
            isKnown || trigger(id, gate.carrier);
        }
    };

    /** @param {Wait} wait */
    const isComposed = ({ text }) => {
        const element = composing && elementOf(text);
        return Boolean(element && element.contains(/** @type {Node} */ (composing)));
    };

    /** @param {Wait} wait */
    const expire = (wait) => {
        if (isComposed(wait)) {
            wait.timer = undefined; // The end of the composition is one more change.
        } else if (wait.isPending && !wait.gate.skip_trailing) {
            wait.isPending = false;
            wait.began = performance.now();
            pass(wait);
            // A property that goes on changing is looked at again after the longest wait.
            wait.gate.longest ? arm(wait) : end(wait);
        } else {
            end(wait);
        }
    };

    /** @param {Wait} wait */
    const arm = (wait) => {
        const { gate, last, began } = wait;
        const due = Math.min(last + gate.wait, began + (gate.longest || Infinity));
        clearTimeout(wait.timer);
        wait.timer = setTimeout(expire, Math.max(0, due - performance.now()), wait);
    };

    /** @param {Wait} wait */
    const flush = (wait) => {
        end(wait);
        wait.isPending && pass(wait);
    };

    /** @param {Wait} wait */
    const flushAlone = (wait) => {
        end(wait);
        if (wait.isPending) {
            const id = idOf(wait.text);
            isThere(id) && remember(wait.text, wait.gate.carrier, valueOf(id, wait.gate.property));
            callAlone(wait.gate.carrier, id, wait.gate.property, wait.value);
        }
    };

    /** @type {(() => void) | undefined} */
    let stopWatching;

    /** Looks, as long as there are such waits, whether their components are removed. */
    const watchRemovals = () => {
        if (!stopWatching && window.store) {
            stopWatching = window.store.subscribe(() => {
                const watched = Array.from(waits.values()).filter(({ gate }) => has(gate, "u"));
                if (watched.length === 0 && stopWatching) {
                    stopWatching();
                    stopWatching = undefined;
                }
                watched.filter(({ text }) => !isThere(idOf(text))).forEach(flushAlone);
            });
        }
    };

    /**
     * @param {Gate} gate
     * @param {string} text
     */
    const change = (gate, text) => {
        const key = gate.carrier + " " + text;
        const now = performance.now();
        const known = waits.get(key);
        const wait = known || { gate, text, key, began: now, last: now, isPending: false };
        if (!gate.hold_callbacks && changedByCallback(idOf(text), gate.property)) {
            end(wait);
            return pass(wait);
        }
        wait.last = now;
        waits.set(key, wait);
        if (has(gate, "u")) {
            wait.value = valueOf(idOf(text), gate.property);
            watchRemovals();
        }
        if (isComposed(wait)) {
            wait.isPending = true;
            clearTimeout(wait.timer);
            wait.timer = undefined;
            return;
        }
        if (!known && gate.leading) {
            pass(wait);
        } else if (!wait.isPending) {
            wait.isPending = true;
        }
        arm(wait);
    };

    gates.forEach((gate) => {
        functions[gate.name] = () =>
            clientside.callback_context.triggered.forEach(({ prop_id }) =>
                change(gate, prop_id.slice(0, prop_id.lastIndexOf(".")))
            );
    });

    /**
     * Ends the waits that have this letter and whose component fits.
     *
     * @param {string} letter
     * @param {(element: Element) => boolean} fits
     */
    const flushWhere = (letter, fits) =>
        Array.from(waits.values()).forEach((wait) => {
            const element = has(wait.gate, letter) && elementOf(wait.text);
            if (element && fits(element)) {
                // The component may write its last change in its own handler of the event.
                setTimeout(() => waits.get(wait.key) === wait && fits(element) && flush(wait));
            }
        });

    /**
     * The component in which the pointer is pressed: the focus may come back to it.
     *
     * @type {Node | null}
     */
    let pressed = null;
    const on = (/** @type {string} */ name, /** @type {(event: any) => void} */ act) =>
        document.addEventListener(name, act, true);

    on("pointerdown", ({ target }) => (pressed = target));
    ["pointerup", "pointercancel"].forEach((name) => on(name, () => setTimeout(() => (pressed = null))));
    on("focusout", ({ target }) =>
        flushWhere("b", (element) => {
            const stays = [document.activeElement, pressed].some((place) => Boolean(place) && element.contains(place));
            return element.contains(target) && !stays;
        })
    );
    on("keydown", ({ key, target, isComposing }) => {
        if (key === "Enter" && !isComposing && target.tagName !== "TEXTAREA" && !target.isContentEditable) {
            flushWhere("e", (element) => element.contains(target));
        }
    });
    on("visibilitychange", () => {
        if (document.hidden) {
            // The page may be closing, so nothing that takes another task is done.
            Array.from(waits.values())
                .filter(({ gate }) => has(gate, "h"))
                .forEach(flushAlone);
        }
    });
    on("submit", ({ target }) => flushWhere("s", (element) => target.contains(element)));
    on("compositionstart", ({ target }) => (composing = target));
    on("compositionend", () =>
        // Firefox sends one more `input` after this event.
        setTimeout(() => {
            const ended = Array.from(waits.values()).filter(isComposed);
            composing = undefined;
            ended.forEach(({ gate, text }) => change(gate, text));
        })
    );

    /**
     * Learns of a call: its values, and which waits it ends.
     *
     * @param {Item[][]} inputs
     * @param {Item[][]} state
     */
    const learn = (inputs, state) => {
        inputs.forEach((items) =>
            items.forEach(({ id, property }) => {
                const gate = byCarrier.get(property);
                if (gate) {
                    const text = nameOf(id);
                    const isReal = (/** @type {Item} */ item) =>
                        item.property === gate.property && nameOf(item.id) === text;
                    const wait = waits.get(gate.carrier + " " + text);
                    state.forEach((items) =>
                        items.filter(isReal).forEach(({ value }) => remember(text, gate.carrier, value))
                    );
                    if (gate.own && wait) {
                        wait.isPending = false;
                    }
                }
            })
        );
    };
    functions.sent = (/** @type {any} */ { inputs_list, states_list }) => learn(listsOf(inputs_list), listsOf(states_list));
    return (/** @type {import("./call.js").Call} */ { inputs, state }) => learn(listsOf(inputs), listsOf(state));
};
