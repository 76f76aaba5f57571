import assert from "node:assert/strict";
import { test } from "node:test";

import { pauseForAnHour, resume } from "../../src/commands/pause";
import { FakeCommandContext } from "../support/fakeCommandContext";

test("a pause is an hour, and an old server that knows none is an error", async () => {
    const context = new FakeCommandContext({ "homespun.pause": { state: "paused" }, "homespun.resume": { state: "ready" } });
    await pauseForAnHour(context);
    await resume(context);
    assert.deepEqual(context.calls, [["homespun.pause", 60], ["homespun.resume"]]);
    assert.deepEqual(context.fake.lines, ["info homespun.pause: paused", "info homespun.resume: ready"]);
    await assert.rejects(pauseForAnHour(new FakeCommandContext()), /older than this extension/u);
});
