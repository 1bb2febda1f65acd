// Calls of one callback that overlap. The renderer gives up a call as soon as it makes a newer one, and then ignores the
// answer. Here the answer of an older call is applied as long as no newer one has come.
//
// Older calls settle together with the newest one: the renderer would otherwise show that nothing runs any more.

import { applyAnswer, hasDependents, targetOf, writesOwnInput } from "./apply.js";
import { nothing } from "./call.js";

/** @typedef {import("./call.js").Call} Call */

/**
 * A call in progress, or one that waits for its turn.
 *
 * @typedef {object} Job
 * @property {Call} call
 * @property {string} target What it writes.
 * @property {number} number Its number among the calls that write the same.
 * @property {boolean} isLeft Whether it is not sent: it has the answer of the call in progress, if there is one.
 * @property {(job: Job) => Promise<Response>} send
 * @property {(response: Response) => void} settle
 * @property {AbortController} [controller]
 * @property {number} started
 * @property {boolean} [isSettled] Whether the renderer has got the answer of an older call for it.
 * @property {boolean} [isObsolete] Whether its answer is not wanted any more.
 * @property {(value?: unknown) => void} [onObsolete] Is called when that is so.
 * @property {Response} [response]
 * @property {string} [text] The answer.
 */

/**
 * The calls that write the same outputs.
 *
 * @typedef {object} Line
 * @property {string} target
 * @property {Job[]} running In the order in which they started.
 * @property {Job[]} waiting
 * @property {Job[]} older Calls that the renderer has given up, and that are not settled yet.
 * @property {Job} [newest]
 * @property {boolean} wasAborted Whether the last call was, so that the next one is not.
 */

/**
 * All calls are made, as without this script.
 *
 * @type {import("./settings.js").Overlap}
 */
const ALL = ["all", 1];
const MOST_OLDER = 50;
/** A call that takes so much longer, or already has, is aborted for a newer one, in milliseconds. */
const WORTH_ABORTING = 2000;

/** @param {Job} job */
const outdate = (job) => {
    job.isObsolete = true;
    job.onObsolete && job.onObsolete();
};

/**
 * For a call whose connection was lost. The renderer switches `running` off when it has a response, and only then.
 */
const unanswered = () => new Response("Callback failed: the server did not respond.", { status: 502 });

/**
 * @param {Record<string, import("./settings.js").Overlap>} policies By the callback's output.
 * @param {(call: Call, text: string) => unknown} parse Reads an answer for the renderer.
 * @param {import("./order.js").Order} order
 */
