/** The look of the page: light and dark, narrow and printed. No fonts, pictures or anything else from elsewhere. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fbfaf7; --card: #ffffff; --ink: #22211f; --soft: #6d6a63; --line: #e6e2d9; --code: #f3f1ea;
  --user: #eef3fb; --user-line: #d3e0f4; --user-ink: #2c5aa0; --assistant-ink: #26734d; --tool-ink: #8a5a13; --system-ink: #6b4fa3;
  --add: #dcf3e3; --add-ink: #14572f; --del: #fbe2e0; --del-ink: #8e1f17; --warn: #a15c00; --bad: #b3261e; --live: #1f6fb2;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #16171a; --card: #1d1f23; --ink: #e7e5e0; --soft: #9b9993; --line: #303238; --code: #121316;
    --user: #1d2633; --user-line: #2c3b52; --user-ink: #8fb8f2; --assistant-ink: #7fd0a4; --tool-ink: #e0b36a; --system-ink: #bba5ea;
    --add: #173a27; --add-ink: #a5e3bf; --del: #47201f; --del-ink: #f3b4ae; --warn: #e9b061; --bad: #f2938c; --live: #86bdf0;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 1rem/1.62 ui-sans-serif, system-ui, "Segoe UI", Roboto, "Helvetica Neue", "Noto Sans", sans-serif; overflow-wrap: anywhere; }
.page { max-width: 46rem; margin: 0 auto; padding: 3.5rem 1.5rem 4rem; }
a { color: var(--user-ink); text-underline-offset: .18em; text-decoration-thickness: 1px; }
h1 { font-size: clamp(1.6rem, 4.5vw, 2.15rem); line-height: 1.2; letter-spacing: -.018em; margin: 0 0 .9rem; text-wrap: balance; }
h2 { font-size: 1.2rem; letter-spacing: -.01em; margin: 0 0 .25rem; }
.facts { display: flex; flex-wrap: wrap; gap: .3rem 1.1rem; margin: 0; padding: 0; list-style: none; color: var(--soft); font-size: .875rem; }
.facts code { font-size: .95em; }
.status { font-weight: 600; }
.status::before { content: ""; display: inline-block; width: .55em; height: .55em; border-radius: 50%; background: currentColor; margin-right: .45em; vertical-align: .06em; }
.complete { color: var(--assistant-ink); } .streaming { color: var(--live); } .interrupted { color: var(--warn); } .error { color: var(--bad); }
header { padding-bottom: 1.75rem; border-bottom: 1px solid var(--line); margin-bottom: 2rem; }
.as-of { margin: .9rem 0 0; padding: .5rem .8rem; border-left: 3px solid var(--warn); background: var(--card); font-size: .9rem; }
.message { margin: 0 0 1.9rem; scroll-margin-top: 1rem; }
.message > .who { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .6rem; margin-bottom: .3rem; font-size: .8rem; color: var(--soft); }
.who b { font-size: .82rem; letter-spacing: .01em; }
.who a { color: inherit; text-decoration: none; } .who a:hover { text-decoration: underline; }
.who .number { margin-left: auto; font-variant-numeric: tabular-nums; opacity: .75; }
.user > .who b { color: var(--user-ink); } .assistant > .who b { color: var(--assistant-ink); } .tool > .who b { color: var(--tool-ink); } .system > .who b { color: var(--system-ink); }
.user > .body { background: var(--user); border: 1px solid var(--user-line); border-radius: .2rem 1rem 1rem 1rem; padding: .75rem 1.1rem; width: fit-content; max-width: 100%; }
.system > .body, .tool > .body { border-left: 3px solid var(--line); padding-left: 1rem; color: var(--soft); font-size: .94rem; }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
.body p, .body ul, .body ol, .body blockquote { margin: 0 0 .85em; }
.body ul, .body ol { padding-left: 1.4em; } .body li > p { margin-bottom: .4em; } .body li + li { margin-top: .2em; }
.body h3, .body h4, .body h5, .body h6 { line-height: 1.3; margin: 1.4em 0 .5em; font-size: 1.06em; } .body h3 { font-size: 1.2em; }
.body blockquote { margin-left: 0; padding-left: 1rem; border-left: 3px solid var(--line); color: var(--soft); }
.body hr { border: 0; border-top: 1px solid var(--line); margin: 1.5em 0; }
.plain { white-space: pre-wrap; }
code, pre { font-family: ui-monospace, "SF Mono", "Cascadia Code", Menlo, Consolas, "DejaVu Sans Mono", monospace; font-size: .875em; }
:not(pre) > code { background: var(--code); border: 1px solid var(--line); border-radius: .3rem; padding: .08em .35em; }
figure.code { margin: 0 0 1em; border: 1px solid var(--line); border-radius: .6rem; background: var(--code); overflow: hidden; }
figure.code figcaption { padding: .3rem .9rem; font-size: .75rem; color: var(--soft); border-bottom: 1px solid var(--line); }
figure.code pre { margin: 0; scrollbar-width: thin; padding: .8rem .9rem; overflow-x: auto; line-height: 1.5; overflow-wrap: normal; font-size: .84rem; }
figure.code pre:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--user-ink); outline-offset: 2px; }
.scroll { overflow-x: auto; margin-bottom: 1em; } table { border-collapse: collapse; font-size: .92em; } th, td { border-bottom: 1px solid var(--line); padding: .4rem .8rem .4rem 0; text-align: left; vertical-align: top; } th { font-weight: 600; }
.picture::before { content: "picture: "; color: var(--soft); } .body img { max-width: 100%; border-radius: .5rem; display: block; margin-bottom: 1em; }
details.fold { margin: .6rem 0; border: 1px solid var(--line); border-radius: .6rem; background: var(--card); }
details.fold > summary { cursor: pointer; padding: .45rem .9rem; font-size: .88rem; color: var(--soft); } details.fold > summary b { color: var(--ink); font-weight: 600; }
details.fold[open] > summary { border-bottom: 1px solid var(--line); }
details.fold > .inside { padding: .9rem; } details.fold figure.code:last-child { margin-bottom: 0; }
.failure { margin: .7rem 0 0; color: var(--bad); font-size: .92rem; } .note { color: var(--warn); font-size: .88rem; margin: .6rem 0 0; }
.history { margin-top: 3.25rem; padding-top: 1.75rem; border-top: 1px solid var(--line); }
.history > p { margin: 0 0 1.1rem; color: var(--soft); font-size: .92rem; }
.points { list-style: none; margin: 0; padding: 0 0 0 1.1rem; border-left: 2px solid var(--line); }
.points > li { position: relative; margin-bottom: .9rem; }
.points > li::before { content: ""; position: absolute; left: calc(-1.1rem - 6px); top: .85rem; width: 8px; height: 8px; border-radius: 50%; background: var(--paper); border: 2px solid var(--soft); }
.points > li.now::before { background: var(--assistant-ink); border-color: var(--assistant-ink); }
.points summary { display: flex; flex-wrap: wrap; gap: .1rem .8rem; align-items: baseline; list-style: none; } .points summary::-webkit-details-marker { display: none; }
.points summary::after { content: "\\25B8"; color: var(--soft); } .points details[open] > summary::after { content: "\\25BE"; }
.points time, .points .label { font-weight: 600; color: var(--ink); font-variant-numeric: tabular-nums; } .points .spring { margin-left: auto; }
.points .same { display: flex; flex-wrap: wrap; gap: .1rem .8rem; padding: .45rem 0; font-size: .88rem; color: var(--soft); }
.tag { border: 1px solid var(--line); border-radius: 1rem; padding: 0 .6em; font-size: .78rem; }
.change { margin: 0 0 1rem; font-size: .92rem; } .change:last-child { margin-bottom: 0; } .change > .what { font-size: .8rem; color: var(--soft); margin-bottom: .2rem; }
.change > .text { white-space: pre-wrap; border-left: 3px solid var(--line); padding: .1rem 0 .1rem .8rem; }
.change.added > .text { border-color: var(--assistant-ink); } .change.removed > .text { border-color: var(--bad); color: var(--soft); text-decoration: line-through; text-decoration-thickness: 1px; }
ins { background: var(--add); color: var(--add-ink); text-decoration: none; border-radius: .2em; padding: 0 .1em; } del { background: var(--del); color: var(--del-ink); border-radius: .2em; padding: 0 .1em; }
.skipped { color: var(--soft); }
.plus { color: var(--assistant-ink); } .minus { color: var(--bad); } .edit { color: var(--warn); }
footer { margin-top: 3rem; color: var(--soft); font-size: .8rem; }
@media (max-width: 34rem) { .page { padding: 2rem 1.1rem 3rem; } .message { margin-bottom: 1.6rem; } .who .number { display: none; } }
@media print {
  :root { color-scheme: light; --paper: #fff; --card: #fff; --ink: #000; --soft: #555; --line: #ccc; --code: #f6f6f6; --user: #f2f5fa; --user-line: #ccd; --user-ink: #234a86; --assistant-ink: #1e5c3e; --tool-ink: #6b450e; --system-ink: #4f3a7c; --add: #e2f5e8; --add-ink: #123; --del: #fbe6e4; --del-ink: #511; }
  .page { max-width: none; padding: 0; } body { font-size: 10.5pt; }
  .who, h2, h3, h4, summary { break-after: avoid; } figure.code, .user > .body { break-inside: avoid-page; }
  figure.code pre { white-space: pre-wrap; overflow-wrap: anywhere; overflow: visible; } .points summary::after { content: none; } .who .number { display: none; }
}
`.trim();
