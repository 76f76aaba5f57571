// A generic client: it starts the server and passes the settings on. The server decides everything else.

import { commands, window, workspace, type ExtensionContext } from "vscode";
import { LanguageClient, type LanguageClientOptions, type ServerOptions } from "vscode-languageclient/node";

const SECTION = "homespun"; // of the settings; also the prefix of the server's commands

let client: LanguageClient | undefined;

export async function activate(context: ExtensionContext): Promise<void> {
    context.subscriptions.push(commands.registerCommand("homespun.restart", restart));
    await start();
}

export async function deactivate(): Promise<void> {
    const running = client;
    client = undefined;
    await running?.dispose();
}

async function restart(): Promise<void> {
    await deactivate();
    await start();
}

async function start(): Promise<void> {
    const [command, ...args] = serverCommand();
    if (command === undefined) {
        void window.showErrorMessage("The setting homespun.serverCommand is empty; it names the server's program.");
        return;
    }
    const server: ServerOptions = { command, args };
    const options: LanguageClientOptions = {
        documentSelector: [{ scheme: "file" }, { scheme: "untitled" }],
        initializationOptions: settingsBySection(),
    };
    client = new LanguageClient(SECTION, "Homespun", server, options);
    try {
        await client.start();
    } catch (error) {
        const log = client.outputChannel;
        const sentence = `Homespun: ${JSON.stringify([command, ...args])} did not start (${String(error)}). `
            + "Install homespun, or set homespun.serverCommand to its full path.";
        if (await window.showErrorMessage(sentence, "Show Log")) {
            log.show();
        }
    }
}

function serverCommand(): string[] {
    return workspace.getConfiguration(SECTION).get<string[]>("serverCommand", []);
}

/** What homespun.toml would say, by its sections; later changes are pulled by the server. */
function settingsBySection(): Record<string, unknown> {
    const settings = workspace.getConfiguration(SECTION);
    return Object.fromEntries(["completion", "index", "server"].map((name) => [name, settings.get(name)]));
}
