// Why this suggestion, or why nothing: the sentence of the server, with what to do next.

import { commands, workspace } from "vscode";

import { readWhy, ServerCommand, type Why } from "../protocol";
import { inform } from "../ui/messages";
import type { CommandContext } from "./context";
import { pickSource } from "./sources";

const SOURCES = "Show Sources";
const DETAILS = "Details";
const SETTING = "Open Setting";

const GHOST_TEXT = "editor.inlineSuggest.enabled";

export async function explain(context: CommandContext): Promise<void> {
    if (!workspace.getConfiguration().get<boolean>(GHOST_TEXT, true)) {
        await offerGhostText();
        return;
    }
    const why = readWhy(await context.call(ServerCommand.why));
    const setting = settingIn(why);
    const buttons = [...(why.sources.length > 0 ? [SOURCES] : []), ...(setting ? [SETTING] : []), DETAILS];
    const chosen = await inform(why.sentence || "The server gives no reason.", ...buttons);
    if (chosen === SOURCES) {
        pickSource(context, why.sources);
    } else if (chosen === DETAILS) {
        await context.showPage("why.md", page(why));
    } else if (chosen === SETTING) {
        await commands.executeCommand("workbench.action.openSettings", `homespun.${setting ?? ""}`);
    }
}

/** The server is not asked at all then, so it cannot know. */
async function offerGhostText(): Promise<void> {
    const sentence = `Nothing: VS Code shows no ghost text, because its setting ${GHOST_TEXT} is off.`;
    if ((await inform(sentence, SETTING)) === SETTING) {
        await commands.executeCommand("workbench.action.openSettings", GHOST_TEXT);
    }
}

/** The setting that the sentence names. */
export function settingIn(why: Why): string | undefined {
    return /\b(?:completion|index|licences|server)\.[a-z][A-Za-z]*\b/u.exec(why.sentence)?.[0];
}

export function page(why: Why): string {
    const details = JSON.stringify(why.details, undefined, 2);
    return `# ${why.shown ? "Why this suggestion" : "Why nothing"}\n\n${why.sentence}\n\n\`\`\`json\n${details}\n\`\`\`\n`;
}
