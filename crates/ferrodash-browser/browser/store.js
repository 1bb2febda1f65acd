// The answers that the browser keeps on disk, in IndexedDB: the other stores that pages have are missing on plain HTTP, or
// cannot be emptied. All tabs of a browser share them. Where there is no IndexedDB, the page keeps answers in memory only.

/** @typedef {import("./answers.js").Entry} Entry */

/** @typedef {Entry & { size: number }} Stored */

const MOST_ENTRIES = 500;
const MOST_CHARACTERS = 5e7;
const LARGEST = 4e6;
/** Pruning leaves so much, so that it is not needed with each answer. */
const LEAVES = 0.8;
/** The store is also pruned after a page has written so many characters. */
const PRUNED_AFTER = 1e7;
/** A store that does not open in this time, in milliseconds, is done without. */
const PATIENCE = 3000;

/**
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const resultOf = (request) =>
    new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });

/** @param {any} entry */
const isWhole = (entry) => typeof entry.text === "string" && entry.text.length === entry.size && Array.isArray(entry.on);

/** @param {string} name The name of the database. */
export const createStore = (name) => {
    /** @type {Promise<IDBDatabase | undefined> | undefined} */
    let opened;
    /** Whether this page still writes. */
    let isWritten = true;
    /** The characters that this page has written since the last pruning. */
    let written = 0;

    const open = () => {
        opened =
            opened ||
            new Promise((/** @type {(database: IDBDatabase) => void} */ resolve, reject) => {
                const request = indexedDB.open(name, 1);
                request.onupgradeneeded = () => {
                    const answers = request.result.createObjectStore("answers");
                    answers.createIndex("at", ["at", "size"]);
                    answers.createIndex("scope", "scope");
                };
                request.onsuccess = () => {
                    request.result.onversionchange = () => request.result.close();
                    request.result.onclose = () => (opened = undefined);
                    resolve(request.result);
                };
                request.onerror = request.onblocked = () => reject(request.error);
                setTimeout(reject, PATIENCE);
            }).catch(() => undefined);
        return opened;
    };

    /**
     * Runs a transaction. Its result is `undefined` if there is no store.
     *
     * @template T
     * @param {IDBTransactionMode} mode
     * @param {(answers: IDBObjectStore) => Promise<T> | T} act
     * @returns {Promise<T | undefined>}
     */
    const transact = (mode, act) =>
        open().then(
            (database) =>
                database &&
                new Promise((resolve, reject) => {
                    const transaction = database.transaction("answers", mode);
                    /** @type {T} */
                    let result;
                    transaction.oncomplete = () => resolve(result);
                    transaction.onerror = transaction.onabort = () => reject(transaction.error);
                    Promise.resolve(act(transaction.objectStore("answers"))).then((value) => (result = value), reject);
                })
        );

    /**
     * @param {IDBObjectStore} answers
     * @param {string} index
     * @param {IDBCursorDirection} direction
     * @param {(cursor: IDBCursor) => void} act
     */
    const eachKey = (answers, index, direction, act) => {
        const request = answers.index(index).openKeyCursor(null, direction);
        request.onsuccess = () => {
            const cursor = request.result;
            if (cursor) {
                act(cursor);
                cursor.continue();
            }
        };
    };

    /**
     * Removes the answers that were written the longest time ago, in one pass and without reading them.
     *
     * @param {number} share The share of the limits that is left.
     */
    const prune = (share) =>
        transact("readwrite", (answers) => {
            let count = 0;
            let characters = 0;
            eachKey(answers, "at", "prev", ({ key, primaryKey }) => {
                count += 1;
                characters += /** @type {number[]} */ (key)[1];
                if (count > MOST_ENTRIES * share || characters > MOST_CHARACTERS * share) {
                    answers.delete(primaryKey);
                }
            });
        });

    /** @param {any} problem */
    const stopWriting = (problem) => {
        isWritten = false;
        console.warn("Ferrodash keeps no more answers on disk.", problem);
    };

    /** @param {string} key */
    const forget = (key) => transact("readwrite", (answers) => void answers.delete(key)).catch(() => {});

    /**
     * @param {string} key
     * @returns {Promise<Entry | undefined>}
     */
    const find = (key) =>
        transact("readonly", (answers) => resultOf(/** @type {IDBRequest<Stored>} */ (answers.get(key))))
            .then((entry) => (entry && !isWhole(entry) ? forget(key).then(() => undefined) : entry))
            .catch(() => undefined);

    /**
     * @param {string} key
     * @param {Entry} entry
     * @returns {Promise<unknown>}
     */
    const put = (key, entry) => {
        const size = entry.text.length;
        if (!isWritten || size > LARGEST) {
            return Promise.resolve();
        }
        const stored = Object.assign({ size }, entry);
        const write = () =>
            transact("readwrite", (answers) => {
                answers.put(stored, key);
                return resultOf(answers.count());
            });
        written += size;
        return write()
            .then((count) => {
                const isFull = Number(count) > MOST_ENTRIES || written > PRUNED_AFTER;
                written = isFull ? 0 : written;
                return isFull ? prune(LEAVES) : undefined;
            })
            .catch(() => prune(LEAVES / 2).then(write))
            .catch(stopWriting);
    };

    /**
     * Removes the answers that were made for somebody else.
     *
     * @param {string[]} scopes The scopes whose answers stay, beside those without any.
     */
    const keepScopes = (scopes) =>
        transact("readwrite", (answers) =>
            eachKey(answers, "scope", "next", ({ key, primaryKey }) => {
                !scopes.includes(/** @type {string} */ (key)) && answers.delete(primaryKey);
            })
        ).catch(() => {});

    open(); // Before the page is busy with its bundles.
    return { find, put, keepScopes };
};
