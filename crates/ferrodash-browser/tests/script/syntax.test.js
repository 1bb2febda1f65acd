import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { test } from "node:test";

const folder = dirname(process.env.FERRODASH_SCRIPT);
const ts = createRequire(import.meta.url)("typescript");

/** The script as a compiler writes it for browsers of a year. */
const written = (script, target) => ts.transpileModule(script, { compilerOptions: { target } }).outputText;

test("the scripts have no syntax that is newer than that of Dash's bundles, which is of 2015", () => {
    const files = readdirSync(folder).filter((name) => name.endsWith(".js"));
    assert.equal(files.length, 8);
    for (const file of files) {
        const script = readFileSync(join(folder, file), "utf8");
        assert.equal(written(script, ts.ScriptTarget.ES2015), written(script, ts.ScriptTarget.ESNext), file);
    }
    const newer = "window.a ||= 1;";
    assert.notEqual(written(newer, ts.ScriptTarget.ES2015), written(newer, ts.ScriptTarget.ESNext));
});
