// Settings: the client's own, and those of the server, of which only the given ones are passed on.

import { ConfigurationTarget, workspace } from "vscode";

import type { WorkspaceChoices } from "./workspaceChoices";

export const SECTION = "homespun";
const SERVER_SECTIONS = ["completion", "index", "licences", "server"];

/** Settings by section, as the server wants them: `{completion: {maxTokens: 32}}`. */
export type BySection = Record<string, Record<string, unknown>>;

/** A setting of the server as package.json declares it. */
export interface ServerSetting {
    readonly name: string; // without the prefix: `completion.maxTokens`
    readonly isOfUser: boolean; // a workspace has no say in it
}

interface Declared {
    readonly scope: string;
}

/** The server's settings. */
export function serverSettings(packageJson: unknown): ServerSetting[] {
    const { contributes } = packageJson as {
        contributes: { configuration: { properties: Record<string, Declared> }[] };
    };
    const all = contributes.configuration.flatMap((category) => Object.entries(category.properties));
    const settings = all.map(([key, { scope }]) => ({ name: key.slice(SECTION.length + 1), isOfUser: scope !== "window" }));
    return settings.filter(({ name }) => SERVER_SECTIONS.includes(name.split(".", 1)[0] ?? "") && name.includes("."));
}

/**
 * What the user has set. Defaults are left out: they would hide what homespun.toml says, because the
 * editor's settings win over it. A workspace's settings come with the folder: they count where the user
 * has set nothing, and a list of theirs adds to the user's.
 */
export function givenSettings(declared: readonly ServerSetting[], choices: WorkspaceChoices): BySection {
    const given: BySection = Object.fromEntries(SERVER_SECTIONS.map((section) => [section, {}]));
    for (const { name, isOfUser } of declared) {
        const { user, ofWorkspace } = layers(name);
        const value = choices.get(name) ?? (isOfUser ? user : joined(user, ofWorkspace));
        const [section = "", key = ""] = name.split(".");
        if (value !== undefined && value !== null) {
            given[section] = { ...given[section], [key]: value };
        }
    }
    return given;
}

export function serverCommand(): string[] {
    const command = layers("serverCommand").user;
    return Array.isArray(command) ? command.map(String) : [];
}

/** Put a value into a list of the workspace, of the user where no folder is open; where it stands already, take it out. */
export async function toggleInList(name: string, value: string): Promise<{ readonly isIn: boolean }> {
    const { user, ofWorkspace } = layers(name);
    const settings = workspace.getConfiguration(SECTION);
    const target = workspace.workspaceFolders?.length ? ConfigurationTarget.Workspace : ConfigurationTarget.Global;
    const lists = [[ConfigurationTarget.Global, strings(user)], [ConfigurationTarget.Workspace, strings(ofWorkspace)]] as const;
    const holding = lists.filter(([, list]) => list.includes(value));
    for (const [where, list] of holding) {
        await settings.update(name, list.filter((other) => other !== value), where);
    }
    if (holding.length === 0) {
        const list = strings(target === ConfigurationTarget.Global ? user : ofWorkspace);
        await settings.update(name, [...list, value], target);
    }
    return { isIn: holding.length === 0 };
}

function layers(name: string): { user: unknown; ofWorkspace: unknown } {
    const found = workspace.getConfiguration(SECTION).inspect<unknown>(name);
    return { user: found?.globalValue, ofWorkspace: found?.workspaceValue };
}

function joined(user: unknown, ofWorkspace: unknown): unknown {
    const areLists = Array.isArray(user) && Array.isArray(ofWorkspace);
    return areLists ? [...new Set([...strings(user), ...strings(ofWorkspace)])] : (user ?? ofWorkspace);
}

function strings(list: unknown): string[] {
    return Array.isArray(list) ? list.map(String) : [];
}
