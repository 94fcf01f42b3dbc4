"use strict";
// The live page: asks for state.json each second, and works out rates and ages from its counters and
// times. Every text is set as text: names of targets and circuits come from elsewhere.

const EVERY_MS = 1000;
const PATIENCE_MS = 5000;
const SAMPLES = 60;
const SVG = "http://www.w3.org/2000/svg";
// A shape for each state, so that nobody needs to see its colour.
const SHAPES = {
  closed: "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1Z",
  open: "M1 1h14v14H1Z",
  "half-open": "M8 1 15.5 15H.5Z",
  isolated: "M8 .5 15.5 8 8 15.5 .5 8Z",
};
const ENDPOINT_HEADS = ["Endpoint", "State", "Weight", "Out", "Attempts", "Errors", "p50", "p99"];
const WORST_FIRST = ["isolated", "open", "half-open", "closed"];

const byId = (id) => document.getElementById(id);
const meta = (name) => document.querySelector(`meta[name="resilience-${name}"]`).content;
const ACTIONS = meta("actions").split(" ").filter(Boolean);

let tag = null; // of the last answer
let state = null; // what it said
let skew = 0; // milliseconds by which the server's clock is ahead
let lastAnswer = null;
let failure = "";
const seen = new Map(); // process -> when it answered last
const histories = new Map(); // of each target of each client of a process
const sections = new Map();

// Building elements

