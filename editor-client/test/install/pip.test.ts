import assert from "node:assert/strict";
import { test } from "node:test";

import { failureOf, progressOf } from "../../src/install/pip";

const PROGRESS: [string, string | undefined][] = [
    ["Collecting numpy (from -r /extension/dist/requirements.lock (line 3))", "Collecting numpy"],
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
    "ERROR: Could not find a version that satisfies the requirement numpy==2.4.6 (from versions: none)",
    "ERROR: No matching distribution found for numpy==2.4.6",
];

test("without a network it says so, though pip says that there is no such package", () => {
    assert.match(failureOf(NO_NETWORK), /^the package index cannot be reached.*connect to the network and try again/u);
});

test("where there is no wheel for the machine it says for which there is one", () => {
    const sentence = failureOf(NO_NETWORK.slice(1));
    assert.match(sentence, /^the package index has no wheel of numpy==2\.4\.6 for this system and its Python .*homespun\.serverCommand/u);
});

test("another file than the one that was locked is named", () => {
    const lines = [
        "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package versions, ...",
        "    numpy==2.4.6 from http://localhost/numpy-2.4.6-py3-none-any.whl (from -r /extension/dist/requirements.lock (line 3)):",
        "        Expected sha256 aa",
        "             Got        bb",
    ];
    assert.match(failureOf(lines), /^what the package index gave for numpy==2\.4\.6 is not what was locked .* was not installed/u);
});

test("of anything else it gives pip's last error", () => {
    const lines = ["ERROR: first", "ERROR: Package 'homespun' requires a different Python: 3.10.1 not in '>=3.11'", "notice"];
    assert.match(failureOf(lines), /^pip could not install the server \(Package 'homespun' requires a different Python: 3\.10\.1 not in '>=3\.11'\); try/u);
    assert.match(failureOf([]), /\(the log says more\)/u);
});

test("a full disk is a full disk", () => {
    assert.match(failureOf(["ERROR: Could not install: [Errno 28] No space left on device"]), /^the disk is full/u);
});