export const createOverlap = (policies, parse, order) => {
    /** @type {Map<string, Line>} */
    const lines = new Map();
    /**
     * How long the last call of a callback took.
     *
     * @type {Map<string, number>}
     */
    const usual = new Map();

    /** @param {Line} line @param {Job} job */
    const giveUp = (line, job) => {
        line.older.push(job);
        if (line.older.length > MOST_OLDER) {
            /** @type {Job} */ (line.older.shift()).settle(nothing());
        }
    };

    /** @param {Line} line @param {Response} response */
    const settle = (line, response) => {
        line.older.splice(0).forEach((older) => older.settle(nothing()));
        /** @type {Job} */ (line.newest).settle(response);
    };

    /**
     * The answer of a call for the renderer: nothing, if a newer one was applied without it.
     *
     * @param {Job} job
     */
    const answerOf = (job) =>
        job.text === undefined || order.admit(job) ? /** @type {Response} */ (job.response) : nothing();

    /** @param {Job} job */
    const show = (job) => {
        const { call, text } = job;
        if (text !== undefined && !writesOwnInput(call) && order.admit(job)) {
            try {
                applyAnswer(call, text);
            } catch (error) {
                // Not an answer, for example a login page. The newest call will say so.
            }
        }
    };

    /**
     * The whole answer, so that nothing can come between its beginning and its end.
     *
     * @param {Job} job
     * @param {Response} response
     */
    const read = (job, response) => {
        const { status, headers } = response;
        if (status !== 200) {
            return response;
        }
        return response.text().then((text) => {
            if (!/json/.test(/** @type {string} */ (headers.get("content-type")))) {
                // A login page, for example: with the status 200 the callback would never end.
                return new Response(text, { status: 500 });
            }
            job.text = text;
            // Programs that watch the page's requests clone responses, or read them again.
            const answer = new Response(text, { headers });
            answer.json = () => new Promise((resolve) => resolve(parse(job.call, text)));
            return answer;
        });
    };

    /** @param {Line} line @param {Job} job */
    const start = (line, job) => {
        line.running.push(job);
        job.started = performance.now();
        job.send(job)
            .then((response) => read(job, response))
            .then(
                (response) => end(line, job, response),
                () => end(line, job, unanswered())
            );
    };

    /** @param {Line} line @param {Job} job @param {Response} response */
    const end = (line, job, response) => {
        const policy = policies[job.call.output] || ALL;
        const at = line.running.indexOf(job);
        usual.set(job.call.output, performance.now() - job.started);
        job.response = response;
        if (policy[0] === "parallel") {
            return endInOrder(line);
        }
        if (at < 0) {
            return; // Aborted, or a newer answer came before it.
        }
        // What started before it comes too late from now on.
        line.running.splice(0, at + 1).forEach((late) => late !== job && outdate(late));
        line.wasAborted = false;
        finish(line, job);
        const next = line.waiting.shift();
        next && start(line, next);
    };

    /** @param {Line} line */
    const endInOrder = (line) => {
        while (line.running.length > 0 && line.running[0].response) {
            const first = /** @type {Job} */ (line.running.shift());
            finish(line, first);
        }
    };

    /**
     * Passes an answer on. The renderer waits for the newest call, which has the last answer, also if it was not sent.
     *
     * @param {Line} line
     * @param {Job} job
     */
    const finish = (line, job) => {
        const isLast = line.running.length + line.waiting.length === 0;
        const newest = /** @type {Job} */ (line.newest);
        if (line.waiting.length && hasDependents(job.call)) {
            // The renderer calls nothing that depends on a callback in progress, and this one may never be without one.
            newest.isSettled = true;
            settle(line, answerOf(job));
        } else {
            isLast && !newest.isSettled ? settle(line, answerOf(job)) : show(job);
            isLast && lines.delete(line.target);
        }
    };

    /**
     * Aborts the call in progress if the newer one would wait for it for long. Of two in a row one always ends, so that
     * the page shows something.
     *
     * @param {Line} line
     */
    const abort = (line) => {
        const [job] = line.running;
        const taken = performance.now() - job.started;
        const left = (usual.get(job.call.output) || 0) - taken;
        const isLong = Math.max(taken, left) > WORTH_ABORTING;
        if (isLong && !line.wasAborted && job.controller) {
            line.wasAborted = true;
            line.running.shift();
            outdate(job);
            job.controller.abort();
            start(line, /** @type {Job} */ (line.waiting.shift()));
        }
    };

    /** @param {Line} line @param {Job} job */
    const add = (line, job) => {
        const [name, most] = policies[job.call.output] || ALL;
        const isFree = line.running.length === 0;
        if (isFree && job.isLeft) {
            lines.delete(line.target);
            return settle(line, nothing());
        }
        if (job.isLeft || (name === "skip" && !isFree)) {
            return; // It settles with the answer of the call in progress.
        }
        job.number = order.begin(line.target);
        if (name === "all" || name === "latest") {
            line.running.concat(line.waiting).forEach(outdate);
        }
        if (isFree || name === "all" || name === "parallel") {
            return start(line, job);
        }
        line.waiting.push(job);
        if (line.waiting.length > (name === "queue" ? most : 1)) {
            line.waiting.shift();
        }
        name === "latest" && abort(line);
    };

    /**
     * Sends a call as the callback's policy says.
     *
     * @param {Call} call
     * @param {boolean} isLeft Whether it is left for later.
     * @param {Job["send"]} send
     * @returns {Promise<Response>}
     */
    return (call, isLeft, send) =>
        new Promise((settle) => {
            const target = targetOf(call);
            const line = lines.get(target) || {
                target,
                running: [],
                waiting: [],
                older: [],
                wasAborted: false,
            };
            const isLatest = (policies[call.output] || ALL)[0] === "latest";
            lines.set(target, line);
            const controller = isLatest && window.AbortController ? new AbortController() : undefined;
            const job = { call, target, number: 0, isLeft, send, settle, controller, started: 0 };
            line.newest && giveUp(line, line.newest);
            line.newest = job;
            add(line, job);
        });
};
