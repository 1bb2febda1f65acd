// What Back and Forward bring again beside the answers: the place to which the page was scrolled, and the zoom of charts.
// A browser scrolls by itself, but before the content is there.

import { isZoomed } from "./apply.js";
import { nameOf } from "./renderer.js";

/** What comes so soon after Back is what the page showed then, in milliseconds. */
const SOON = 1000;
const MOST_FIGURES = 50;

/**
 * Calls a function with the properties of each chart in a tree of components.
 *
 * @param {any} tree
 * @param {(props: any) => void} act
 */
const eachChart = (tree, act) =>
    [].concat(tree).forEach((/** @type {any} */ component) => {
        const props = component && component.props;
        props && (props.figure && props.id ? act(props) : eachChart(props.children, act));
    });

/** @typedef {ReturnType<typeof createReturns>} Returns */

export const createReturns = () => {
    /**
     * The scroll positions, by address.
     *
     * @type {Record<string, number>}
     */
    const places = {};
    /**
     * The figures of charts that are gone, by the names of the charts, each with the answer that it came with.
     *
     * @type {Map<string, { figure: any, text: string }>}
     */
    const figures = new Map();
    let end = 0;

    const isSoon = () => performance.now() < end;

    addEventListener("popstate", ({ isTrusted }) => {
        const { href } = location;
        const place = places[href];
        // Again and again, as charts get their height late; until the user, or the app, goes on.
        const step = () => {
            if (isSoon() && href === location.href) {
                scrollTo({ top: place, behavior: "instant" });
                requestAnimationFrame(step);
            }
        };
        if (isTrusted) {
            end = performance.now() + SOON; // Scripts open pages with such events, too.
        }
        // A browser goes to the place that a hash names.
        href.includes("#") || step();
    });
    addEventListener("scroll", () => isSoon() || (places[location.href] = scrollY));
    ["wheel", "touchmove", "keydown"].forEach((name) => addEventListener(name, () => (end = 0), true));

    /**
     * Gives a chart the figure that it had when it was left, if that differs in nothing but the zoom.
     *
     * @param {string} name
     * @param {any} props
     * @param {string} [text] The answer that it came with, if that may be another one.
     */
    const bring = (name, props, text) => {
        const left = isSoon() && figures.get(name);
        if (left && (!text || text === left.text) && isZoomed("figure", left.figure, props.figure)) {
            props.figure = left.figure;
        }
    };

    return {
        bring,

        /** @param {any} tree @param {string} text */
        bringAll: (tree, text) => eachChart(tree, (props) => bring(nameOf(props.id), props, text)),

        /**
         * Remembers the figures in a value that another one replaces.
         *
         * @param {any} tree
         * @param {string} text The answer that the value came with.
         */
        leave: (tree, text) =>
            eachChart(tree, ({ id, figure }) => {
                figures.size > MOST_FIGURES && figures.clear();
                figures.set(nameOf(id), { figure, text });
            }),
    };
};
