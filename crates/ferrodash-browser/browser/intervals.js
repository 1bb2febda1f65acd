// Intervals of a page that is hidden. Nobody sees what their callbacks would show, so they are not called until the page
// is shown again; then each interval ticks once.

import { idOf, isThere, valueOf } from "./renderer.js";

/** @typedef {import("./call.js").Call} Call */

const TICKS = ".n_intervals";

/** Returns the function that says whether a call is left for later: if nothing but intervals triggered it. */
export const createPauses = () => {
    /** @type {Set<string>} */
    const paused = new Set();

    document.addEventListener("visibilitychange", () => {
        if (!document.hidden) {
            const ids = Array.from(paused);
            paused.clear();
            ids.map(idOf)
                .filter(isThere)
                .forEach((id) => window.dash_clientside.set_props(id, { n_intervals: valueOf(id, "n_intervals") }));
        }
    });

    /** @param {Call} call */
    return ({ changedPropIds }) => {
        const names = changedPropIds || [];
        const areTicks = names.length > 0 && names.every((name) => name.endsWith(TICKS));
        const isPaused = document.hidden && areTicks;
        if (isPaused) {
            names.forEach((name) => paused.add(name.slice(0, -TICKS.length)));
        }
        return isPaused;
    };
};
