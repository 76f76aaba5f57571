import assert from "node:assert/strict";
import { test } from "node:test";

import { failureOf, progressOf } from "../src/pip";

const PROGRESS: [string, string | undefined][] = [
    ["Collecting numpy (from homespun==0.1.0)", "Collecting numpy"],
    [
        "  Downloading numpy-2.3.5-cp312-cp312-manylinux_2_27_x86_64.whl (16.6 MB)",
        "Downloading numpy-2.3.5-cp312-cp312-manylinux_2_27_x86_64.whl (16.6 MB)",
    ],
    ["  Using cached https://files.example/a/b/rich-14.2.0-py3-none-any.whl (243 kB)", "Taking rich-14.2.0-py3-none-any.whl (243 kB)"],
    ["Installing collected packages: tokenizers, rich", "Installing"],
    ["Requirement already satisfied: pip", undefined],
];

for (const [line, expected] of PROGRESS) {
    test(`${JSON.stringify(line)} shows ${String(expected)}`, () => {
        assert.equal(progressOf(line), expected);
    });
}

const NO_NETWORK = [
    "WARNING: Retrying ... NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure in name resolution",
    "ERROR: Could not find a version that satisfies the requirement homespun==0.1.0 (from versions: none)",
    "ERROR: No matching distribution found for homespun==0.1.0",
];

test("without a network it says so, though pip says that there is no such package", () => {
    assert.match(failureOf(NO_NETWORK, "homespun==0.1.0"), /^the package index cannot be reached.*connect to the network and try again/u);
});

test("a package that is not published is to be installed from a clone or a wheel", () => {
    const sentence = failureOf(NO_NETWORK.slice(1), "homespun==0.1.0");
    assert.match(sentence, /^the package index has no homespun==0\.1\.0; install it from a clone or a wheel/u);
    assert.match(sentence, /homespun\.installFrom.*homespun\.serverCommand/u);
});

test("of anything else it gives pip's last error", () => {
    const lines = ["ERROR: first", "ERROR: Package 'homespun' requires a different Python: 3.10.1 not in '>=3.11'", "notice"];
    assert.match(failureOf(lines, "/a.whl"), /^pip could not install \/a\.whl \(Package 'homespun' requires a different Python: 3\.10\.1 not in '>=3\.11'\); install/u);
    assert.match(failureOf([], "/a.whl"), /\(the log says more\)/u);
});

test("a full disk is a full disk", () => {
    assert.match(failureOf(["ERROR: Could not install: [Errno 28] No space left on device"], "/a.whl"), /^the disk is full/u);
});
