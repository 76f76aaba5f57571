// Off and on for the language of the document at hand: writes the setting.

import { window } from "vscode";

import { inform } from "../messages";
import { toggleInList } from "../settings";
import type { Desk } from "./desk";

const SETTING = "completion.disabledLanguages";

export async function toggleLanguage(desk: Desk): Promise<void> {
    const language = window.activeTextEditor?.document.languageId;
    if (language === undefined) {
        void inform("Homespun: open a document first; its language is what is switched.");
        return;
    }
    const { isIn: isOff } = await toggleInList(SETTING, language);
    desk.log.info(`${language} is switched ${isOff ? "off" : "on"}`);
    const undo = "Undo";
    const sentence = `Homespun: ${language} is ${isOff ? "no longer completed" : "completed again"} (setting homespun.${SETTING}).`;
    if ((await inform(sentence, undo)) === undo) {
        await toggleInList(SETTING, language);
    }
}
