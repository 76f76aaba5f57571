// Off for an hour, and on again.

import { readStatus, ServerCommand } from "../protocol";
import type { CommandContext } from "./context";

export const PAUSE_MINUTES = 60;

export async function pauseForAnHour(context: CommandContext): Promise<void> {
    await ask(context, ServerCommand.pause, PAUSE_MINUTES);
}

export async function resume(context: CommandContext): Promise<void> {
    await ask(context, ServerCommand.resume);
}

/** The answer is the status, which the server also sends to whoever shows it. */
async function ask(context: CommandContext, command: string, ...given: number[]): Promise<void> {
    const status = readStatus(await context.call(command, ...given));
    if (status === undefined) {
        throw new Error(`the server does not know ${command}; it is older than this extension`);
    }
    context.log.info(`${command}: ${status.state}`);
}
