import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const path = process.env.FERRODASH_SCRIPT;
const ts = createRequire(import.meta.url)("typescript");

/** The script as a compiler writes it for browsers of a year. */
const written = (script, target) => ts.transpileModule(script, { compilerOptions: { target } }).outputText;

test("the script has no syntax that is newer than that of Dash's bundles, which is of 2015", () => {
    const script = readFileSync(path, "utf8");
    assert.equal(written(script, ts.ScriptTarget.ES2015), written(script, ts.ScriptTarget.ESNext));
    const newer = "window.a ||= 1;";
    assert.notEqual(written(newer, ts.ScriptTarget.ES2015), written(newer, ts.ScriptTarget.ESNext));
});
