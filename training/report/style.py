"""The style sheet of a training's report: light and dark, no script, nothing from outside."""

from __future__ import annotations

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #fbfbfa; --card: #ffffff; --ink: #1d2126; --soft: #5d6670; --rule: #dfe3e6;
  --first: #1668a8; --second: #c2550a; --faint: #a9c8df; --good: #1d7a46; --bad: #a83232;
  --part0: #1668a8; --part1: #c2550a; --part2: #7b4fa3; --part3: #8a8f96; --part4: #a83232;
  --code: #f1f3f4; --inside: #ffffff;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171a; --card: #1c2024; --ink: #e6e8ea; --soft: #9aa4ad; --rule: #32383e;
    --first: #62b0e8; --second: #f0974f; --faint: #35536a; --good: #5cc78a; --bad: #ef8383;
    --part0: #62b0e8; --part1: #f0974f; --part2: #b892dd; --part3: #8d949b; --part4: #ef8383;
    --code: #24292e; --inside: #14171a;
  }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
header p { margin: .1rem 0; color: var(--soft); }
h1 { font-size: 1.5rem; margin: .5rem 0 .2rem; }
h2 { font-size: 1.1rem; margin: 0 0 .6rem; }
h3 { font-size: .95rem; margin: 1.1rem 0 .3rem; }
section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px;
  padding: 1.1rem 1.25rem; margin: 1.1rem 0; overflow-x: auto; }
section.verdict { border-left: 6px solid var(--second); }
section.verdict.promote { border-left-color: var(--good); }
.headline { font-size: 1.1rem; font-weight: 600; margin: 0 0 .8rem; }
.soft, .legend, figcaption { color: var(--soft); font-size: .88rem; }
p { margin: .4rem 0; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; }
th { text-align: left; color: var(--soft); font-weight: 600; }
th, td { padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--rule); vertical-align: top; }
tr:last-child td { border-bottom: 0; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
.yes { color: var(--good); font-weight: 700; } .no { color: var(--bad); font-weight: 700; }
pre { background: var(--code); border-radius: 6px; padding: .5rem .7rem; margin: .2rem 0;
  overflow-x: auto; font: 12.5px/1.45 ui-monospace, "Cascadia Code", Menlo, Consolas, monospace; }
.sample { border-top: 1px solid var(--rule); padding: .7rem 0; }
.three { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .7rem; }
@media (max-width: 46rem) { .three { grid-template-columns: 1fr; } }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; }
.cards b { display: block; font-size: 1.25rem; font-weight: 600; }
.cards span { color: var(--soft); font-size: .85rem; }
svg { width: 100%; height: auto; display: block; margin: .3rem 0; }
svg text { fill: var(--ink); font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; }
svg text.tick, svg text.axis { fill: var(--soft); font-variant-numeric: tabular-nums; }
svg text.end { text-anchor: end; } svg text.middle { text-anchor: middle; }
svg text.strong { font-weight: 700; fill: var(--ink); } svg text.inside { fill: var(--inside); }
.grid { stroke: var(--rule); } .zero { stroke: var(--ink); }
.mark { stroke: var(--soft); stroke-dasharray: 3 3; }
.whisker { stroke: var(--first); stroke-width: 2; } .whisker.strong { stroke-width: 3.5; }
polyline.line { fill: none; stroke-width: 2; stroke-linejoin: round; }
polyline.first { stroke: var(--first); } polyline.second { stroke: var(--second); }
polyline.faint { stroke: var(--faint); stroke-width: 1; }
circle.first { fill: var(--first); } circle.second { fill: var(--second); }
.key { display: inline-block; width: 1.1rem; height: .3rem; margin: 0 .35rem .2rem .8rem;
  border-radius: 2px; }
.key.first { background: var(--first); } .key.second { background: var(--second); }
.key.faint { background: var(--faint); }
.part0 { fill: var(--part0); } .part1 { fill: var(--part1); } .part2 { fill: var(--part2); }
.part3 { fill: var(--part3); } .part4 { fill: var(--part4); }
""".strip()
