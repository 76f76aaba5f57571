// What the user has chosen for one workspace alone. VS Code keeps it outside of the workspace, whose own
// settings may have come with the folder.

import type { Memento } from "vscode";

import { record } from "../protocol";

const KEPT = "homespun.choices";

export class WorkspaceChoices {
    constructor(private readonly kept: Memento) {}

    /** The value of a setting, undefined where nothing was chosen. */
    get(name: string): unknown {
        return record(this.kept.get(KEPT))[name];
    }

    async set(name: string, value: unknown): Promise<void> {
        await this.kept.update(KEPT, { ...record(this.kept.get(KEPT)), [name]: value });
    }
}
