// Keeps one server running: starts it, restarts it when it dies, gives up with one message.

import type { Status } from "../protocol";
import { ownStatus, readStatus, ServerCommand } from "../protocol";
import type { RestartPolicy } from "./restart";

export const RESTART_COMMAND = "homespun.restart";
const START_FIX = { title: "Start the Server Again", command: RESTART_COMMAND, arguments: [] };

/** A server that is up. */
export interface Connection {
    readonly version: string;
    call(command: string, ...given: unknown[]): Promise<unknown>;
    /** Let it ask for the settings again. */
    settingsChanged(): Promise<void>;
    stop(): Promise<void>;
}

export interface Events {
    status(status: Status): void;
    /** It ended, or the connection broke, without being asked to; `reason` may be "". */
    died(reason: string): void;
}

export interface LifecycleParts {
    /** Which command, or undefined where there is none: then somebody else shows why. */
    readonly choose: () => readonly string[] | undefined;
    /** Rejects where the server does not come up. */
    readonly connect: (command: readonly string[], events: Events) => Promise<Connection>;
    readonly policy: RestartPolicy;
    readonly show: (status: Status) => void;
    readonly log: { info(line: string): void; warn(line: string): void };
    readonly later?: (work: () => void, milliseconds: number) => { cancel(): void };
}

/** Nothing can be asked now; the message is a sentence. */
export class NotRunning extends Error {}

export class Lifecycle {
    #attempt = 0; // what belongs to an earlier one is out of date
    #connection: Connection | undefined;
    #timer: { cancel(): void } | undefined;

    constructor(private readonly parts: LifecycleParts) {}

    /** Start, or start again; former failures no longer count. */
    async start(): Promise<void> {
        await this.stop();
        this.parts.policy.forget();
        await this.#begin();
    }

    async stop(): Promise<void> {
        this.#attempt += 1;
        this.#timer?.cancel();
        this.#timer = undefined;
        const connection = this.#connection;
        this.#connection = undefined;
        if (connection !== undefined) {
            this.parts.log.info("stopping the server");
            await this.#end(connection);
        }
    }

    /** Run a command of the server. */
    async call(command: string, ...given: unknown[]): Promise<unknown> {
        if (this.#connection === undefined) {
            throw new NotRunning("Homespun's server is not running; its status says why.");
        }
        return this.#connection.call(command, ...given);
    }

    /** Tell the server, if there is one, that settings are others now; at its start it asks by itself. */
    async settingsChanged(): Promise<void> {
        await this.#connection?.settingsChanged();
    }

    async #begin(): Promise<void> {
        const attempt = (this.#attempt += 1);
        const isCurrent = (): boolean => attempt === this.#attempt;
        const command = this.parts.choose();
        if (command === undefined) {
            return;
        }
        this.parts.show(ownStatus("starting", "starting the server"));
        this.parts.log.info(`starting ${JSON.stringify(command)}`);
        let connection: Connection;
        try {
            connection = await this.parts.connect(command, {
                status: (status) => {
                    if (isCurrent()) {
                        this.parts.show(status);
                    }
                },
                died: (reason) => {
                    if (isCurrent()) {
                        this.#failed("ended", reason);
                    }
                },
            });
        } catch (error) {
            if (isCurrent()) {
                this.#failed("did not start", error instanceof Error ? error.message : String(error));
            }
            return;
        }
        if (!isCurrent()) {
            await this.#end(connection); // stopped or dead meanwhile
            return;
        }
        this.#connection = connection;
        this.parts.log.info(`the server is up, version ${connection.version || "unknown"}`);
        await this.#ask(connection, isCurrent);
    }

    /** Ask once how it is: the notifications only tell of changes, and older servers send none. */
    async #ask(connection: Connection, isCurrent: () => boolean): Promise<void> {
        try {
            const status = readStatus(await connection.call(ServerCommand.status));
            if (status !== undefined && isCurrent()) {
                this.parts.show(status);
            }
        } catch (error) {
            this.parts.log.warn(`the server does not say how it is: ${String(error)}`);
        }
    }

    #failed(how: string, reason: string): void {
        this.#attempt += 1;
        this.#connection = undefined;
        const said = reason === "" ? "" : ` (${reason})`;
        const delay = this.parts.policy.failed();
        if (delay === undefined) {
            this.parts.log.warn(`the server ${how}${said}; it failed too often and is not started again`);
            const sentence = `the server failed five times in three minutes and is not started again; the last time it ${how}${said}`;
            this.parts.show(ownStatus("problem", sentence, START_FIX));
            return;
        }
        const seconds = String(delay / 1000);
        this.parts.log.warn(`the server ${how}${said}; starting it again in ${seconds} s`);
        this.parts.show(ownStatus("starting", `the server ${how}${said}; it is started again in ${seconds} s`));
        this.#timer = (this.parts.later ?? later)(() => {
            void this.#begin();
        }, delay);
    }

    async #end(connection: Connection): Promise<void> {
        try {
            await connection.stop();
        } catch (error) {
            this.parts.log.warn(`the server did not end in order: ${String(error)}`);
        }
    }
}

function later(work: () => void, milliseconds: number): { cancel(): void } {
    const timer = setTimeout(work, milliseconds);
    return {
        cancel: () => {
            clearTimeout(timer);
        },
    };
}
