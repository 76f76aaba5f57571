import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { test } from "node:test";

import { cleanEnvironment, environmentChanges, run } from "../../src/install/processes";

test("lines of both streams come as they are, and the exit code at the end", async () => {
    const seen: string[] = [];
    const script = 'console.log("out\\r\\nmore"); console.error("err"); process.exitCode = 3';
    const finished = await run([process.execPath, "-e", script], { cwd: tmpdir(), line: (line) => seen.push(line) });
    assert.equal(finished.code, 3);
    assert.deepEqual([...finished.lines].sort(), ["err", "more", "out"]);
    assert.deepEqual(seen, finished.lines);
});

test("a program that is not there is an error", async () => {
    await assert.rejects(run(["/nowhere/python3"], { cwd: tmpdir() }), { code: "ENOENT" });
});

test("cancelling ends the program and what it has started", async () => {
    const stop = new AbortController();
    const child = 'setInterval(() => {}, 1000); console.log("the child is there")';
    const parent = `require("node:child_process").spawn(process.execPath, ["-e", ${JSON.stringify(child)}], {stdio: "inherit"});
        setInterval(() => {}, 1000)`;
    const line = (): void => {
        stop.abort();
    };
    // It is over when nobody holds its output any more: the child as well has ended.
    await assert.rejects(run([process.execPath, "-e", parent], { cwd: tmpdir(), line, signal: stop.signal }), { name: "AbortError" });
});

test("nothing is started after it was cancelled", async () => {
    const running = run([process.execPath, "-e", ""], { cwd: tmpdir(), signal: AbortSignal.abort() });
    await assert.rejects(running, { name: "AbortError" });
});

test("what leads a Python or pip astray is left behind, how an index is reached is not", () => {
    const given = { PATH: "/bin", HTTPS_PROXY: "proxy", PIP_INDEX_URL: "https://mirror.example", PIP_CONFIG_FILE: "/etc/pip.conf" };
    const harmful = {
        ...{ PYTHONPATH: ":src", PYTHONHOME: "/evil", PYTHONSTARTUP: "/evil.py", PYTHONWARNINGS: "error::evil.Warning" },
        ...{ VIRTUAL_ENV: "/evil", PIP_TARGET: "/evil", PIP_REQUIREMENT: "evil.txt", PIP_NO_BINARY: ":all:", Pip_User: "1" },
    };
    const kept = cleanEnvironment({ ...given, ...harmful });
    assert.deepEqual(kept, { ...given, PYTHONUTF8: "1", PYTHONSAFEPATH: "1" });
    const changed = environmentChanges({ ...given, ...harmful });
    for (const name of Object.keys(harmful)) {
        assert.ok(name in changed && changed[name] === undefined, name);
    }
});
