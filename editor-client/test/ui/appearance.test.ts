import assert from "node:assert/strict";
import { test } from "node:test";

import { ownStatus, type Status } from "../../src/protocol";
import { barText, sentence, summary, tooltip } from "../../src/ui/appearance";

const NOW = new Date(2026, 10, 21, 14, 30);

function status(changes: Partial<Status>): Status {
    return { ...ownStatus("ready", ""), ...changes };
}

const TEXTS: [Partial<Status>, string][] = [
    [{ state: "ready" }, "$(sparkle) Homespun"],
    [{ state: "ready", sentTo: "http://gpu-box:8000" }, "$(cloud-upload) Homespun: gpu-box:8000"],
    [{ state: "ready", sentTo: "https://a$(bug)/v1" }, "$(cloud-upload) Homespun: a"],
    [{ state: "paused", sentTo: "http://gpu-box:8000" }, "$(debug-pause) Homespun: paused"],
    [{ state: "starting" }, "$(loading~spin) Homespun: starting"],
    [{ state: "loading model" }, "$(loading~spin) Homespun: loading model"],
    [{ state: "loading model", percent: 12 }, "$(loading~spin) Homespun: loading model 12 %"],
    [{ state: "indexing", percent: 43.4 }, "$(sync~spin) Homespun: indexing 43 %"],
    [{ state: "paused" }, "$(debug-pause) Homespun: paused"],
    [{ state: "problem", message: "no model" }, "$(warning) Homespun: problem"],
    [{ state: "off" }, "$(circle-slash) Homespun: off"],
];

for (const [changes, expected] of TEXTS) {
    test(`the status bar says ${expected}`, () => {
        assert.equal(barText(status(changes)), expected);
    });
}

test("a pause says until when, with the day where it is another one", () => {
    const until = (time: Date): Status => status({ state: "paused", pausedUntil: time.getTime() / 1000 });
    assert.equal(summary(until(new Date(2026, 10, 21, 15, 4)), NOW), "paused until 15:04");
    assert.equal(summary(until(new Date(2026, 10, 22, 0, 4)), NOW), "paused until 2026-11-22 00:04");
});

test("the tooltip has the sentence, and the fix as a link with its arguments", () => {
    const fix = { title: "Fetch the model (398 MB)", command: "homespun.fetchModel", arguments: ["a)b"] };
    const shown = tooltip(status({ state: "problem", message: "the model is missing", fix, model: "q", adapter: "" }));
    assert.equal(
        shown,
        "**Homespun**: problem\n\nThe model is missing.\n\n"
            + "[Fetch the model \\(398 MB\\)](command:homespun.fetchModel?%5B%22a%29b%22%5D)\n\nModel q, adapter none",
    );
});

test("the tooltip says how old the adapter is, where the server does", () => {
    const shown = tooltip(status({ model: "q", adapter: "shop-1", adapterAge: "learned today; `homespun train` learns" }));
    assert.match(shown, /adapter shop\\-1\n\nLearned today; \\`homespun train\\` learns\.$/u);
    assert.match(tooltip(status({ model: "q", adapter: "shop-1" })), /adapter shop\\-1$/u);
});

test("what a server says cannot become a link", () => {
    const shown = tooltip(status({ message: "see [this](command:evil)\nand <b>that</b>" }));
    assert.match(shown, /See \\\[this\\\]\\\(command:evil\\\) and \\<b\\>that\\<\/b\\>\./u);
});

test("a sentence begins in upper case and ends with a full stop", () => {
    assert.equal(sentence("paused until 15:04"), "Paused until 15:04.");
    assert.equal(sentence("Why?"), "Why?");
});
