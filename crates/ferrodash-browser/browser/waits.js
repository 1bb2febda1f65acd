// The part of the script that holds changes back.

import { createComposer } from "./compose.js";
import { defineGates } from "./gates.js";

/** @typedef {import("./settings.js").Settings} Settings */
/** @typedef {import("./versions.js").Requests} Requests */

/**
 * @param {Settings} settings
 * @param {Requests} requests
 * @param {import("./order.js").Order} order
 */
export const createWaits = ({ prefix, gates }, { request }, order) => {
    const callAlone = createComposer(prefix, request, order);
    /** Learns of a call: its values, and which waits it ends. */
    const learn = defineGates(gates, callAlone);
    return { learn };
};
