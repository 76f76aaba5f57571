import assert from "node:assert/strict";
import { test } from "node:test";

import { readAdapters, readHits, readReport, readSources, readStatus, readWhy } from "../src/protocol";

test("a status is read as the contract has it", () => {
    const status = readStatus({
        state: "indexing",
        message: "",
        percent: 43,
        fix: null,
        pausedUntil: null,
        model: "qwen",
        adapter: "none",
        adapterAge: { sentence: "learned today", isStale: false },
        folders: [],
    });
    const expected = { state: "indexing", message: "", percent: 43, fix: null, pausedUntil: null, model: "qwen", adapter: "none", adapterAge: "learned today", sentTo: "" };
    assert.deepEqual(status, expected);
});

for (const strange of [null, undefined, 7, "ready", [], {}, { state: "dreaming" }]) {
    test(`${JSON.stringify(strange)} is no status`, () => {
        assert.equal(readStatus(strange), undefined);
    });
}

test("an older server's status lacks fields and is still one", () => {
    const expected = { state: "ready", message: "", percent: null, fix: null, pausedUntil: null, model: "", adapter: "", adapterAge: "", sentTo: "" };
    assert.deepEqual(readStatus({ state: "ready" }), expected);
});

test("code leaves where the server answers from another machine", () => {
    const sentTo = (remote: unknown): unknown => readStatus({ state: "ready", remote })?.sentTo;
    assert.equal(sentTo({ address: "http://gpu-box:8000", onThisMachine: false }), "http://gpu-box:8000");
    assert.equal(sentTo({ address: "http://127.0.0.1:8080", onThisMachine: true }), "");
    assert.equal(sentTo(null), "");
});

test("a fix is a command of homespun, or none", () => {
    const fixOf = (fix: unknown): unknown => readStatus({ state: "problem", fix })?.fix;
    const good = { title: "Rebuild", command: "homespun.reindex", arguments: [] };
    assert.deepEqual(fixOf(good), good);
    assert.equal(fixOf({ ...good, command: "workbench.action.terminal.new" }), null);
    assert.equal(fixOf({ ...good, title: "" }), null);
});

test("sources are places; one without a URI is left out", () => {
    const source = { path: "a.py", start_line: 3, end_line: 5, score: 1, uri: "file:///a.py", preview: "def a():" };
    const location = { uri: "file:///a.py", path: "a.py", startLine: 3, endLine: 5, preview: "def a():", symbol: "" };
    assert.deepEqual(readSources([source, { ...source, uri: null }, 7]), [location]);
    assert.deepEqual(readSources({ message: "failed" }), []);
});

test("a hit is previewed by its first line with a word", () => {
    const hit = { uri: "file:///a.py", path: "a.py", start_line: 3, end_line: 5, symbol: "f", text: "\n  {\r\n  def f():\n" };
    const [location] = readHits({ hits: [hit], message: "" }).hits;
    assert.equal(location?.preview, "def f():");
    assert.equal(location.symbol, "f");
});

test("a failed command is read as its message", () => {
    const failed = { message: "homespun.why failed (KeyError); the log says more" };
    assert.equal(readWhy(failed).sentence, failed.message);
    assert.deepEqual(readHits(failed), { hits: [], message: failed.message });
    assert.deepEqual(readReport(failed), { uri: "", message: failed.message });
    assert.deepEqual(readAdapters(failed), { serving: "", setting: "", choices: [], message: failed.message });
});

test("why brings the sources along", () => {
    const source = { path: "a.py", start_line: 3, end_line: 3, uri: "file:///a.py", preview: "x" };
    const why = readWhy({ shown: true, sentence: "Written.", reason: "eos", details: { sources: [source] } });
    assert.deepEqual([why.shown, why.sentence, why.sources.length], [true, "Written.", 1]);
});
