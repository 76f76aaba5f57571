import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import type { Status } from "../../src/protocol";
import { Lifecycle, NotRunning, type Connection, type Events } from "../../src/server/lifecycle";
import { RestartPolicy } from "../../src/server/restart";
import { FakeLog } from "../support/fakeLog";

class FakeConnection implements Connection {
    readonly version = "0.1.0";
    readonly calls: unknown[][] = [];
    isStopped = false;
    asked = 0;

    constructor(readonly events: Events) {}

    call(...call: unknown[]): Promise<unknown> {
        this.calls.push(call);
        return Promise.resolve(call[0] === "homespun.status" ? { state: "ready" } : "answer");
    }

    settingsChanged(): Promise<void> {
        this.asked += 1;
        return Promise.resolve();
    }

    stop(): Promise<void> {
        this.isStopped = true;
        return Promise.resolve();
    }
}

let command: readonly string[] | undefined;
let log: FakeLog;
let made: FakeConnection[];
let refusals: string[]; // of the next starts
let shown: Status[];
let timers: { work: () => void; milliseconds: number; isCancelled: boolean }[];
let lifecycle: Lifecycle;

beforeEach(() => {
    command = ["homespun", "serve", "--stdio"];
    log = new FakeLog();
    [made, refusals, shown, timers] = [[], [], [], []];
    lifecycle = new Lifecycle({
        choose: () => command,
        connect: (_, events) => {
            const refusal = refusals.shift();
            if (refusal !== undefined) {
                return Promise.reject(new Error(refusal));
            }
            const connection = new FakeConnection(events);
            made.push(connection);
            return Promise.resolve(connection);
        },
        policy: new RestartPolicy(() => 0),
        show: (status) => shown.push(status),
        log,
        later: (work, milliseconds) => {
            const timer = { work, milliseconds, isCancelled: false };
            timers.push(timer);
            return {
                cancel: () => {
                    timer.isCancelled = true;
                },
            };
        },
    });
});

/** Let the next timer go off, and what follows from it. */
async function tick(): Promise<void> {
    const timer = timers.shift();
    assert.ok(timer !== undefined && !timer.isCancelled);
    timer.work();
    await settle();
}

async function settle(): Promise<void> {
    for (let round = 0; round < 10; round += 1) {
        await Promise.resolve();
    }
}

const states = (): string[] => shown.map((status) => status.state);

test("a server that is up is asked how it is", async () => {
    await lifecycle.start();
    assert.deepEqual(states(), ["starting", "ready"]);
    assert.equal(await lifecycle.call("homespun.why", "id"), "answer");
    assert.deepEqual(made[0]?.calls, [["homespun.status"], ["homespun.why", "id"]]);
});

test("its notifications are shown, those of a server that was replaced are not", async () => {
    await lifecycle.start();
    const status = { state: "indexing", percent: 43 } as Status;
    made[0]?.events.status(status);
    assert.equal(shown.at(-1), status);
    await lifecycle.start();
    made[0]?.events.status(status);
    assert.equal(shown.at(-1)?.state, "ready");
    assert.deepEqual(made.map((connection) => connection.isStopped), [true, false]);
});

test("a server that dies is started again after a second", async () => {
    await lifecycle.start();
    made[0]?.events.died("killed");
    assert.equal(shown.at(-1)?.message, "the server ended (killed); it is started again in 1 s");
    assert.deepEqual(timers.map((timer) => timer.milliseconds), [1000]);
    await tick();
    assert.equal(made.length, 2);
    assert.equal(shown.at(-1)?.state, "ready");
});

test("at the fifth failure it says so, with a button, and starts nothing more", async () => {
    refusals = ["no", "no", "no", "no", "no such file"];
    await lifecycle.start();
    for (let failure = 1; failure < 5; failure += 1) {
        await tick();
    }
    assert.deepEqual(timers, []);
    const last = shown.at(-1);
    assert.equal(last?.state, "problem");
    assert.match(last.message, /failed five times in three minutes.*did not start \(no such file\)$/u);
    assert.equal(last.fix?.command, "homespun.restart");
    assert.equal(states().filter((state) => state === "problem").length, 1);
});

test("a death that is told twice counts once", async () => {
    await lifecycle.start();
    made[0]?.events.died("");
    made[0]?.events.died("");
    assert.equal(timers.length, 1);
});

test("a start by hand ends the waiting and forgets the failures", async () => {
    refusals = ["no", "no", "no"];
    await lifecycle.start();
    await tick();
    await tick();
    const waiting = timers[0];
    await lifecycle.start();
    assert.equal(waiting?.isCancelled, true);
    made[0]?.events.died("");
    assert.equal(timers.at(-1)?.milliseconds, 1000);
});

test("a server that comes up after it was no longer wanted is stopped", async () => {
    const starting = lifecycle.start();
    await Promise.resolve();
    const stopping = lifecycle.stop();
    await Promise.all([starting, stopping]);
    await settle();
    assert.equal(made[0]?.isStopped, true);
    await assert.rejects(lifecycle.call("homespun.why"), NotRunning);
});

test("a server that is up is told that settings have changed, another asks at its start", async () => {
    await lifecycle.settingsChanged();
    await lifecycle.start();
    await lifecycle.settingsChanged();
    assert.deepEqual(made.map(({ asked }) => asked), [1]);
});

test("where there is no command nothing is started", async () => {
    command = undefined;
    await lifecycle.start();
    assert.deepEqual([made, shown], [[], []]);
    await assert.rejects(lifecycle.call("homespun.why"), NotRunning);
});

test("every transition is a line of the log", async () => {
    await lifecycle.start();
    made[0]?.events.died("");
    await tick();
    await lifecycle.stop();
    assert.deepEqual(log.lines, [
        'info starting ["homespun","serve","--stdio"]',
        "info the server is up, version 0.1.0",
        "warn the server ended; starting it again in 1 s",
        'info starting ["homespun","serve","--stdio"]',
        "info the server is up, version 0.1.0",
        "info stopping the server",
    ]);
});
