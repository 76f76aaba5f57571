import assert from "node:assert/strict";
import { test } from "node:test";

import { RestartPolicy } from "../../src/server/restart";

test("waits 1, 2, 4 and 8 s, and gives up at the fifth failure", () => {
    const policy = new RestartPolicy(() => 0);
    assert.deepEqual([1, 2, 3, 4, 5].map(() => policy.failed()), [1000, 2000, 4000, 8000, undefined]);
});

test("a failure is forgotten after three minutes", () => {
    let now = 0;
    const policy = new RestartPolicy(() => now);
    const delays = [0, 60, 120, 179, 181, 241].map((seconds) => {
        now = seconds * 1000;
        return policy.failed();
    });
    assert.deepEqual(delays, [1000, 2000, 4000, 8000, 8000, 8000]);
});

test("a start by hand forgets all of them", () => {
    const policy = new RestartPolicy(() => 0);
    policy.failed();
    policy.failed();
    policy.forget();
    assert.equal(policy.failed(), 1000);
});
