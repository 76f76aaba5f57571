// Open the sources of the last completion: which places of the repository the model had before it.

import { window } from "vscode";

import { readSources, ServerCommand, type Location } from "../protocol";
import { inform } from "../ui/messages";
import type { CommandContext } from "./context";
import { locationItems, showWhatIsInFocus, type LocationItem } from "./locationPicker";

export async function openSources(context: CommandContext): Promise<void> {
    const sources = readSources(await context.call(ServerCommand.showSources));
    if (sources.length === 0) {
        void inform("Homespun: the last completion was made from its document alone, or there was none yet.");
        return;
    }
    pickSource(context, sources);
}

export function pickSource(context: CommandContext, sources: readonly Location[]): void {
    const picker = window.createQuickPick<LocationItem>();
    picker.title = "Sources of the last completion";
    picker.placeholder = "Moving shows a source, Enter opens it";
    picker.matchOnDetail = true;
    picker.items = locationItems(sources);
    showWhatIsInFocus(picker, context.failed);
    picker.show();
}
