// What the page knows, and the list of calls.

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
