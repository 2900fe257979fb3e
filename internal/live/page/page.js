// The figures, the stream, and what people do. This is the end of the script: words.js, race.js and list.js stand before it.

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
