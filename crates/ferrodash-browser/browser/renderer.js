// What the script reads from Dash's renderer, and how it sets properties. Everything else in the script knows components
// by their ids only.

/**
 * The id of a component as a text: a dictionary has its keys in order.
 *
 * @param {unknown} id
 */
export const nameOf = (id) =>
    typeof id === "string" ? id : JSON.stringify(id, Object.keys(/** @type {object} */ (id)).sort());

/**
 * @param {string} text
 * @returns {ComponentId}
 */
export const idOf = (text) => (text[0] === "{" ? JSON.parse(text) : text);

/** @param {string} text */
export const elementOf = (text) => document.getElementById(text);

/**
 * What is in the layout at the place of an id. Renderers before Dash 3 have no function for it.
 *
 * @param {ComponentId} id
 * @returns {DashComponent | undefined}
 */
const findInStore = (id) => {
    const { paths, layout } = stateOf();
    const path = paths && pathOf(paths, id);
    return path && path.reduce((/** @type {any} */ part, key) => part && part[key], layout);
};

/**
 * The component with an id, if it is in the layout. The renderer throws for one that is gone, or returns the whole
 * layout.
 *
 * @param {ComponentId} id
 */
const componentOf = (id) => {
    try {
        const component =
            HAS_GUEST && !window.dash_component_api ? findInStore(id) : window.dash_component_api.getLayout(id);
        return component && component.namespace ? component : undefined;
    } catch (error) {
        return undefined;
    }
};

/** @param {ComponentId} id */
export const isThere = (id) => Boolean(componentOf(id));

/**
 * The value of a property; `undefined` if it is unset or its component is gone.
 *
 * @param {ComponentId} id
 * @param {string} property
 */
export const valueOf = (id, property) => {
    const component = componentOf(id);
    return component && component.props && component.props[property];
};

/**
 * The state of the renderer; empty if it shows none.
 *
 * @returns {RendererState}
 */
export const stateOf = () => (window.store ? window.store.getState() : /** @type {any} */ ({}));

/** The callbacks, as the renderer knows them. */
export const callbacks = () => (stateOf().dependenciesRequest || {}).content || [];

/** @param {string} name */
const cookieOf = (name) => {
    const pair = document.cookie.split(/; */).find((pair) => pair.startsWith(name + "="));
    return pair && decodeURIComponent(pair.slice(name.length + 1));
};

/** The names that renderers before Dash 4 use, which have no settings for them. */
const CSRF = { csrf_token_name: "_csrf_token", csrf_header_name: "X-CSRFToken" };

/** The query with which the renderer of Dash 4 makes its calls, if the app is set to have one. */
export const queryOfCalls = () => {
    const { end_id } = stateOf().config;
    return end_id ? "?endId=" + end_id : "";
};

/**
 * The options of `fetch` with which the renderer makes its requests, among them the token against requests of other
 * sites.
 *
 * @returns {RequestInit}
 */
export const fetchOptions = () => {
    const { fetch, csrf_token_name, csrf_header_name } = HAS_GUEST
        ? Object.assign({}, CSRF, stateOf().config)
        : stateOf().config;
    const token = cookieOf(csrf_token_name);
    const headers = Object.assign({}, fetch.headers, token ? { [csrf_header_name]: token } : {});
    return Object.assign({}, fetch, { headers });
};

/**
 * The place of a component in the layout.
 *
 * @param {RendererState["paths"]} paths
 * @param {ComponentId} id
 */
export const pathOf = ({ strs, objs }, id) => {
    if (typeof id === "string") {
        return strs[id];
    }
    const keys = Object.keys(id).sort();
    const sought = JSON.stringify(keys.map((key) => id[key]));
    const found = (objs[keys.join()] || []).find(({ values }) => JSON.stringify(values) === sought);
    return found && found.path;
};

/**
 * Whether the last change of a component was made by an answer to a callback, and changed this property. Renderers
 * before Dash 4 do not know.
 *
 * @param {ComponentId} id
 * @param {string} property
 */
export const changedByCallback = (id, property) => {
    const { paths, layoutHashes } = stateOf();
    const path = paths && pathOf(paths, id);
    const change = path && layoutHashes && layoutHashes[path.join()];
    return Boolean(change && change.renderType === "callback" && property in change.changedProps);
};

/**
 * Triggers the callbacks of a carrier, and leaves no trace of it: neither in the component, which may complain about a
 * property that it does not know, nor among the changes that the renderer writes down for its undo and redo.
 *
 * @param {ComponentId} id
 * @param {string} carrier
 */
export const trigger = (id, carrier) => {
    const { history } = stateOf();
    const present = history && history.present;
    window.dash_clientside.set_props(id, { [carrier]: 1 });
    const component = componentOf(id);
    if (component && component.props) {
        delete component.props[carrier]; // Nothing is drawn before this task ends.
    }
    if (history) {
        history.present = present;
        stateOf().history = history;
    }
};

/**
 * Declares the carriers as properties of all components, so that the renderer does not report them as unknown.
 *
 * @param {string[]} namespaces
 */
export const declareCarriers = (namespaces) =>
    namespaces.forEach((namespace) => {
        const components = /** @type {any} */ (window)[namespace] || {};
        Object.keys(components).forEach((name) => {
            const { propTypes } = components[name] || {};
            if (propTypes) {
                propTypes["data-fd-*"] = () => null;
            }
        });
    });
