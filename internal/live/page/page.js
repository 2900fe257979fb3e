const $ = (id) => document.getElementById(id);
const none = "–";

// What is held and shown at most.
const heldCalls = 320, heldTrouble = 96, shownCalls = 40, shownAttempts = 6;

const calls = new Map(); // by number
const rows = new Map(); // those in the list, by number
const open = new Set(); // numbers of the calls whose details are shown
let since; // when the service started
let skew = 0; // of this clock, in ms
let until = Infinity; // the newest call that is shown while the page is paused
let touched = -Infinity; // when the pointer was last moved over the list
let scale = 500; // ms from the left to the right of the list

// Elements. No text of the service is ever read as markup.

const fill = (e, attributes, children) => {
  for (const [name, value] of Object.entries(attributes)) e.setAttribute(name, value);
  e.append(...children);
  return e;
};
const html = (name, attributes = {}, ...children) => fill(document.createElement(name), attributes, children);
const svg = (name, attributes = {}, ...children) => fill(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);

// Words.

const time = (ms) =>
  ms < 10 ? `${+ms.toFixed(1)} ms` : ms < 1000 ? `${Math.round(ms)} ms` : ms < 10000 ? `${+(ms / 1000).toFixed(2)} s` : `${+(ms / 1000).toFixed(1)} s`;
const plural = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;
const percent = (share) => `${share > 0 && share < .01 ? "<1" : Math.round(100 * share)}%`;
const nameOf = (api) => api || "/api";
const clock = (at) => {
  const t = new Date(at);
  return t.toLocaleTimeString("en-GB") + "." + String(t.getMilliseconds()).padStart(3, "0");
};
const outcomes = { timed_out: "timed out", abandoned: "caller gone", "": "running" };
const word = (outcome = "") => outcomes[outcome] ?? outcome;

// Calls.

const now = () => Date.now() - skew;
const isTrouble = (c) => c.slow || (c.outcome ?? "answered") !== "answered";
const sent = (c) => c.attempts.filter((a) => a.outcome !== "refused");
const endOf = (a, c) => a.from + (a.outcome === "running" ? Math.max(0, now() - c.at - a.from) : a.took ?? 0);
const lasted = (c) => Math.max(c.took ?? now() - c.at, ...c.attempts.map((a) => endOf(a, c)));
const isSettled = (c) => c.outcome && c.attempts.every((a) => a.outcome !== "running");

// inWords is a sentence without its end about attempts that are alike.
const inWords = (alike, c) => {
  const [a] = alike, many = alike.length > 1;
  const numbers = alike.map((b) => b.n);
  const names = !many ? `Attempt ${a.n}${a.hedge ? ", a hedge," : ""}` : `Attempts ${numbers.slice(0, -1).join(", ")} and ${numbers.at(-1)}`;
  const was = many ? "were" : "was";
  const after = many ? "" : ` after ${time(endOf(a, c) - a.from)}`;
  switch (a.outcome) {
    case "refused": return `${names} ${was} not sent: ${a.reason}`;
    case "running": return `${names} ${many ? "are" : "is"} running`;
    case "won": return `${names} succeeded${after}`;
    case "late": return `${names} succeeded${after}, too late`;
    case "failed": return `${names} failed${after}: ${a.reason}`;
    case "timed_out": return `${names} ${was} still running at the deadline`;
    case "cancelled": return `${names} ${was} cut${after}, not needed any more`;
    default: return `${names} ${was} running when the caller went away`;
  }
};

// groupsOf are the attempts that are alike, in the order of the first of each.
const groupsOf = (attempts) => [...Map.groupBy(attempts, (a) => `${a.outcome} ${a.reason}`).values()];

