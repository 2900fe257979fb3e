// Calls and their attempts in words.

const $ = (id) => document.getElementById(id);
const none = "–";

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