function make(kind, attributes = {}, ...children) {
  const element = document.createElement(kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

function draw(kind, attributes = {}) {
  const element = document.createElementNS(SVG, kind);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  return element;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Numbers and times as people read them

function rounded(number) {
  if (number === 0) return "0";
  return number < 10 ? number.toFixed(1) : Math.round(number).toLocaleString("en");
}

function duration(seconds) {
  if (seconds === null) return "–";
  if (seconds < 1) return `${Number((seconds * 1000).toPrecision(3))} ms`;
  return `${Number(seconds.toPrecision(3))} s`;
}

function clock(seconds) {
  const date = new Date(seconds * 1000);
  const time = date.toLocaleTimeString("en-GB");
  return date.toDateString() === new Date().toDateString() ? time : `${date.toLocaleDateString("en-CA")} ${time}`;
}

function age(seconds) {
  const past = Math.max(0, Math.round((Date.now() + skew) / 1000 - seconds));
  if (past < 60) return `${past} s`;
  if (past < 3600) return `${Math.floor(past / 60)} min`;
  if (past < 172800) return `${Math.floor(past / 3600)} h`;
  return `${Math.floor(past / 86400)} days`;
}

const record = (columns, row) => Object.fromEntries(columns.map((name, at) => [name, row[at]]));

// States and sparklines

function badge() {
  const shape = draw("path");
  const picture = draw("svg", { viewBox: "0 0 16 16", class: "shape", "aria-hidden": "true" });
  picture.append(shape);
  const word = make("span");
  const element = make("span", { class: "state" }, picture, word);
  element.show = (name) => {
    const known = name in SHAPES ? name : "none";
    element.className = `state ${known}`;
    shape.setAttribute("d", SHAPES[name] ?? "M2 7h12v2H2Z");
    write(word, name ?? "no circuit");
  };
  return element;
}

function sparkline(what) {
  const line = draw("path", { class: "line" });
  const area = draw("path", { class: "area" });
  const picture = draw("svg", { viewBox: "0 0 60 18", preserveAspectRatio: "none", class: `spark ${what}`, role: "img" });
  picture.append(area, line);
  const number = make("span", { class: "number" });
  const element = make("span", { class: "rate" }, picture, number);
  element.show = (samples) => {
    const most = Math.max(1, ...samples);
    const points = samples.map((each, at) => `${60 - samples.length + at + 0.5} ${(17 - (16 * each) / most).toFixed(1)}`);
    const path = points.length ? `M${points.join("L")}` : "";
    line.setAttribute("d", path);
    area.setAttribute("d", path ? `${path}V18H${60 - samples.length + 0.5}Z` : "");
    const now = samples.at(-1) ?? 0;
    write(number, `${rounded(now)}/s`);
    picture.setAttribute("aria-label", `${what} a second: ${rounded(now)} now, ${rounded(Math.max(0, ...samples))} at most in the last minute`);
  };
  return element;
}

// Rates, from counters

function processKey(process) {
  return `${process.host} ${process.pid} ${process.started}`;
}

function sample(now) {
  const process = processKey(state.process);
  for (const client of state.clients) {
    for (const row of client.targets) {
      const target = record(state.columns.targets, row);
      const key = `${process} ${client.id} ${target.target}`;
      const before = histories.get(key);
      if (!before) {
        histories.set(key, { at: now, operations: target.operations, errors: target.errors, calls: [], failed: [] });
        continue;
      }
      const seconds = (now - before.at) / 1000;
      if (seconds < 0.2) continue;
      before.calls.push(Math.max(0, target.operations - before.operations) / seconds);
      before.failed.push(Math.max(0, target.errors - before.errors) / seconds);
      for (const samples of [before.calls, before.failed]) if (samples.length > SAMPLES) samples.shift();
      Object.assign(before, { at: now, operations: target.operations, errors: target.errors });
    }
  }
}

// A section for each client

const HEADS = ["State", "Target", "Since", "Last error", "Calls", "Errors", "p50", "p99", "Attempts a call", "Under way"];

function makeSection() {
  const title = make("h2");
  const kind = make("span", { class: "kind" });
  const facts = {};
  const list = make("dl", { class: "facts" });
  for (const name of ["Circuit", "Slots", "Rate limit", "Retry budget", "Hedges"]) {
    facts[name] = make("dd");
    list.append(make("div", {}, Object.assign(make("dt"), { textContent: name }), facts[name]));
  }
  const circuit = badge();
  const circuitAge = make("span", { class: "detail" });
  facts.Circuit.append(circuit, circuitAge);
  const heads = make("tr");
  for (const name of ACTIONS.length ? [...HEADS, "Actions"] : HEADS) heads.append(Object.assign(make("th", { scope: "col" }), { textContent: name }));
  const rows = make("tbody");
  const empty = Object.assign(make("p", { class: "empty" }), { textContent: "No call yet." });
  const table = make("table", { class: "targets" }, make("thead", {}, heads), rows);
  const past = make("tbody");
  const pastHeads = make("tr");
  for (const name of ["When", "Circuit", "To", "Cause", "Detail"]) pastHeads.append(Object.assign(make("th", { scope: "col" }), { textContent: name }));
  const spread = make("tbody");
  const spreadHeads = make("tr");
  for (const name of ENDPOINT_HEADS) spreadHeads.append(Object.assign(make("th", { scope: "col" }), { textContent: name }));
  const endpoints = make("table", { class: "targets", hidden: "" }, make("thead", {}, spreadHeads), spread);
  const summary = make("summary");
  const pastTable = make("table", { class: "transitions" }, make("thead", {}, pastHeads), past);
  const frame = make("div", { class: "past", tabindex: "0", role: "region", "aria-label": "Last transitions" }, pastTable);
  const history = make("details", { open: "" }, summary, frame);
  const buttons = make("span", { class: "buttons" });
  const element = make("section", {}, make("div", { class: "head" }, title, kind, buttons), list, endpoints, empty, table, history);
  return { element, endpoints, spread, title, kind, facts, circuit, circuitAge, rows, empty, table, past, frame, summary, history, buttons, targets: new Map(), news: null };
}

function makeRow(section, name) {
  const cells = HEADS.map((head) => make(head === "Target" ? "th" : "td", head === "Target" ? { scope: "row" } : { "data-head": head }));
  const element = make("tr", {}, ...cells);
  const state = badge();
  const calls = sparkline("calls");
  const errors = sparkline("errors");
  cells[0].append(state);
  write(cells[1], name);
  cells[4].append(calls);
  cells[5].append(errors);
  const row = { element, state, calls, errors, since: cells[2], lastError: cells[3], p50: cells[6], p99: cells[7], effort: cells[8], active: cells[9] };
  if (ACTIONS.length) {
    row.buttons = make("td", { class: "buttons", "data-head": "Actions" });
    element.append(row.buttons);
  }
  return row;
}

function showButtons(place, client, scope, name) {
  if (!place) return;
  const key = `${client.id} ${scope}`;
  if (place.dataset.key === key) return;
  place.dataset.key = key;
  place.replaceChildren();
  for (const action of ACTIONS) {
    const button = make("button", { type: "button", "aria-label": `${action} ${name} of ${client.name}` });
    button.textContent = scope === null ? `${action} all` : action;
    button.addEventListener("click", () => ask(action, client, scope));
    place.append(button);
  }
}

function showTarget(section, client, target, process) {
  let row = section.targets.get(target.target);
  if (!row) {
    row = makeRow(section, target.target);
    section.targets.set(target.target, row);
  }
  row.state.show(target.state);
  row.at = target.since;
  row.rank = WORST_FIRST.indexOf(target.state ?? "closed");
  const reason = target.reason === null ? null : `“${target.reason}”`;
  write(row.lastError, [target.last_error, reason].filter(Boolean).join("; ") || "–");
  const history = histories.get(`${process} ${client.id} ${target.target}`);
  row.calls.show(history?.calls ?? []);
  row.errors.show(history?.failed ?? []);
  write(row.p50, duration(target.p50));
  write(row.p99, duration(target.p99));
  const { attempts, operations_with_attempts: attempted } = target;
  write(row.effort, attempted ? (attempts / attempted).toFixed(2) : "–");
  write(row.active, String(target.active));
  const isOne = target.target.includes("://");
  if (isOne) showButtons(row.buttons, client, target.target, target.target);
  return row;
}

function inOrder(body, elements) {
  if (elements.every((each, at) => body.children[at] === each) && body.children.length === elements.length) return;
  const focused = document.activeElement;
  body.replaceChildren(...elements);
  if (focused && focused !== document.activeElement && body.contains(focused)) focused.focus();
}

function showClient(client) {
  const process = processKey(state.process);
  let section = sections.get(client.id);
  if (!section) {
    section = makeSection();
    sections.set(client.id, section);
  }
  write(section.title, client.name);
  write(section.kind, client.closed ? `${client.kind}, closed` : client.kind);
  showButtons(section.buttons, client, null, "all circuits");
  const [, circuit, since, , reason] = client.circuit ?? [null, null, null, null, null];
  section.facts.Circuit.parentElement.hidden = client.circuit === null;
  section.circuit.show(circuit);
  section.at = since;
  section.reason = reason;
  const [used, waiting, limit] = client.slots ?? [0, 0, 0];
  section.facts.Slots.parentElement.hidden = client.slots === null;
  const [, before, why] = client.limit ?? [null, null, null];
  const change = client.limit ? `; the limit was ${before} (${why})` : "";
  write(section.facts.Slots, `${used} of ${limit} taken, ${waiting} waiting${change}`);
  section.facts["Rate limit"].parentElement.hidden = !client.rate_limit;
  const [queued, paused, until] = client.rate_limit ?? [0, 0, null];
  const pause = paused ? `, ${paused} ${paused === 1 ? "pause" : "pauses"}, the last until ${clock(until)}` : "";
  write(section.facts["Rate limit"], `${queued} waiting${pause}`);
  section.facts["Retry budget"].parentElement.hidden = client.budget === null;
  write(section.facts["Retry budget"], `${client.budget} left`);
  section.facts.Hedges.parentElement.hidden = !client.hedges;
  const [sent, won] = client.hedges ?? [0, 0];
  write(section.facts.Hedges, `${sent} sent, ${won} won`);
  showEndpoints(section, client);
  const shown = client.targets.map((each) => showTarget(section, client, record(state.columns.targets, each), process));
  const names = new Set(client.targets.map((each) => each[0]));
  for (const name of section.targets.keys()) if (!names.has(name)) section.targets.delete(name);
  shown.sort((one, other) => one.rank - other.rank);
  inOrder(section.rows, shown.map((row) => row.element));
  section.empty.hidden = shown.length > 0;
  section.table.hidden = shown.length === 0;
  showTransitions(section, client);
  return section.element;
}

function showEndpoints(section, client) {
  const rows = (client.endpoints ?? []).map((each) => record(state.columns.endpoints, each));
  section.endpoints.hidden = rows.length === 0;
  const told = JSON.stringify(rows);
  if (section.told === told) return;
  section.told = told;
  section.spread.replaceChildren(
    ...rows.map((row) => {
      const why = row.cause ? `${row.state} (${row.cause})` : row.state;
      const numbers = [row.weight, row.outstanding, row.attempts, row.errors].map(String);
      const texts = [why, ...numbers, duration(row.p50), duration(row.p99)];
      const cells = texts.map((each, at) => make("td", { "data-head": ENDPOINT_HEADS[at + 1] }, each));
      return make("tr", {}, make("th", { scope: "row" }, row.endpoint), ...cells);
    }),
  );
}

function showTransitions(section, client) {
  const rows = client.transitions.map((each) => record(state.columns.transitions, each));
  write(section.summary, rows.length ? `Last ${rows.length === 1 ? "transition" : `${rows.length} transitions`}` : "No transitions yet");
  section.frame.hidden = rows.length === 0;
  const newest = rows.length ? JSON.stringify(client.transitions[0]) : "";
  if (section.news === newest) return;
  if (section.news !== null && rows.length) {
    const what = rows[0].circuit ? `the circuit of ${rows[0].circuit} is ` : "";
    write(byId("news"), `${client.name}: ${what}${rows[0].to}`);
  }
  section.news = newest;
  section.past.replaceChildren(
    ...rows.map((row) => {
      const to = badge();
      to.show(row.to);
      const time = make("time", { datetime: new Date(row.at * 1000).toISOString() });
      time.textContent = clock(row.at);
      const cells = [time, row.circuit, to, row.cause, row.detail].map((each) => make("td", {}, each));
      return make("tr", {}, ...cells);
    }),
  );
}

// The whole page

function show() {
  const { process } = state;
  write(byId("process"), `Process ${process.pid} (${process.worker}) on ${process.host}, since ${clock(process.started)}, version ${process.version}. Other workers have pages of their own.`);
  const elements = state.clients.map(showClient);
  const ids = new Set(state.clients.map((each) => each.id));
  for (const id of sections.keys()) if (!ids.has(id)) sections.delete(id);
  if (!elements.length) elements.push(Object.assign(make("p"), { textContent: "No client is left." }));
  inOrder(byId("clients"), elements);
  for (const known of [seen, histories]) {
    for (const [key, each] of known) if (performance.now() - each.at > 60000) known.delete(key);
  }
  const others = [...seen.values()].filter((each) => each.pid !== process.pid).map((each) => each.pid);
  byId("workers").hidden = others.length === 0;
  write(byId("workers"), `More than one process answers here: ${others.join(", ")} besides ${process.pid}, which is shown.`);
  showAges();
}

function showAges() {
  for (const section of sections.values()) {
    const since = section.at === null || section.at === undefined ? "" : ` since ${clock(section.at)} (${age(section.at)})`;
    write(section.circuitAge, section.reason ? `${since}: “${section.reason}”` : since);
    for (const row of section.targets.values()) {
      write(row.since, row.at === null ? "–" : `${clock(row.at)} (${age(row.at)})`);
    }
  }
  const stale = byId("stale");
  const isStale = failure !== "";
  document.body.classList.toggle("is-stale", isStale);
  stale.hidden = !isStale;
  if (isStale) {
    const when = lastAnswer === null ? "there was no answer yet" : `stale since ${clock(lastAnswer / 1000)}`;
    write(stale, `${when[0].toUpperCase()}${when.slice(1)}: ${failure}`);
  }
}

// What an answer says of itself, or its status.
async function refusal(answer) {
  const said = await answer.json().catch(() => ({}));
  return said.error ?? `the answer is ${answer.status}`;
}

async function poll() {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), PATIENCE_MS);
  try {
    const headers = tag === null ? {} : { "If-None-Match": tag };
    const answer = await fetch("state.json", { headers, cache: "no-store", signal: patience.signal });
    if (answer.status === 200) {
      const found = await answer.json();
      if (state !== null && processKey(found.process) !== processKey(state.process)) sections.clear();
      state = found;
      tag = answer.headers.get("ETag");
    } else if (answer.status !== 304) {
      throw new Error(await refusal(answer));
    }
    const date = Date.parse(answer.headers.get("Date") ?? "");
    if (!Number.isNaN(date)) skew = Math.abs(date - Date.now()) > 2000 ? date - Date.now() : 0;
    lastAnswer = Date.now() + skew;
    failure = "";
    seen.set(processKey(state.process), { at: performance.now(), pid: state.process.pid });
    sample(performance.now());
    show();
  } catch (error) {
    failure = patience.signal.aborted ? "no answer within 5 s" : error instanceof TypeError ? "no answer" : error.message;
    showAges();
  } finally {
    clearTimeout(timer);
    setTimeout(poll, EVERY_MS);
  }
}

// Orders

let order = null;

function ask(action, client, scope) {
  order = { action, client: client.id, scope };
  const what = scope ?? "all circuits";
  write(byId("order-title"), `${action[0].toUpperCase()}${action.slice(1)} ${what} of ${client.name}?`);
  write(byId("order-text"), {
    isolate: "Calls are turned away at once, until it is released or the seconds are over.",
    release: "It is no longer isolated, and its circuit is closed.",
    reset: "The circuit closes, isolated or not, and forgets what it has counted.",
  }[action]);
  byId("order-reason-label").hidden = action !== "isolate";
  byId("order-seconds-label").hidden = action !== "isolate";
  write(byId("order-error"), "");
  write(byId("order-go"), action);
  byId("order").showModal();
  (action === "isolate" ? byId("order-reason") : byId("order-go")).focus();
}

async function go() {
  const body = { ...order };
  if (order.action === "isolate") {
    body.reason = byId("order-reason").value;
    const seconds = byId("order-seconds").value.trim();
    body.seconds = seconds === "" ? null : Number(seconds);
    if (Number.isNaN(body.seconds)) return write(byId("order-error"), "seconds must be a number");
  }
  try {
    const answer = await fetch("control", {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Resilience-Token": meta("token") },
      body: JSON.stringify(body),
    });
    if (answer.ok) return byId("order").close();
    write(byId("order-error"), await refusal(answer));
  } catch {
    write(byId("order-error"), "no answer");
  }
}

byId("order-go").addEventListener("click", go);
byId("order-cancel").addEventListener("click", () => byId("order").close());
for (const field of [byId("order-reason"), byId("order-seconds")]) {
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter") go();
  });
}
setInterval(showAges, EVERY_MS);
poll();
