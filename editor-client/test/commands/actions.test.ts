import assert from "node:assert/strict";
import { test } from "node:test";

import packageJson from "../../package.json";
import { actionItems } from "../../src/commands/actions";
import { ownStatus } from "../../src/protocol";

test("every action is a command that package.json declares, or one of VS Code", () => {
    const declared = packageJson.contributes.commands.map((each) => each.command);
    const statuses = [ownStatus("ready", ""), ownStatus("paused", "")];
    const used = statuses.flatMap((status) => actionItems(status, "python").map((item) => item.command ?? ""));
    assert.deepEqual(used.filter((name) => name.startsWith("homespun.") && !declared.includes(name)), []);
});

test("the fix of a problem comes first", () => {
    const fix = { title: "Fetch the model (398 MB)", command: "homespun.fetchModel", arguments: [1] };
    const [first] = actionItems(ownStatus("problem", "no model", fix), undefined);
    assert.deepEqual(first, { label: "$(wrench) Fetch the model (398 MB)", command: "homespun.fetchModel", given: [1] });
});

test("who pauses is offered to resume, once", () => {
    const labels = (status: Parameters<typeof actionItems>[0]): string[] =>
        actionItems(status, "python").map((item) => item.label).filter((label) => /pause|resume/iu.test(label));
    assert.deepEqual(labels(ownStatus("ready", "")), ["$(debug-pause) Pause for an hour"]);
    assert.deepEqual(labels(ownStatus("paused", "")), ["$(play) Resume"]);
    const fix = { title: "Resume", command: "homespun.resume", arguments: [] };
    assert.deepEqual(labels(ownStatus("paused", "", fix)), ["$(wrench) Resume"]);
});
