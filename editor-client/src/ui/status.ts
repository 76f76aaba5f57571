// The status item: shows the status, logs every change of it, offers a fix once.

import { MarkdownString, StatusBarAlignment, ThemeColor, window, type LogOutputChannel } from "vscode";

import type { Fix, Status } from "../protocol";
import { ownStatus } from "../protocol";
import { barText, sentence, summary, tooltip } from "./appearance";
import { warn } from "./messages";

export const ACTIONS_COMMAND = "homespun.showActions";

export class StatusItem {
    #status: Status = ownStatus("starting", "");
    readonly #item = window.createStatusBarItem("homespun.status", StatusBarAlignment.Right, 100);
    readonly #offered = new Set<string>(); // sentences

    /** `run` carries out the fix of a problem when its button is pressed. */
    constructor(
        private readonly log: LogOutputChannel,
        private readonly run: (fix: Fix) => void,
    ) {
        this.#item.name = "Homespun";
        this.#item.command = ACTIONS_COMMAND;
        this.#draw();
        this.#item.show();
    }

    get current(): Status {
        return this.#status;
    }

    /** `offersFix` is false where somebody else asks the user. */
    show(status: Status, offersFix = true): void {
        const before = this.#status;
        this.#status = status;
        if (before.state !== status.state || before.message !== status.message) {
            const said = status.message === "" ? "" : `: ${status.message}`;
            this.log.info(`status: ${before.state} -> ${status.state}${said}`);
        }
        this.#draw();
        if (offersFix) {
            this.#offer(status);
        }
    }

    dispose(): void {
        this.#item.dispose();
    }

    #draw(): void {
        const status = this.#status;
        const text = new MarkdownString(tooltip(status));
        text.isTrusted = { enabledCommands: status.fix === null ? [] : [status.fix.command] };
        this.#item.text = barText(status);
        this.#item.tooltip = text;
        this.#item.backgroundColor =
            status.state === "problem" ? new ThemeColor("statusBarItem.warningBackground") : undefined;
        this.#item.accessibilityInformation = { label: `Homespun: ${summary(status)}` };
    }

    /** One message for each problem that a button can mend; the status item goes on to say it. */
    #offer(status: Status): void {
        const { fix, message } = status;
        if (status.state !== "problem" || fix === null || this.#offered.has(message)) {
            return;
        }
        this.#offered.add(message);
        void warn(`Homespun: ${sentence(message)}`, fix.title).then((chosen) => {
            if (chosen === fix.title) {
                this.run(fix);
            }
        });
    }
}
