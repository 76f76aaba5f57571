// Choose the adapter for this workspace, which the server follows. The choice is the user's, so it is not
// written into the workspace.

import { ThemeIcon, window, type QuickInputButton, type QuickPickItem } from "vscode";

import { readAdapters, ServerCommand, type AdapterChoice, type Adapters } from "../protocol";
import { warn } from "../ui/messages";
import type { CommandContext } from "./context";
import { openReport } from "./report";

export interface AdapterItem extends QuickPickItem {
    readonly choice: AdapterChoice;
}

export async function chooseAdapter(context: CommandContext): Promise<void> {
    const adapters = readAdapters(await context.call(ServerCommand.adapters));
    const picker = window.createQuickPick<AdapterItem>();
    picker.title = adapters.message === "" ? "Choose the adapter" : `Choose the adapter (${adapters.message})`;
    picker.placeholder = adapters.serving === "" ? "No model is loaded" : `Serving: ${adapters.serving}`;
    picker.matchOnDescription = true;
    picker.items = adapterItems(adapters);
    picker.activeItems = picker.items.filter((item) => item.choice.id === adapters.setting);
    picker.onDidTriggerItemButton(({ item }) => {
        openReport(item.choice.report ?? "").catch(context.failed);
    });
    picker.onDidAccept(() => {
        const [item] = picker.selectedItems;
        picker.hide();
        if (item !== undefined) {
            choose(context, item.choice).catch(context.failed);
        }
    });
    picker.onDidHide(() => {
        picker.dispose();
    });
    picker.show();
}

export function adapterItems(adapters: Adapters): AdapterItem[] {
    const report: QuickInputButton = { iconPath: new ThemeIcon("graph"), tooltip: "Show its report" };
    return adapters.choices.map((choice) => ({
        label: choice.id === adapters.setting ? `$(check) ${choice.title}` : choice.title,
        description: [choice.title === choice.id ? "" : choice.id, choice.state].filter(Boolean).join(", "),
        detail: choice.fits ? choice.detail : `$(warning) ${choice.why}`,
        buttons: choice.report === null ? [] : [report],
        choice,
    }));
}

async function choose(context: CommandContext, choice: AdapterChoice): Promise<void> {
    if (!choice.fits) {
        void warn(`Homespun: ${choice.id} cannot serve: ${choice.why}`);
        return;
    }
    await context.choose("completion.adapter", choice.id);
    context.log.info(`completion.adapter is ${choice.id} in this workspace`);
}
