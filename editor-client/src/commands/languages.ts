// Off and on for the language of the document at hand: writes the setting.

import { window } from "vscode";

import { inform } from "../ui/messages";
import { toggleInList } from "../ui/settings";
import type { CommandContext } from "./context";

const SETTING = "completion.disabledLanguages";

export async function toggleLanguage(context: CommandContext): Promise<void> {
    const language = window.activeTextEditor?.document.languageId;
    if (language === undefined) {
        void inform("Homespun: open a document first; its language is what is switched.");
        return;
    }
    const { isIn: isOff } = await toggleInList(SETTING, language);
    context.log.info(`${language} is switched ${isOff ? "off" : "on"}`);
    const undo = "Undo";
    const sentence = `Homespun: ${language} is ${isOff ? "no longer completed" : "completed again"} (setting homespun.${SETTING}).`;
    if ((await inform(sentence, undo)) === undo) {
        await toggleInList(SETTING, language);
    }
}
