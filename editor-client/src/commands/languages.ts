// Off and on for the language of the document at hand: writes the setting.

import { window } from "vscode";

import { disabledLanguages, writeSetting } from "../settings";
import type { Desk } from "./desk";

const SETTING = "completion.disabledLanguages";

export async function toggleLanguage(desk: Desk): Promise<void> {
    const language = window.activeTextEditor?.document.languageId;
    if (language === undefined) {
        void window.showInformationMessage("Homespun: open a document first; its language is what is switched.");
        return;
    }
    const changed = toggled(disabledLanguages(), language);
    await writeSetting(SETTING, changed);
    const isOff = changed.includes(language);
    desk.log.info(`${language} is switched ${isOff ? "off" : "on"}`);
    const undo = "Undo";
    const sentence = `Homespun: ${language} is ${isOff ? "no longer completed" : "completed again"} (setting homespun.${SETTING}).`;
    if ((await window.showInformationMessage(sentence, undo)) === undo) {
        await writeSetting(SETTING, toggled(changed, language));
    }
}

export function toggled(languages: readonly string[], language: string): string[] {
    const others = languages.filter((other) => other !== language);
    return others.length === languages.length ? [...others, language] : others;
}
