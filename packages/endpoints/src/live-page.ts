import { createHash } from "node:crypto";

// One self-contained page: it must work on a coordinator that reaches nothing but itself.
const style = `
:root{color-scheme:light dark;--bg:#f6f7f9;--card:#fff;--ink:#16202b;--dim:#5d6b7a;--line:#e1e6ec;--ok:#127a4b;--warn:#a15c00;--bad:#b3261e;--na:#66717e}
@media (prefers-color-scheme:dark){:root{--bg:#0f141a;--card:#181f27;--ink:#e8edf2;--dim:#98a6b5;--line:#2a3440;--ok:#4cc38a;--warn:#f0b155;--bad:#ff7b72;--na:#98a6b5}}
*{box-sizing:border-box}body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.45 system-ui,sans-serif}
main{max-width:1120px;margin:0 auto;padding:24px 20px 48px}
header{display:flex;align-items:baseline;gap:12px;flex-wrap:wrap;margin-bottom:16px}h1{font-size:20px;margin:0}
header span{color:var(--dim)}#stale{color:var(--bad);font-weight:600;margin-left:auto}
.row{display:grid;gap:16px;grid-template-columns:260px 1fr;margin-bottom:16px}@media (max-width:760px){.row{grid-template-columns:1fr}}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin-bottom:16px}.row section{margin:0}
h2{font-size:13px;letter-spacing:.04em;text-transform:uppercase;color:var(--dim);margin:0 0 10px;font-weight:600}
#score{font-size:64px;line-height:1;font-weight:700;font-variant-numeric:tabular-nums}#level{font-size:17px;font-weight:600;margin-top:6px}
.ok{color:var(--ok)}.warn{color:var(--warn)}.bad{color:var(--bad)}.na{color:var(--na)}
ul{margin:8px 0 0;padding-left:18px;color:var(--dim)}
.bar{display:grid;grid-template-columns:130px 1fr 52px;gap:12px;align-items:center;margin:9px 0}
.track{height:8px;border-radius:4px;background:var(--line);overflow:hidden}.fill{height:100%;background:currentColor}
.bar b{text-align:right;font-variant-numeric:tabular-nums}.bar small{grid-column:2/4;color:var(--dim);margin-top:-6px}
dl{display:grid;grid-template-columns:auto 1fr;gap:4px 16px;margin:0}dt{color:var(--dim)}dd{margin:0}
.scroll{overflow-x:auto}table{width:100%;border-collapse:collapse}th{text-align:left;color:var(--dim);font-weight:600;font-size:13px}
td,th{padding:7px 12px 7px 0;border-bottom:1px solid var(--line);vertical-align:top}tr:last-child td{border-bottom:0}td.num{font-variant-numeric:tabular-nums;white-space:nowrap}
td.id{font-weight:600;white-space:nowrap}td.word{white-space:nowrap}.empty{color:var(--dim)}footer{color:var(--dim)}a{color:inherit}
`;

