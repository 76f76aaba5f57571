// Drives the VS Code of run_vscode.sh with headless Chromium: types, waits for ghost text, times it, accepts with Tab, saves, looks at the file.
// Call: NODE_PATH=DIR/node_modules node drive.js PORT WORKSPACE FILE:LINE TEXT LOG OUT.png [OUT-AFTER.png]
// TEXT is typed at the end of that line; LOG is what the server writes with --log-level debug. Env: CHROMIUM, ROUNDS (3).
const { chromium } = require("playwright-core");
const fs = require("fs"), os = require("os"), path = require("path");

if (process.argv.length < 8) {
  console.error(fs.readFileSync(__filename, "utf8").split("\n").slice(0, 3).join("\n"));
  process.exit(2);
}
const [port, folder, place, text, log, out, outAfter] = process.argv.slice(2);
const workspace = path.resolve(folder), [name, line] = place.split(/:(\d+)$/), file = path.join(workspace, name);
const rounds = Number(process.env.ROUNDS || 3);
const onPath = (program) => (process.env.PATH || "").split(path.delimiter).map((d) => path.join(d, program)).find((f) => fs.existsSync(f));
const browser = process.env.CHROMIUM || onPath("chromium") || onPath("google-chrome");

async function waitForLog(sentence, seconds) {
  for (const end = Date.now() + 1000 * seconds; Date.now() < end; await new Promise((go) => setTimeout(go, 50))) {
    const found = fs.existsSync(log) && fs.readFileSync(log, "utf8").split("\n").filter((row) => row.includes(sentence)).pop();
    if (found) return console.log(`server: ${found}`);
  }
  throw new Error(`the server's log ${log} says no "${sentence}"`);
}

async function run(page) {
  const payload = encodeURIComponent(JSON.stringify([["openFile", `vscode-remote://127.0.0.1:${port}${encodeURI(file)}`]]));
  await page.goto(`http://127.0.0.1:${port}/?folder=${encodeURIComponent(workspace)}&payload=${payload}`);
  await page.waitForSelector(".monaco-editor .view-lines", { timeout: 90000 });
  await page.locator(".monaco-editor .view-lines").first().click();
  await waitForLog("is ready", 120);
  await page.keyboard.press("Control+Home");
  for (let i = 1; i < Number(line); i++) await page.keyboard.press("ArrowDown");
  await page.keyboard.press("End");
  const ghost = page.locator('[class*="ghost-text"]').first(), times = [];
  for (let round = 0; round < rounds; round++) {
    if (round) {
      await page.keyboard.press("Escape"); // the suggestion
      for (const _ of text) await page.keyboard.press("Backspace");
      await page.waitForTimeout(1500); // what this edit asked for is answered
      await page.keyboard.press("Escape");
    }
    await page.keyboard.type(text, { delay: 5 });
    const begun = Date.now();
    await ghost.waitFor({ timeout: 60000 });
    times.push(Date.now() - begun);
  }
  console.log(`ghost text: ${JSON.stringify((await page.locator('[class*="ghost-text"]').allInnerTexts()).join(""))}`);
  console.log(`key to ghost text, ms: ${times.join(", ")}`);
  await page.waitForTimeout(500); // the window settles
  await page.screenshot({ path: out });
  await page.keyboard.press("Tab");
  await waitForLog("accepted: ", 10);
  await page.keyboard.press("Control+S");
  const typed = text.trim(), saved = () => fs.readFileSync(file, "utf8").split("\n").find((row) => row.includes(typed));
  for (let i = 0; i < 100 && !saved(); i++) await page.waitForTimeout(100);
  if (outAfter) await page.screenshot({ path: outAfter });
  console.log(`saved: ${JSON.stringify(saved())}`);
  if (!saved() || saved().trimEnd().endsWith(typed)) throw new Error("nothing was accepted");
}

(async () => {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), "browser-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: browser, headless: true, viewport: { width: 1100, height: 560 },
    args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update",
      "--disable-sync", "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"],
  });
  const page = context.pages()[0];
  try {
    await run(page);
  } catch (error) {
    console.error(`FAIL ${error.message}`);
    await page.screenshot({ path: out });
    process.exitCode = 1;
  }
  await context.close();
  fs.rmSync(profile, { recursive: true, force: true });
})();
