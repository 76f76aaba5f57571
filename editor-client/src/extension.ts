// Wires the parts together. Nothing here is waited for: the editor goes on while the server comes up.

import { commands, window, workspace, type Disposable, type ExtensionContext, type LogOutputChannel } from "vscode";

import { showAcceptance } from "./commands/acceptance";
import { showActions } from "./commands/actions";
import { chooseAdapter } from "./commands/adapters";
import { complain, register, type CommandContext } from "./commands/context";
import { dismiss } from "./commands/dismiss";
import { toggleLanguage } from "./commands/languages";
import { pauseForAnHour, resume } from "./commands/pause";
import { showReport } from "./commands/report";
import { searchRepository } from "./commands/search";
import { openSources } from "./commands/sources";
import { explain } from "./commands/why";
import { chooseServer } from "./install/discovery";
import { ManagedEnvironment } from "./install/managed";
import { run } from "./install/processes";
import { searchHere } from "./install/programs";
import { NOT_INSTALLED, onlyInside, SET_UP_COMMAND, SetUp } from "./install/setup";
import { shippedIn } from "./install/shipped";
import { ownStatus, ServerCommand } from "./protocol";
import { connect } from "./server/connection";
import { Lifecycle, RESTART_COMMAND } from "./server/lifecycle";
import { RestartPolicy } from "./server/restart";
import { Pages } from "./ui/pages";
import { givenSettings, SECTION, serverCommand, serverSettings } from "./ui/settings";
import { ACTIONS_COMMAND, StatusItem } from "./ui/status";
import { WorkspaceChoices } from "./ui/workspaceChoices";

let stopServer: (() => Promise<void>) | undefined;

export function activate(context: ExtensionContext): void {
    const log = window.createOutputChannel("Homespun", { log: true });
    log.info(`Homespun ${(context.extension.packageJSON as { version: string }).version}`);
    const parts = assemble(context, log);
    stopServer = () => parts.lifecycle.stop();
    context.subscriptions.push(log, ...parts.disposables);
    parts.lifecycle.start().catch(parts.commandContext.failed);
}

export async function deactivate(): Promise<void> {
    await stopServer?.();
    stopServer = undefined;
}

interface Parts {
    readonly lifecycle: Lifecycle;
    readonly commandContext: CommandContext;
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
    const choices = new WorkspaceChoices(context.workspaceState);
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
    const commandContext: CommandContext = {
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
    return { lifecycle, commandContext, disposables: [status, pages.register(), followed, ...registered(commandContext, lifecycle, setUp)] };
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

function registered(context: CommandContext, lifecycle: Lifecycle, setUp: SetUp): Disposable[] {
    const work: Record<string, () => unknown> = {
        [ACTIONS_COMMAND]: () => showActions(context),
        [RESTART_COMMAND]: () => lifecycle.start(),
        [SET_UP_COMMAND]: () => setUp.run(),
        "homespun.chooseAdapter": () => chooseAdapter(context),
        "homespun.dismiss": () => dismiss(context),
        "homespun.explain": () => explain(context),
        "homespun.openLog": () => {
            context.log.show();
        },
        "homespun.openServerSetting": () => openSetting("serverCommand"),
        "homespun.openSources": () => openSources(context),
        "homespun.pauseForAnHour": () => pauseForAnHour(context),
        "homespun.rebuildIndex": () => context.call(ServerCommand.reindex),
        "homespun.resumeCompletion": () => resume(context),
        "homespun.searchRepository": () => {
            searchRepository(context);
        },
        "homespun.showAcceptance": () => showAcceptance(context),
        "homespun.showReport": () => showReport(context),
        "homespun.toggleLanguage": () => toggleLanguage(context),
    };
    return Object.entries(work).map(([name, begin]) => register(name, begin, context.failed));
}

async function openSetting(name: string): Promise<void> {
    await commands.executeCommand("workbench.action.openSettings", `${SECTION}.${name}`);
}
