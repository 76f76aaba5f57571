import assert from "node:assert/strict";
import { test } from "node:test";

import { StderrLog } from "../../src/server/stderr";
import { FakeLog } from "../support/fakeLog";

test("the server's lines keep their level", () => {
    const log = new FakeLog();
    const stderr = new StderrLog(log);
    const lines = [
        "2026-11-21 19:00:00,123 WARNING homespun.server.app: slow",
        "2026-11-21 19:00:00,124 ERROR homespun.server.app: broken",
        "2026-11-21 19:00:00,125 DEBUG homespun.server.app: fine",
        "",
        "homespun: --tcp 'x' is no HOST:PORT",
    ];
    lines.forEach((line) => {
        stderr.take(line);
    });
    const [warning, error, debug, , sentence] = lines;
    assert.deepEqual(log.lines, [`warn ${String(warning)}`, `error ${String(error)}`, `debug ${String(debug)}`, `info ${String(sentence)}`]);
});

test("what it said last beside the log is why it ended", () => {
    const stderr = new StderrLog(new FakeLog());
    stderr.take("ModuleNotFoundError: No module named 'pygls'");
    stderr.take("2026-11-21 19:00:00,123 WARNING homespun.server.app: slow");
    assert.equal(stderr.last, "ModuleNotFoundError: No module named 'pygls'");
});
