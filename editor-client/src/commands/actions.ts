// What a click on the status item offers.

import { commands, QuickPickItemKind, window, type QuickPickItem } from "vscode";

import type { Status } from "../protocol";
import { sentence, summary } from "../ui/appearance";
import type { CommandContext } from "./context";

export interface ActionItem extends QuickPickItem {
    readonly command?: string;
    readonly given?: readonly unknown[];
}

export async function showActions(context: CommandContext): Promise<void> {
    const status = context.status();
    const picked = await window.showQuickPick(actionItems(status, window.activeTextEditor?.document.languageId), {
        title: `Homespun: ${summary(status)}`,
        placeHolder: status.message === "" ? "What now?" : sentence(status.message),
    });
    if (picked?.command !== undefined) {
        await commands.executeCommand(picked.command, ...(picked.given ?? []));
    }
}

/** The fix of a problem first; what needs a server only where there may be one. */
export function actionItems(status: Status, language: string | undefined): ActionItem[] {
    const fix: ActionItem[] =
        status.fix === null
            ? []
            : [{ label: `$(wrench) ${status.fix.title}`, command: status.fix.command, given: status.fix.arguments }];
    const pause: ActionItem =
        status.state === "paused"
            ? { label: "$(play) Resume", command: "homespun.resumeCompletion" }
            : { label: "$(debug-pause) Pause for an hour", command: "homespun.pauseForAnHour" };
    const isFixedByResuming = status.state === "paused" && status.fix !== null;
    const ofLanguage: ActionItem[] =
        language === undefined
            ? []
            : [{ label: `$(circle-slash) Switch ${language} off or on`, command: "homespun.toggleLanguage" }];
    return [
        ...fix,
        { label: "$(question) Why this suggestion, or why nothing", command: "homespun.explain" },
        { label: "$(references) Sources of the last completion", command: "homespun.openSources" },
        { label: "$(search) Search the repository", command: "homespun.searchRepository" },
        separator("Switch"),
        ...(isFixedByResuming ? [] : [pause]),
        ...ofLanguage,
        { label: "$(versions) Choose the adapter", command: "homespun.chooseAdapter" },
        separator("Look"),
        { label: "$(graph) Report of the last training", command: "homespun.showReport" },
        { label: "$(checklist) Acceptance figures", command: "homespun.showAcceptance" },
        { label: "$(output) Log", command: "homespun.openLog" },
        separator("Maintain"),
        { label: "$(refresh) Rebuild the index", command: "homespun.rebuildIndex" },
        { label: "$(debug-restart) Restart the server", command: "homespun.restart" },
        { label: "$(gear) Settings", command: "workbench.action.openSettings", given: ["@ext:homespun.homespun"] },
    ];
}

function separator(label: string): ActionItem {
    return { label, kind: QuickPickItemKind.Separator };
}
