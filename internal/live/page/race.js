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