// why says in words where the time of a call went.
const why = (c) => {
  const [first] = c.attempts;
  const said = [];
  let telling = c.attempts; // those that are told one by one
  if (first?.from > 50) said.push(`The call waited ${time(first.from)} before its first attempt`);
  const unsent = c.attempts.filter((a) => a.hedge && a.outcome === "refused");
  const winners = c.attempts.filter((a) => a.outcome === "won");
  const waitsForAll = c.strategy === "all" || c.strategy === "within-timeout";
  switch (c.outcome ?? "") {
    case "": said.push("The call is running"); break;
    case "refused": said.push(`The call was refused, and nothing was sent: ${first?.reason ?? "no room"}`); break;
    case "abandoned": said.push("The caller went away before the answer"); break;
    case "failed": said.push(sent(c).length > 1 ? "Every attempt failed" : "The only attempt failed"); break;
    case "timed_out": said.push(`There was no answer by the deadline of ${time(c.timeout)}`); break;
    default:
      if (waitsForAll && sent(c).length > 1) {
        const last = sent(c).reduce((a, b) => (endOf(b, c) > endOf(a, c) ? b : a));
        said.push(`The answer waits for every attempt, and attempt ${last.n} took longest`);
        telling = [last];
      } else if (winners[0]?.hedge) {
        said.push(`A hedge, sent ${time(winners[0].from)} after the call came, brought the answer ${time(winners[0].took)} later`);
        telling = [first];
      } else if (winners[0]) {
        said.push(`Attempt ${winners[0].n} brought the answer after ${time(winners[0].took)}`);
        telling = [];
      }
  }
  if (unsent.length > 0 && winners[0] === first) said.push("No hedge could help: " + [...new Set(unsent.map((a) => a.reason))].join(", "));
  if (c.outcome !== "refused") said.push(...groupsOf(telling).map((alike) => inWords(alike, c)));
  return said.map((sentence) => sentence + ". ").join("");
};

// summary is what those who do not see the race are told of it.
const summary = (c) => `${plural(c.attempts.length, "attempt")}: ${c.attempts.map((a) => `${word(a.outcome)} ${time(endOf(a, c) - a.from)}`).join(", ")}.`;

// The race: a bar for each attempt, from left to right as time passes.

