// Settings: the client's own, and those of the server, of which only the given ones are passed on.

import { ConfigurationTarget, workspace } from "vscode";

export const SECTION = "homespun";
const SERVER_SECTIONS = ["completion", "index", "server"];

/** Settings by section, as the server wants them: `{completion: {maxTokens: 32}}`. */
export type BySection = Record<string, Record<string, unknown>>;

/** The server's settings as package.json declares them, without the prefix: `completion.maxTokens`. */
export function serverSettings(packageJson: unknown): string[] {
    const { contributes } = packageJson as { contributes: { configuration: { properties: object }[] } };
    const keys = contributes.configuration.flatMap((category) => Object.keys(category.properties));
    const names = keys.map((key) => key.slice(SECTION.length + 1));
    return names.filter((name) => SERVER_SECTIONS.includes(name.split(".", 1)[0] ?? "") && name.includes("."));
}

/**
 * What the user has set. Defaults are left out: they would hide what homespun.toml says, because the
 * editor's settings win over it.
 */
export function givenSettings(names: readonly string[]): BySection {
    const settings = workspace.getConfiguration(SECTION);
    const given: BySection = Object.fromEntries(SERVER_SECTIONS.map((section) => [section, {}]));
    for (const name of names) {
        const found = settings.inspect<unknown>(name);
        const value = found?.workspaceFolderValue ?? found?.workspaceValue ?? found?.globalValue;
        const [section = "", key = ""] = name.split(".");
        if (value !== undefined && value !== null) {
            given[section] = { ...given[section], [key]: value };
        }
    }
    return given;
}

export function serverCommand(): string[] {
    return workspace.getConfiguration(SECTION).get<string[]>("serverCommand", []);
}

export function installFrom(): string {
    return workspace.getConfiguration(SECTION).get<string>("installFrom", "").trim();
}

/** Languages in which nothing is completed, as they stand in force. */
export function disabledLanguages(): string[] {
    return workspace.getConfiguration(SECTION).get<string[]>("completion.disabledLanguages", []);
}

/** Write a setting of the workspace; of the user where no folder is open. */
export async function writeSetting(name: string, value: unknown): Promise<void> {
    const target = workspace.workspaceFolders?.length ? ConfigurationTarget.Workspace : ConfigurationTarget.Global;
    await workspace.getConfiguration(SECTION).update(name, value, target);
}
