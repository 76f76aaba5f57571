// What the commands work with, and how they end when something goes wrong.

import { commands, type Disposable, type LogOutputChannel } from "vscode";

import type { Status } from "../protocol";
import { NotRunning, RESTART_COMMAND } from "../server/lifecycle";
import { warn } from "../ui/messages";

export interface CommandContext {
    /** Run a command of the server. */
    readonly call: (command: string, ...given: unknown[]) => Promise<unknown>;
    /** Give a setting of the server a value for this workspace alone. */
    readonly choose: (name: string, value: unknown) => Promise<void>;
    readonly status: () => Status;
    readonly log: LogOutputChannel;
    /** For what goes wrong later, when the command itself is over. */
    readonly failed: (error: unknown) => void;
    /** Open a read-only page beside the code. */
    readonly showPage: (name: string, text: string) => Promise<void>;
}

/** Register a command; what it throws becomes a sentence with a button. */
export function register(name: string, work: () => unknown, failed: (error: unknown) => void): Disposable {
    return commands.registerCommand(name, async () => {
        try {
            await work();
        } catch (error) {
            failed(error);
        }
    });
}

/** Log a failure and say it. */
export function complain(log: LogOutputChannel, error: unknown): void {
    const restart = "Restart the Server";
    const show = "Show Log";
    const sentence = error instanceof NotRunning ? error.message : `Homespun: ${messageOf(error)}`;
    log.error(error instanceof Error ? (error.stack ?? error.message) : String(error));
    void warn(sentence, ...(error instanceof NotRunning ? [restart, show] : [show])).then((chosen) => {
        if (chosen === restart) {
            void commands.executeCommand(RESTART_COMMAND);
        } else if (chosen === show) {
            log.show();
        }
    });
}

function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