const script = `
const $ = (id) => document.getElementById(id);
const make = (tag, text, cls) => { const e = document.createElement(tag); if (text !== undefined) e.textContent = text; if (cls) e.className = cls; return e; };
const tone = { HEALTHY:"ok", DEGRADED:"warn", UNHEALTHY:"bad", CRITICAL:"bad", UNKNOWN:"na", healthy:"ok", alive:"ok", running:"ok", completed:"ok",
  degraded:"warn", suspect:"warn", starting:"warn", restarting:"warn", paused:"warn", unhealthy:"bad", evicted:"bad", offline:"bad", down:"bad", failed:"bad", stuck:"bad", start_refused:"bad", provider_down:"bad" };
const glyph = { ok:"\\u25CF", warn:"\\u25B2", bad:"\\u25A0", na:"\\u25CB" };
const state = (word) => { const t = tone[word] || "na"; return make("span", glyph[t] + " " + word, t); };
const age = (s) => s === null ? "never" : s < 90 ? s.toFixed(s < 10 ? 1 : 0) + " s ago" : s < 5400 ? Math.round(s / 60) + " min ago" : (s / 3600).toFixed(1) + " h ago";
const rows = (id, list, cells, empty) => { const body = $(id); body.replaceChildren(...list.map((item) => { const tr = make("tr");
  for (const [content, cls] of cells(item)) { const td = make("td", undefined, cls); td.append(content); tr.append(td); } return tr; }));
  if (!list.length) { const tr = make("tr"); const td = make("td", empty, "empty"); td.colSpan = 9; tr.append(td); body.append(tr); } };
const names = { nodeAvailability:"Nodes", circuitHealth:"Circuits", errorRate:"Errors", recovery:"Recovery" };
function show(s) {
  const t = tone[s.level] || "na";
  document.title = (s.score === null ? "?" : s.score) + " " + s.level + " \\u00B7 RingRift Health";
  $("who").textContent = s.node.role + " " + s.node.id + " \\u00B7 cluster " + s.cluster.id + " \\u00B7 " + s.node.version;
  $("score").textContent = s.score === null ? "?" : s.score; $("score").className = t;
  $("level").replaceChildren(state(s.level)); if (s.partial) $("level").append(" (partial)");
  $("reasons").replaceChildren(...s.reasons.map((r) => make("li", r)));
  $("components").replaceChildren(...Object.entries(s.components).map(([key, c]) => { const d = make("div", undefined, "bar"); const track = make("div", undefined, "track");
    const fill = make("div", undefined, "fill"); fill.style.width = (c.score ?? 0) + "%"; track.append(fill); track.classList.add(c.score === null ? "na" : c.score >= 80 ? "ok" : c.score >= 40 ? "warn" : "bad");
    d.append(make("span", names[key] + " " + Math.round(c.weight * 100) + " %"), track, make("b", c.score === null ? "?" : Math.round(c.score)), make("small", c.detail)); return d; }));
  const q = s.cluster.quorum;
  $("leader").replaceChildren(s.cluster.leaderId === null ? make("span", "\\u25A0 none", "bad") : s.cluster.leaderId); $("leader").append(" (epoch " + s.cluster.epoch + ", " + s.cluster.elector + ")");
  $("quorum").replaceChildren(make("span", (q.held ? "\\u25CF held" : "\\u25A0 lost"), q.held ? "ok" : "bad"), " " + q.have + " of " + q.voters.length + " voters reachable, " + q.need + " needed");
  $("voters").replaceChildren(...q.voters.flatMap((v) => [make("span", (v.reachable ? "\\u25CF " : "\\u25A0 ") + v.id, v.reachable ? "ok" : "bad"), " "]));
  const c = s.cluster.counts; $("links").textContent = c.alive + " alive, " + c.suspect + " suspect, " + c.down + " down, " + c.left + " left";
  $("pipeline").replaceChildren(state(s.pipeline.state), s.pipeline.reasons.length ? " " + s.pipeline.reasons.join("; ") : "");
  const retired = s.nodes.filter((n) => n.retired);
  $("retiredsection").hidden = !retired.length;
  rows("retired", retired, (n) => [[n.id, "id"], [new Date(n.retired.at * 1000).toLocaleString()], [n.link, "na"], [age(n.lastSeenSeconds), "num"], [n.retired.reason]], "");
  rows("nodes", s.nodes.filter((n) => !n.retired), (n) => [[n.id, "id"], [n.role], [state(n.link), "word"], [state(n.state), "word"], [n.role === "server" ? "" : n.score === null ? "?" : String(n.score), "num"],
    [n.role === "server" ? "" : n.gpus === null ? "?" : n.gpus.healthy + "/" + n.gpus.total, "num"], [age(n.lastSeenSeconds), "num"], [n.reasons.join("; ")]], "no node is known yet");
  $("daemonsection").hidden = !s.daemons.length;
  rows("daemons", s.daemons, (d) => [[d.name, "id"], [d.node], [state(d.state), "word"], [String(d.restarts), "num"], [d.critical ? "critical" : ""]], "");
}
let last = 0, failed = "";
async function refresh() {
  try { const r = await fetch("/status", { cache: "no-store", signal: AbortSignal.timeout(4000) }); if (!r.ok) throw new Error("HTTP " + r.status); show(await r.json()); last = Date.now(); failed = ""; }
  catch (e) { failed = e.message; }
  $("stale").textContent = failed ? "No answer (" + failed + "); shown: " + (last ? age((Date.now() - last) / 1000) : "nothing yet") : "";
  setTimeout(refresh, 1000);
}
refresh();
`;

/** The live page: `/status` made readable, renewed every second, with the age of what it shows when the server is silent. */
export const livePage: string = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>RingRift Health</title><link rel="icon" href="data:,"><style>${style}</style></head><body><main>
<header><h1>RingRift Health</h1><span id="who">loading</span><span id="stale" role="status"></span></header>
<div class="row"><section><h2>Score</h2><div id="score">…</div><div id="level"></div><ul id="reasons"></ul></section>
<section><h2>Made of</h2><div id="components"></div></section></div>
<section><h2>Cluster</h2><dl><dt>Leader</dt><dd id="leader"></dd><dt>Quorum</dt><dd id="quorum"></dd><dt>Voters</dt><dd id="voters"></dd>
<dt>Links</dt><dd id="links"></dd><dt>Pipeline</dt><dd id="pipeline"></dd></dl></section>
<section><h2>Nodes</h2><div class="scroll"><table><thead><tr><th>Node</th><th>Role</th><th>Link</th><th>State</th><th>Score</th><th>GPUs</th><th>Seen</th><th>Why</th></tr></thead><tbody id="nodes"></tbody></table></div></section>
<section id="retiredsection" hidden><h2>Retired, not counted</h2><div class="scroll"><table><thead><tr><th>Node</th><th>Since</th><th>Link</th><th>Seen</th><th>Why</th></tr></thead><tbody id="retired"></tbody></table></div></section>
<section id="daemonsection" hidden><h2>Daemons</h2><div class="scroll"><table><thead><tr><th>Daemon</th><th>Node</th><th>State</th><th>Restarts</th><th></th></tr></thead><tbody id="daemons"></tbody></table></div></section>
<footer><a href="/status">/status</a> · <a href="/metrics">/metrics</a> · <a href="/ready?verbose">/ready</a> · <a href="/health">/health</a></footer>
</main><script>${script}</script></body></html>
`;

const hash = (text: string): string => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** Only this page's own script may run. Bar widths are set from script, which style-src's unsafe-inline covers. */
export const livePageHeaders: Readonly<Record<string, string>> = {
  "content-security-policy": `default-src 'none'; script-src ${hash(script)}; style-src 'unsafe-inline'; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
};
