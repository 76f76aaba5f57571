// Off for an hour, and on again.

import { readStatus, ServerCommand } from "../protocol";
import type { Desk } from "./desk";

export const PAUSE_MINUTES = 60;

export async function pauseForAnHour(desk: Desk): Promise<void> {
    await ask(desk, ServerCommand.pause, PAUSE_MINUTES);
}

export async function resume(desk: Desk): Promise<void> {
    await ask(desk, ServerCommand.resume);
}

/** The answer is the status, which the server also sends to whoever shows it. */
async function ask(desk: Desk, command: string, ...given: number[]): Promise<void> {
    const status = readStatus(await desk.call(command, ...given));
    if (status === undefined) {
        throw new Error(`the server does not know ${command}; it is older than this extension`);
    }
    desk.log.info(`${command}: ${status.state}`);
}
