// The settings of the script, which the server writes into the page. They are the types of `src/settings.rs`.

/**
 * A callback whose answers the browser may keep.
 *
 * @typedef {object} ClientCallback
 * @property {string} token Its name in addresses.
 * @property {string[]} arguments The places of its arguments in a call: `i0` is the first input, `s0` the first state.
 * @property {boolean} [trigger] Whether the answer depends on what triggered the call.
 * @property {boolean} [pattern] Whether the answer depends on which components the call is about.
 * @property {number} [scope] The place of its scope in the list of names that the page learns.
 * @property {[string, string, string, string][]} [rename] The outputs of the callback that an answer names, each with
 *     the output of this callback that takes its place, as id and property.
 */

/**
 * The gate of an input whose changes are held back. Times are in milliseconds.
 *
 * @typedef {object} Gate
 * @property {string} name The name of its function in `_dash-dependencies`.
 * @property {string} property The property whose changes are held back.
 * @property {string} carrier The property that it sets when a change passes.
 * @property {number} wait The time for which the property must not have changed.
 * @property {number} [longest] The longest time that a change is held back.
 * @property {boolean} [leading] Whether the first change passes at once.
 * @property {boolean} [skip_trailing] Whether changes that are held back are dropped at the end of the wait.
 * @property {string} flush What ends the wait before its time, a letter each.
 * @property {boolean} [hold_callbacks] Whether changes that callbacks make are held back too.
 * @property {boolean} [own] Whether the carrier is that of one callback, so that a call of it ends the wait.
 */

/**
 * @typedef {object} Batch
 * @property {string[]} outputs The callbacks whose calls may travel together, by their outputs.
 * @property {number} characters The limit of the length of a request.
 */

/**
 * What happens to calls of a callback that overlap: a name, and for `queue` how many calls may wait.
 *
 * @typedef {["latest" | "skip" | "queue" | "parallel" | "all", number]} Overlap
 */

/**
 * @typedef {object} Settings
 * @property {string} prefix The path that the app's addresses begin with.
 * @property {string} build The build of the server that rendered the page.
 * @property {Record<string, ClientCallback>} client By the callback's output.
 * @property {Gate[]} gates
 * @property {string[]} [namespaces] The packages of components, if there are gates.
 * @property {Record<string, Overlap>} [overlap] By the callback's output.
 * @property {string[]} [pure] The callbacks that only read, by their outputs.
 * @property {Batch} [batch] Without it each call is a request.
 * @property {boolean} [push] Whether the page listens to events about changes, beside asking for them.
 * @property {boolean} [ticks] Whether intervals call their callbacks while the page is hidden.
 * @property {boolean} [reload] Whether a page of an older build reloads itself.
 * @property {boolean} [guest] Whether the app is not ours, and a gateway has put the script into its page.
 * @property {number} most The limit of the length of a call.
 * @property {boolean} cloud Whether charts offer to upload themselves.
 */

/** @returns {Settings} */
export const readSettings = () => {
    const element = /** @type {HTMLElement} */ (document.getElementById("_ferrodash-config"));
    return JSON.parse(element.textContent);
};
