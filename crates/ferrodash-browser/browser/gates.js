// Debounced inputs.
//
// On the wire a debounced input is a property that no component has, the carrier. Its gate is a function that the
// renderer calls on each change of the real property; it sets the carrier once the property has been still for the
// wait, and that triggers the callback.

/** @typedef {import("./settings.js").Gate} Gate */

/**
 * A change that is held back.
 *
 * @typedef {object} Waiting
 * @property {string} text The id of the component, as in a property's name.
 * @property {string} carrier
 * @property {ReturnType<typeof setTimeout>} timer
 */

/**
 * Whether a component is in the layout. The renderer throws for one that is gone, or returns the whole layout.
 *
 * @param {ComponentId} id
 */
const isThere = (id) => {
    try {
        return Boolean(window.dash_component_api.getLayout(id)?.namespace);
    } catch {
        return false;
    }
};

/**
 * Defines the functions of the gates.
 *
 * @param {Gate[]} gates
 */
export const defineGates = (gates) => {
    const clientside = (window.dash_clientside ||= /** @type {Clientside} */ ({}));
    const functions = (clientside.ferrodash ||= {});
    /** @type {Map<string, Waiting>} */
    const waiting = new Map();
    let count = 0;

    /** @param {string} key */
    const pass = (key) => {
        const { text, carrier, timer } = /** @type {Waiting} */ (waiting.get(key));
        clearTimeout(timer);
        waiting.delete(key);
        const id = text[0] === "{" ? JSON.parse(text) : text;
        if (isThere(id)) {
            clientside.set_props(id, { [carrier]: ++count });
        }
    };

    // Each component has its own wait, also if one gate is for all components that match a pattern.
    for (const { name, carrier, wait } of gates) {
        functions[name] = () => {
            for (const { prop_id } of clientside.callback_context.triggered) {
                const text = prop_id.slice(0, prop_id.lastIndexOf("."));
                const key = carrier + " " + text;
                clearTimeout(waiting.get(key)?.timer);
                waiting.set(key, { text, carrier, timer: setTimeout(pass, wait, key) });
            }
        };
    }

    // Leaving a field ends its wait.
    document.addEventListener("focusout", (event) => {
        const left = /** @type {Node} */ (event.target);
        for (const [key, { text }] of waiting) {
            const element = document.getElementById(text);
            if (element && (element === left || element.contains(left))) {
                // The component may write its last change in its own handler of this event.
                setTimeout(() => waiting.has(key) && pass(key));
            }
        }
    });
};
