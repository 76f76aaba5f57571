import assert from "node:assert/strict";
import { test } from "node:test";

import { acceptancePage } from "../../src/commands/acceptance";

test("acceptance is a table with shares, intervals and counts", () => {
    const share = { share: 0.25, hits: 3, of: 12, low: 0.089, high: 0.532 };
    const none = { share: null, hits: 0, of: 0, low: 0, high: 1 };
    const kept = [{ after: "30 s", unchanged: share, mostly_unchanged: none, chars: 0.5 }];
    const group = { value: "all", shown: 12, accepted: share, in_full: share, in_part: none, accepted_of_seen: none, typed: none, chars: { accepted: 90 }, kept };
    const page = acceptancePage({ first: "2026-11-20T10:00:00Z", last: "2026-11-21T10:00:00Z", groups: [group], message: "12 suggestions" });
    assert.match(page, /^2026-11-20 to 2026-11-21$/mu);
    assert.match(page, /^\| +\| +all \|\n\|-+\|-+:\|$/mu);
    assert.match(page, /^\| accepted +\| 25 % \(9-53\), 3\/12 \|$/mu);
    assert.match(page, /^\| - in part +\| +- \|$/mu);
    assert.match(page, /^\| unchanged after 30 s +\| 25 % \(9-53\), 3\/12 \|$/mu);
    assert.match(page, /^\| - of the characters +\| +50 % \|$/mu);
    assert.match(page, /^12 suggestions$/mu);
});

test("no figures are a sentence", () => {
    const page = acceptancePage({ groups: [{ value: "all", shown: 0, kept: [] }], first: null, message: "nothing is recorded yet" });
    assert.match(page, /^nothing is recorded yet$/mu);
    assert.ok(!page.includes("|"));
});