const nice = (ms) => {
  const power = 10 ** Math.floor(Math.log10(ms));
  return [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((step) => step * power >= ms) * power;
};
const ticksOf = (width) => {
  const step = nice(width / 6);
  return Array.from({ length: Math.floor(width / step + 1e-9) + 1 }, (_, i) => i * step);
};
const at = (ms, width) => `${Math.min(100, Math.max(0, (100 * ms) / width)).toFixed(2)}%`;
const length = (from, to, width) => `${Math.max(0, (100 * (Math.min(to, width) - Math.min(from, width))) / width).toFixed(2)}%`;

const axis = (width) =>
  svg("svg", { class: "axis", "aria-hidden": "true" }, ...ticksOf(width).map((ms) => Object.assign(svg("text", { class: "tick", x: at(ms, width), y: 14 }), { textContent: time(ms) })));

const markOf = (a, c) => (a.outcome === "failed" && c.outcome && a.from + a.took > c.took ? "failed-late" : a.outcome);

const draw = (picture, c, width, limit) => {
  const shown = c.attempts.slice(0, limit);
  const high = Math.max(1, shown.length) * 16 + 4;
  const line = (name, ms, top = 0) => svg("line", { class: name, x1: at(ms, width), x2: at(ms, width), y1: top, y2: high });
  const parts = ticksOf(width).map((ms) => line("grid", ms));
  const bars = [], marks = [];
  const answer = c.took ?? Infinity;
  const firstHedge = c.attempts.find((a) => a.hedge);
  if (firstHedge && firstHedge.from <= width) parts.push(line("hedge", firstHedge.from, 3));
  shown.forEach((a, i) => {
    const y = i * 16 + 10, end = endOf(a, c);
    const bar = (name, from, to) => to > from && bars.push(svg("rect", { class: name, x: at(from, width), width: length(from, to, width), y: y - 4, height: 8, rx: 4 }));
    bar("loser", Math.min(Math.max(a.from, answer - width / 80), end), end);
    bar("run", a.from, Math.min(end, answer));
    if (end > width) marks.push(svg("use", { href: "#beyond", x: "100%", y }));
    else if (a.outcome !== "running") marks.push(svg("use", { href: "#" + markOf(a, c), x: at(end, width), y }));
  });
  parts.push(...bars);
  if (c.timeout <= width) parts.push(line("deadline", c.timeout));
  if (c.outcome && c.took <= width) parts.push(line("answer", c.took));
  picture.setAttribute("height", high);
  picture.replaceChildren(...parts, ...marks);
};

// A row of the list.

const newRow = (c) => {
  const row = { number: c.n, picture: svg("svg", { class: "race", "aria-hidden": "true" }) };
  row.summary = html("span", { class: "vh" });
  row.end = html("span", { class: "end" });
  row.more = html("div", { class: "more", id: `more-${c.n}`, hidden: "" });
  row.button = html("button", { type: "button", "aria-expanded": "false", "aria-controls": row.more.id },
    html("span", { class: "when" }, clock(c.at)),
    html("span", { class: "what" }, html("b", {}, nameOf(c.api)), html("span", {}, c.strategy + (c.api && c.route ? " · " + c.route : ""))),
    row.picture, row.summary, row.end);
  row.button.addEventListener("click", () => toggle(row));
  row.element = html("li", {}, row.button, row.more);
  return row;
};

const toggle = (row) => {
  const shows = !open.delete(row.number);
  if (shows) open.add(row.number);
  row.more.hidden = !shows;
  row.button.setAttribute("aria-expanded", shows);
  row.drawn = null;
  update(row, row.call);
};

const update = (row, c) => {
  if (row.drawn === c && row.scale === scale && isSettled(c)) return;
  row.call = row.drawn = c;
  row.scale = scale;
  row.element.className = `call ${c.outcome || "running"}${c.slow ? " slow" : ""}${open.has(c.n) ? " open" : ""}`;
  draw(row.picture, c, scale, shownAttempts);
  row.summary.textContent = summary(c);
  const requests = sent(c).length;
  row.end.replaceChildren(
    ...(c.outcome === "answered" && c.slow ? [html("span", { class: "tag" }, "slow")] : []),
    html("b", {}, `${word(c.outcome)}${c.status ? " " + c.status : ""}`),
    html("small", {}, `${time(c.took ?? now() - c.at)} of ${time(c.timeout)}, ${plural(requests, "request")}`));
  if (open.has(c.n)) showMore(row.more, c);
};

const pair = (name, value) => html("div", {}, html("dt", {}, name), html("dd", {}, value));

const showMore = (more, c) => {
  const width = Math.max(5, lasted(c), c.timeout <= 3 * lasted(c) ? c.timeout : 0) * 1.04;
  const picture = svg("svg", { class: "race", "aria-hidden": "true" });
  draw(picture, c, width, 100);
  const head = html("tr", {}, ...["Attempt", "Sent after", "Took", "Outcome", "Reason", "URL"].map((name) => html("th", { scope: "col" }, name)));
  const lines = c.attempts.map((a) => html("tr", {}, ...[
    `${a.n}${a.hedge ? ", hedge" : ""}`, a.outcome === "refused" ? none : time(a.from), a.outcome === "refused" ? none : time(endOf(a, c) - a.from),
    word(a.outcome), a.reason || none, String(a.url)].map((text) => html("td", {}, text))));
  more.replaceChildren(
    html("p", { class: "why" }, why(c)),
    html("dl", {}, pair("Id", c.id), pair("API", nameOf(c.api)), pair("Route", c.route || "no pattern"), pair("Strategy", c.strategy),
      pair("Came at", clock(c.at)), pair("Timeout", time(c.timeout)),
      pair("Answer", c.outcome ? `${c.status} after ${time(c.took)}` : "none yet")),
    picture, axis(width), html("table", { "aria-label": "Attempts" }, html("thead", {}, head), html("tbody", {}, ...lines)));
};

// The list.

const list = $("calls");
const filters = { api: $("by-api"), strategy: $("by-strategy"), outcome: $("by-outcome") };

const matches = (c) =>
  Object.entries(filters).every(([name, { value }]) => value === "*" || (c[name] ?? "") === value) && (!$("trouble").checked || isTrouble(c));

const isPaused = () => until < Infinity;

// isHeld tells whether the list stays as it is, so that nothing moves away from under a pointer, a focus or eyes.
const isHeld = () =>
  isPaused() || open.size > 0 || (list.contains(document.activeElement) && document.activeElement !== list) || performance.now() - touched < 1500;

// chooseScale takes in nine in ten of the calls shown, and their deadline when that is near.
const chooseScale = (shown) => {
  const long = shown.map(lasted).sort((a, b) => a - b);
  if (long.length === 0) return;
  let wanted = nice(1.15 * Math.max(5, long[Math.ceil(.9 * long.length) - 1]));
  const near = Math.max(0, ...shown.map((c) => c.timeout).filter((timeout) => timeout <= 1.7 * wanted));
  wanted = Math.max(wanted, nice(near * 1.02));
  if (wanted > scale || wanted < .6 * scale) scale = wanted;
};

const render = (force) => {
  forget();
  const all = [...calls.values()].filter(matches).sort((a, b) => b.n - a.n);
  const found = all.filter((c) => c.n <= until);
  const top = Math.max(0, ...rows.keys());
  const newer = all.filter((c) => c.n > top).length;
  const holds = !force && rows.size > 0 && isHeld();
  if (!holds) {
    const shown = found.filter((c, i) => i < shownCalls || open.has(c.n));
    chooseScale(shown);
    place(shown);
  }
  for (const row of rows.values()) update(row, calls.get(row.number) ?? row.call);
  $("held").hidden = !holds || newer === 0;
  $("newer").textContent = `Show ${plural(newer, "newer call")}`;
  $("count").textContent = calls.size ? `${rows.size} of the last ${calls.size}` : "";
  $("empty").hidden = rows.size > 0;
  $("empty").textContent = calls.size ? "No call is like that." : "No call yet. Each one appears here as it runs.";
  if ($("axis").dataset.scale !== String(scale)) {
    $("axis").dataset.scale = scale;
    $("axis").replaceChildren(axis(scale));
  }
  $("axis").hidden = rows.size === 0;
};

// place puts the rows of these calls into the list, in their order, and takes all others away.
const place = (shown) => {
  const wanted = new Set(shown.map((c) => c.n));
  for (const [number, row] of rows) {
    if (wanted.has(number)) continue;
    row.element.remove();
    rows.delete(number);
    open.delete(number);
  }
  shown.forEach((c, i) => {
    if (!rows.has(c.n)) rows.set(c.n, Object.assign(newRow(c), { call: c }));
    const { element } = rows.get(c.n);
    if (list.children[i] !== element) list.insertBefore(element, list.children[i] ?? null);
  });
};

// forget lets go of the oldest calls, of slow and failed ones later, and of those whose end the service has not told.
const forget = () => {
  let trouble = 0, others = 0;
  for (const c of [...calls.values()].sort((a, b) => b.n - a.n)) {
    if (isPaused() && c.n <= until) return;
    const many = isTrouble(c) ? ++trouble > heldTrouble : ++others > heldCalls;
    if (many || (!isSettled(c) && now() - c.at > c.timeout + 10000)) calls.delete(c.n);
  }
};

// forgetAll is for another process, which counts its calls anew.
const forgetAll = () => {
  calls.clear();
  place([]);
  if (isPaused()) until = 0;
};

// The figures.

const refusedCell = (refused = {}) => {
  const reasons = Object.entries(refused);
  return reasons.length ? [String(reasons.reduce((sum, [, n]) => sum + n, 0)), html("small", {}, reasons.map(([reason]) => reason).join(", "))] : ["0"];
};

const figureRow = (f) => {
  const cell = (label, children, alarm) => html("td", { role: "cell", "data-label": label, class: alarm ? "alarm" : "" }, ...children);
  const [shortest, longest] = f.delay;
  return html("tr", { role: "row" },
    html("th", { role: "rowheader", scope: "row" }, nameOf(f.api), html("small", {}, ` ${plural(f.calls, "call")} in flight`)),
    cell("Calls/s", [f.rate < 10 ? f.rate.toFixed(1) : String(Math.round(f.rate))]),
    cell("p50", [f.p50 ? time(f.p50) : none]),
    cell("p99", [f.p99 ? time(f.p99) : none]),
    cell("Failed", [f.rate ? percent(f.failed) : none], f.failed >= .05),
    cell("Per call", [f.perCall ? f.perCall.toFixed(2) : none]),
    cell("Paid", [f.hedges ? `${f.paid} of ${f.hedges}` : none]),
    cell("Saved", [f.hedges ? time(1000 * f.saved) : none]),
    cell("Refused", refusedCell(f.refused)),
    cell("Budget", [f.budget === undefined ? "off" : `${+f.budget.toFixed(1)} of 10`]),
    cell("Delay", [shortest === longest ? time(longest) : `${time(shortest)} to ${time(longest)}`]));
};

// offer adds a choice to a filter.
const offer = (select, value, text) => {
  if (![...select.options].some((option) => option.value === value)) select.append(html("option", { value }, text));
};

const showFigures = (apis) => {
  $("apis").tBodies[0].replaceChildren(...apis.map(figureRow));
  for (const { api } of apis) offer(filters.api, api, nameOf(api));
};

// The stream.

let source;
const state = (name, text) => {
  $("state").dataset.state = name;
  if ($("state").textContent !== text) $("state").textContent = text;
};
const live = () => (isPaused() ? state("wait", "paused") : state("live", "live"));

const connect = () => {
  source?.close();
  source = new EventSource("events");
  source.onopen = live;
  source.onerror = () => {
    state("lost", "connection lost, trying again");
    if (source.readyState === EventSource.CLOSED && !document.hidden) setTimeout(connect, 3000);
  };
  source.addEventListener("about", ({ data }) => {
    const about = JSON.parse(data);
    if (since !== about.since) forgetAll();
    since = about.since;
    document.title = [about.host, "Hedgerow"].filter(Boolean).join(" · ");
    $("replica").textContent = [about.host, about.version].filter(Boolean).join(" · ");
    $("console").href = `//${location.hostname}:${about.console}/`;
    $("console").hidden = false;
  });
  source.addEventListener("apis", ({ data }) => showFigures(JSON.parse(data)));
  source.addEventListener("calls", ({ data }) => {
    const told = JSON.parse(data);
    skew = Date.now() - told.now;
    for (const c of told.calls) {
      calls.set(c.n, c);
      offer(filters.strategy, c.strategy, c.strategy);
    }
    render();
  });
};

// What people do.

const showConfiguration = async () => {
  const pre = $("configuration").querySelector("pre");
  try {
    const answer = await fetch("configuration");
    pre.textContent = await answer.text();
  } catch {
    pre.textContent = "It cannot be read: the connection is lost.";
  }
};
const openConfiguration = () => { if (location.hash === "#configuration") $("configuration").open = true; };

// The filters stand in the address, so that a link has them.
const writeAddress = () => {
  const query = new URLSearchParams();
  for (const [name, { value }] of Object.entries(filters)) if (value !== "*") query.set(name, value);
  if ($("trouble").checked) query.set("trouble", "");
  history.replaceState(null, "", (query.size ? "?" + query : location.pathname) + location.hash);
};
const readAddress = () => {
  const query = new URLSearchParams(location.search);
  for (const [name, select] of Object.entries(filters)) {
    if (!query.has(name)) continue;
    offer(select, query.get(name), nameOf(query.get(name)));
    select.value = query.get(name);
  }
  $("trouble").checked = query.has("trouble");
};

$("filters").addEventListener("change", () => { writeAddress(); render(true); });
$("filters").addEventListener("submit", (event) => event.preventDefault());
$("pause").addEventListener("click", () => {
  until = isPaused() ? Infinity : Math.max(0, ...calls.keys());
  $("pause").setAttribute("aria-pressed", isPaused());
  live();
  render();
});
$("newer").addEventListener("click", () => {
  if (isPaused()) until = Math.max(0, ...calls.keys());
  render(true);
  list.focus();
});
for (const event of ["pointermove", "pointerdown"]) list.addEventListener(event, () => { touched = performance.now(); });
$("configuration").addEventListener("toggle", () => $("configuration").open && showConfiguration());
addEventListener("hashchange", openConfiguration);
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) return connect();
  source.close();
  state("wait", "not looking");
});

// Calls that run grow between two events.
setInterval(() => {
  for (const row of rows.values()) if (!isSettled(row.call)) update(row, row.call);
  if (!$("held").hidden && !isHeld()) render();
}, matchMedia("(prefers-reduced-motion: reduce)").matches ? 1000 : 80);

readAddress();
openConfiguration();
render();
connect();
