// Take the suggestion off the screen, and tell the server, so that it does not come back there.

import { commands, window } from "vscode";

import { ServerCommand } from "../protocol";
import type { CommandContext } from "./context";

const HIDE = "editor.action.inlineSuggest.hide";

/** VS Code tells no provider that its item was dismissed, nor which item is on display. */
export async function dismiss(context: CommandContext): Promise<void> {
    const document = window.activeTextEditor?.document.uri.toString();
    await commands.executeCommand(HIDE);
    if (document !== undefined && context.status().state !== "off") {
        await context.call(ServerCommand.dismissed, "", document);
    }
}
