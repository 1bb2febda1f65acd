// Pages of another build. A request names the build of its page. The server names its own build in answers to pages of
// another one, and answers 410 to what it cannot answer for them.

import { emit } from "./events.js";
import { showNotice } from "./notices.js";

/** @typedef {import("./settings.js").Settings} Settings */

const BUILD = "X-Ferrodash-Build";
const PAGE = "X-Ferrodash-Page";

/**
 * Reloads the page once for each reason: it would not end if a proxy went on sending the old page.
 *
 * @param {string} reason
 */
export const reloadOnce = (reason) => {
    const key = "ferrodash reloaded " + reason;
    try {
        if (!sessionStorage[key]) {
            sessionStorage[key] = true;
            location.reload();
        }
    } catch (error) {
        // Without storage the page cannot know whether it was reloaded.
    }
};

/**
 * The requests of a page, each with the page's build.
 *
 * @param {Settings} settings
 */
export const createRequests = ({ build: ownBuild, reload }) => {
    const realFetch = window.fetch;
    // Tells this page from others, for values that the server keeps for it.
    const page = crypto.getRandomValues(new Uint32Array(4)).join("-");
    /** @type {Record<string, string>} */
    const own = { [BUILD]: ownBuild, [PAGE]: page };
    /** @type {HTMLElement | undefined} */
    let banner;

    const showBanner = () => {
        const button = /** @type {[string, () => void]} */ (["Reload", () => location.reload()]);
        banner = showNotice("ferrodash-stale", "bottom:16px", "A new version of this app is available.", button);
    };

    /**
     * Looks whether an answer comes from another build.
     *
     * @param {Pick<Response, "headers" | "status">} response
     */
    const checkBuild = ({ headers, status }) => {
        const build = headers.get(BUILD);
        const refused = status === 410;
        if (build) {
            banner || showBanner();
            emit("stale", { build, refused });
            refused && reload && reloadOnce(ownBuild);
        }
    };

    /**
     * Sends a request.
     *
     * @param {RequestInfo | URL} resource
     * @param {RequestInit} [init]
     */
    const request = (resource, init = {}) => {
        const headers = Object.assign({}, own, init.headers);
        return realFetch.call(window, resource, Object.assign({}, init, { headers })).then((response) => {
            checkBuild(response);
            return response;
        });
    };

    return { request, checkBuild, own };
};

/** @typedef {ReturnType<typeof createRequests>} Requests */
