// The events that the script dispatches on the document, for scripts of the app.

/**
 * @param {string} name
 * @param {object} detail
 */
export const emit = (name, detail) => document.dispatchEvent(new CustomEvent("ferrodash:" + name, { detail }));

/**
 * Says where the answer of a call came from.
 *
 * @param {string} output
 * @param {"page" | "browser" | "server"} source
 * @param {number} start When the call began, by `performance.now()`.
 * @param {Headers} [headers]
 * @param {boolean} [isStale] Whether it is an answer that is no longer fresh.
 */
export const reportAnswer = (output, source, start, headers, isStale = false) =>
    emit("answer", {
        output,
        source,
        isStale,
        milliseconds: performance.now() - start,
        cacheStatus: (headers && headers.get("Cache-Status")) || "",
        serverTiming: (headers && headers.get("Server-Timing")) || "",
    });
