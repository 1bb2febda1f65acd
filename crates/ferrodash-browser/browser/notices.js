// Notices: small boxes at the left edge of the page.

/** @param {string} id */
export const hideNotice = (id) => {
    const notice = document.getElementById(id);
    notice && notice.remove();
};

/**
 * Shows a notice in the place of the last one with this id. Each has a button that dismisses it.
 *
 * @param {string} id
 * @param {string} place Where it is, as CSS.
 * @param {string} text
 * @param {[string, () => void][]} buttons
 */
export const showNotice = (id, place, text, ...buttons) => {
    /**
     * @param {HTMLElement} parent
     * @param {string} tag
     * @param {string} css
     * @param {string} content
     */
    const add = (parent, tag, css, content) => {
        const element = parent.appendChild(document.createElement(tag));
        element.style.cssText = "border:0;border-radius:6px;font:14px system-ui;" + css;
        element.append(content);
        return element;
    };
    const look = "position:fixed;left:16px;z-index:99999;padding:10px 16px;background:#222;color:#fff;";
    hideNotice(id);
    const box = add(document.body, "div", look + place, text);
    box.id = id;
    box.setAttribute("role", "status");
    const button = "margin-left:12px;padding:4px 12px;background:#fff;color:#222";
    for (const [name, act] of [...buttons, /** @type {const} */ (["Dismiss", () => box.remove()])]) {
        add(box, "button", button, name).onclick = act;
    }
    return box;
};

const BUSY = "The server is busy. Try again in a moment.";

/** @type {Record<number, string>} */
const REFUSALS = {
    413: "This is too large to send. Send less, such as a smaller file.",
    429: BUSY,
    503: BUSY,
};

/**
 * Shows a notice if the server refused a call. The renderer shows nothing, and the user can do something about it.
 *
 * @param {Response} response
 */
export const noticeRefusal = (response) => {
    const text = REFUSALS[response.status];
    if (text) {
        showNotice("ferrodash-refused", "top:16px", text);
    }
    return response;
};
