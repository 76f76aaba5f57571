// Open the sources of the last completion: which places of the repository the model had before it.

import { window } from "vscode";

import { inform } from "../messages";
import { readSources, ServerCommand, type Place } from "../protocol";
import { placeItems, showWhatIsInFocus, type PlaceItem } from "./places";
import type { Desk } from "./desk";

export async function openSources(desk: Desk): Promise<void> {
    const sources = readSources(await desk.call(ServerCommand.showSources));
    if (sources.length === 0) {
        void inform("Homespun: the last completion was made from its document alone, or there was none yet.");
        return;
    }
    pickSource(desk, sources);
}

export function pickSource(desk: Desk, sources: readonly Place[]): void {
    const picker = window.createQuickPick<PlaceItem>();
    picker.title = "Sources of the last completion";
    picker.placeholder = "Moving shows a source, Enter opens it";
    picker.matchOnDetail = true;
    picker.items = placeItems(sources);
    showWhatIsInFocus(picker, desk.failed);
    picker.show();
}
