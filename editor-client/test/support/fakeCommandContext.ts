// A server that answers its commands from a table, and what the commands work with around it.

import type { CommandContext } from "../../src/commands/context";
import { ownStatus, type Status } from "../../src/protocol";
import { FakeLog } from "./fakeLog";

export class FakeCommandContext implements CommandContext {
    readonly calls: unknown[][] = [];
    readonly failures: unknown[] = [];
    readonly chosen: [name: string, value: unknown][] = [];
    readonly pages: [name: string, text: string][] = [];
    readonly fake = new FakeLog();
    readonly log = this.fake.channel;
    shown: Status = ownStatus("ready", "");

    constructor(private readonly answers: Readonly<Record<string, unknown>> = {}) {}

    readonly call = (command: string, ...given: unknown[]): Promise<unknown> => {
        this.calls.push([command, ...given]);
        return Promise.resolve(this.answers[command]);
    };

    readonly choose = (name: string, value: unknown): Promise<void> => {
        this.chosen.push([name, value]);
        return Promise.resolve();
    };

    readonly status = (): Status => this.shown;

    readonly failed = (error: unknown): void => {
        this.failures.push(error);
    };

    readonly showPage = (name: string, text: string): Promise<void> => {
        this.pages.push([name, text]);
        return Promise.resolve();
    };
}
