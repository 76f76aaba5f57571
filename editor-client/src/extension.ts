// Wires the parts together. Nothing here is waited for: the editor goes on while the server comes up.

import { commands, window, workspace, type Disposable, type ExtensionContext, type LogOutputChannel } from "vscode";

import { Choices } from "./choices";
import { showAcceptance } from "./commands/acceptance";
import { showActions } from "./commands/actions";
import { chooseAdapter } from "./commands/adapters";
import { complain, register, type Desk } from "./commands/desk";
import { toggleLanguage } from "./commands/languages";
import { pauseForAnHour, resume } from "./commands/pause";
import { showReport } from "./commands/report";
import { searchRepository } from "./commands/search";
import { openSources } from "./commands/sources";
import { explain } from "./commands/why";
import { chooseServer } from "./environment";
import { Lifecycle, RESTART_COMMAND } from "./lifecycle";
import { ManagedEnvironment } from "./managed";
import { Pages } from "./pages";
import { run } from "./processes";
import { searchHere } from "./programs";
import { ownStatus, ServerCommand } from "./protocol";
import { RestartPolicy } from "./restart";
import { connect } from "./server";
import { givenSettings, SECTION, serverCommand, serverSettings } from "./settings";
import { NOT_INSTALLED, onlyInside, SET_UP_COMMAND, SetUp } from "./setup";
import { shippedIn } from "./shipped";
import { ACTIONS_COMMAND, StatusItem } from "./status";

let stopServer: (() => Promise<void>) | undefined;

export function activate(context: ExtensionContext): void {
    const log = window.createOutputChannel("Homespun", { log: true });
    log.info(`Homespun ${(context.extension.packageJSON as { version: string }).version}`);
    const parts = assemble(context, log);
    stopServer = () => parts.lifecycle.stop();
    context.subscriptions.push(log, ...parts.disposables);
    parts.lifecycle.start().catch(parts.desk.failed);
}

export async function deactivate(): Promise<void> {
    await stopServer?.();
    stopServer = undefined;
}

interface Parts {
    readonly lifecycle: Lifecycle;
    readonly desk: Desk;
    readonly disposables: { dispose(): unknown }[];
}

function assemble(context: ExtensionContext, log: LogOutputChannel): Parts {
    const failed = (error: unknown): void => {
        complain(log, error);
    };
    const status = new StatusItem(log, (fix) => {
        commands.executeCommand(fix.command, ...fix.arguments).then(undefined, failed);
    });
    const storage = context.globalStorageUri.fsPath;
    const managed = new ManagedEnvironment(storage);
    const declared = serverSettings(context.extension.packageJSON);
    const choices = new Choices(context.workspaceState);
    const settings = () => givenSettings(declared, choices);
    const setUp: SetUp = new SetUp({
        what: () => ({
            managed,
            storage,
            run,
            shipped: shippedIn(context.asAbsolutePath("dist")),
            search: searchHere(openedFolders()),
        }),
        log,
        remembered: context.globalState,
        show: (shown) => {
            status.show(shown, false);
        },
        startServer: () => lifecycle.start(),
        stopServer: () => lifecycle.stop(),
    });
    const lifecycle: Lifecycle = new Lifecycle({
        choose: () => choose(managed, { setUp, status, log, failed }),
        connect: (command, events) => connect(command, events, { cwd: storage, log, settings }),
        policy: new RestartPolicy(),
        show: (shown) => {
            status.show(shown);
        },
        log,
    });
    const pages = new Pages();
    const desk: Desk = {
        call: (command, ...given) => lifecycle.call(command, ...given),
        choose: async (name, value) => {
            await choices.set(name, value);
            await lifecycle.settingsChanged();
        },
        status: () => status.current,
        log,
        failed,
        showPage: (name, text) => pages.show(name, text),
    };
    const followed = workspace.onDidChangeConfiguration((event) => {
        if (event.affectsConfiguration(`${SECTION}.serverCommand`)) {
            log.info("the setting homespun.serverCommand has changed");
            lifecycle.start().catch(failed);
        }
    });
    return { lifecycle, desk, disposables: [status, pages.register(), followed, ...registered(desk, lifecycle, setUp)] };
}

/** The command of the server; where there is none, say why and offer what can be done. */
function choose(
    managed: ManagedEnvironment,
    { setUp, status, log, failed }: { setUp: SetUp; status: StatusItem; log: LogOutputChannel; failed: (error: unknown) => void },
): readonly string[] | undefined {
    const choice = chooseServer(serverCommand(), managed, searchHere(openedFolders()));
    switch (choice.kind) {
        case "found":
            log.info(`the server is that of ${choice.origin}`);
            if (choice.origin === "the extension's own environment") {
                setUp.offerAnother().catch(failed);
            }
            return choice.command;
        case "wrong":
            status.show(ownStatus("problem", choice.sentence, {
                title: "Open Settings",
                command: "homespun.openServerSetting",
                arguments: [],
            }));
            return undefined;
        case "missing":
            status.show(choice.passedOver === undefined ? NOT_INSTALLED : onlyInside(choice.passedOver), false);
            setUp.offer().catch(failed);
            return undefined;
    }
}

/** What came from somebody else, perhaps: nothing in there is run. */
function openedFolders(): string[] {
    return (workspace.workspaceFolders ?? []).map((folder) => folder.uri.fsPath);
}

function registered(desk: Desk, lifecycle: Lifecycle, setUp: SetUp): Disposable[] {
    const work: Record<string, () => unknown> = {
        [ACTIONS_COMMAND]: () => showActions(desk),
        [RESTART_COMMAND]: () => lifecycle.start(),
        [SET_UP_COMMAND]: () => setUp.run(),
        "homespun.chooseAdapter": () => chooseAdapter(desk),
        "homespun.explain": () => explain(desk),
        "homespun.openLog": () => {
            desk.log.show();
        },
        "homespun.openServerSetting": () => openSetting("serverCommand"),
        "homespun.openSources": () => openSources(desk),
        "homespun.pauseForAnHour": () => pauseForAnHour(desk),
        "homespun.rebuildIndex": () => desk.call(ServerCommand.reindex),
        "homespun.resumeCompletion": () => resume(desk),
        "homespun.searchRepository": () => {
            searchRepository(desk);
        },
        "homespun.showAcceptance": () => showAcceptance(desk),
        "homespun.showReport": () => showReport(desk),
        "homespun.toggleLanguage": () => toggleLanguage(desk),
    };
    return Object.entries(work).map(([name, begin]) => register(name, begin, desk.failed));
}

async function openSetting(name: string): Promise<void> {
    await commands.executeCommand("workbench.action.openSettings", `${SECTION}.${name}`);
}
