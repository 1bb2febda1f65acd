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
    const composer = createComposer(prefix, request, order);
    const learn = defineGates(gates, composer.send);
    return {
        /**
         * Learns of a call: its values, which waits it ends, and with which headers it is made.
         *
         * @param {import("./call.js").Call} call
         * @param {import("./call.js").CallInit} init
         */
        learn(call, init) {
            learn(call);
            composer.learnHeaders(init);
        },
    };
};
