// Asks api/status every two seconds and writes what it says into the page. Everything comes in as text, never as HTML.
"use strict";

const EVERY_MS = 2000;
const LONGEST_MS = 30000;
const byId = (id) => document.getElementById(id);
let last = null;
let failures = 0;

function element(name, text, classes) {
  const made = document.createElement(name);
  if (text !== undefined && text !== null) made.textContent = String(text);
  if (classes) made.className = classes;
  return made;
}

const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits });

function seconds(value) {
  if (value === null || value === undefined) return "–";
  if (value < 1) return `${Math.round(value * 1000)} ms`;
  for (const [unit, length] of [["d", 86400], ["h", 3600], ["min", 60]])
    if (value >= 2 * length) return `${Math.floor(value / length)} ${unit}`;
  return `${number(value, value < 10 ? 1 : 0)} s`;
}

function bytes(value) {
  for (const [unit, size] of [["GiB", 2 ** 30], ["MiB", 2 ** 20], ["KiB", 2 ** 10]])
    if (value >= size) return `${number(value / size, 1)} ${unit}`;
  return `${number(value)} B`;
}

const ago = (now, time) => seconds(Math.max(0, (Date.parse(now) - Date.parse(time)) / 1000));

function table(id, caption, heads, rows) {
  const made = document.createDocumentFragment();
  made.append(element("caption", rows.length ? caption : `${caption}: none`));
  const head = element("thead");
  const line = element("tr");
  for (const [text, classes] of heads) {
    const cell = element("th", text, classes);
    cell.scope = "col";
    line.append(cell);
  }
  head.append(line);
  const body = element("tbody");
  for (const row of rows) {
    const shown = element("tr", null, row.classes);
    row.cells.forEach((content, at) => {
      const cell = element("td", null, heads[at][1]);
      cell.append(content instanceof Node ? content : document.createTextNode(content ?? ""));
      shown.append(cell);
    });
    body.append(shown);
  }
  if (rows.length) made.append(head, body);
  byId(id).replaceChildren(made);
}

function facts(id, pairs) {
  byId(id).replaceChildren(...pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

function showConditions(status) {
  const worst = { ok: "working", degraded: "degraded", halted: "halted" }[status.severity] ?? status.severity;
  const badge = byId("state");
  badge.textContent = worst === status.state ? worst : `${worst} (${status.state})`;
  badge.dataset.severity = status.severity;
  document.title = `${status.severity === "ok" ? "" : `${worst}: `}scicat-ingest ${status.name}`;
  const text = JSON.stringify(status.conditions);
  const list = byId("conditions");
  if (list.dataset.text === text) return; // or a screen reader would say it again and again
  list.dataset.text = text;
  list.replaceChildren(
    ...status.conditions.map((condition) => {
      const item = element("li");
      item.dataset.severity = condition.severity;
      item.append(element("strong", `${condition.severity === "ok" ? "note" : condition.severity}: ${condition.title}`));
      item.append(element("p", condition.detail), element("p", `What to do: ${condition.whatToDo}`, "todo"));
      if (condition.since) item.append(element("p", `since ${condition.since}`));
      return item;
    }),
  );
}

function showNumbers(status) {
  const { lag, held, throughput, scicat } = status;
  const dead = status.deadLetters.reduce((sum, each) => sum + each.count, 0);
  const tiles = [
    ["records per second", number(throughput.perSecond1m, 1), `${number(throughput.perSecond15m, 1)} over 15 min`],
    ["waiting in Kafka", number(lag.records), "records, our partitions"],
    ["oldest open record", lag.oldestOpenSeconds === null ? "none" : seconds(lag.oldestOpenSeconds), "since it was sent"],
    ["in memory", number(held.records), `of ${number(held.limitRecords)}; ${bytes(held.bytes)}`],
    ["requests in flight", number(scicat.inFlight), `limit ${number(scicat.concurrencyLimit)}; circuit ${scicat.circuit}`],
    ["dead letters", number(dead), "since the start"],
  ];
  byId("numbers").replaceChildren(
    ...tiles.map(([name, value, more]) => {
      const tile = element("div");
      const shown = element("dd", value);
      shown.append(element("small", more));
      tile.append(element("dt", name), shown);
      return tile;
    }),
  );
}

function showChart(minutes) {
  const chart = byId("chart");
  const most = Math.max(1, ...minutes.map((each) => each.ingested + each.deadLettered + each.ignored));
  const width = 600 / 60;
  const bars = [];
  minutes.forEach((minute, at) => {
    let top = 80;
    const left = 600 - (minutes.length - at) * width;
    for (const [count, kind] of [[minute.ingested, "good"], [minute.ignored, "rest"], [minute.deadLettered, "dead"]]) {
      if (!count) continue;
      const height = Math.max(1, (count / most) * 76);
      top -= height;
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ x: left + 1, y: top, width: width - 2, height })) bar.setAttribute(name, value);
      bar.setAttribute("class", kind);
      bars.push(bar);
    }
  });
  chart.replaceChildren(...bars);
  const sum = (name) => minutes.reduce((total, each) => total + each[name], 0);
  byId("chart-text").textContent =
    `${number(sum("ingested"))} ingested, ${number(sum("deadLettered"))} dead letters, ${number(sum("ignored"))} ignored; ` +
    `at most ${number(most)} a minute`;
}

function showOutcomes(status) {
  const wanted = byId("find").value.trim().toLowerCase();
  const fits = (each) =>
    [each.pid, each.acquisitionId, each.instrument, each.reason, each.outcome, each.record].some((text) => (text ?? "").toLowerCase().includes(wanted));
  const shown = status.lastOutcomes.filter(fits);
  byId("found").textContent = wanted ? `${shown.length} of the last ${status.lastOutcomes.length}; older ones: scicat-ingest report` : "";
  table(
    "outcomes",
    "newest first",
    [["when", "when"], ["outcome"], ["instrument"], ["dataset", "id"], ["reason", "text"], ["took", "number"], ["record", "id phone-off"]],
    shown.map((each) => {
      const dead = each.outcome === "dead_lettered";
      let dataset = each.pid ?? each.acquisitionId ?? "";
      if (each.datasetUrl && /^https?:\/\//.test(each.datasetUrl)) {
        dataset = element("a", each.pid);
        dataset.href = each.datasetUrl;
        dataset.rel = "noreferrer";
      }
      const kind = element("span", each.outcome.replaceAll("_", " "), `kind ${dead ? "dead" : each.outcome === "ignored" ? "" : "good"}`);
      const reason = [each.reason, each.message].filter(Boolean).join(": ");
      const when = element("time", `${ago(status.now, each.at)} ago`);
      when.dateTime = each.at;
      return { classes: dead ? "dead" : "", cells: [when, kind, each.instrument, dataset, reason, seconds(each.durationSeconds), each.record] };
    }),
  );
}

function showRest(status) {
  const { scicat, kafka } = status;
  table(
    "dead", "most first; scicat-ingest dlq list shows which are open",
    [["reason"], ["count", "number"], ["last", "when"], ["what to do", "text"]],
    status.deadLetters.map((each) => ({ cells: [each.reason, number(each.count), `${ago(status.now, each.lastAt)} ago`, each.hint] })),
  );
  facts("scicat", [
    ["circuit", scicat.circuit],
    ["rate", scicat.ratePerSecond === null ? "no limit" : `${number(scicat.ratePerSecond, 1)} requests/s, our share`],
    ["waiting", `${number(scicat.waiting)} records for a place`],
    ["retry budget", `${number(scicat.retryBudget)} of ${number(scicat.retryBudgetLimit)}`],
    ["token expires", scicat.tokenExpiresAt ?? "it does not say"],
  ]);
  table(
    "routes", "requests to SciCat",
    [["request"], ["since the start", "number"], ["median", "number"], ["95 %", "number"]],
    scicat.routes.map((each) => ({ cells: [each.route, number(each.requests), seconds(each.p50Seconds), seconds(each.p95Seconds)] })),
  );
  facts("kafka", [
    ["partitions", `${number(kafka.assignedPartitions)} are ours`],
    ["last commit", kafka.lastCommitSeconds === null ? "never" : `${seconds(kafka.lastCommitSeconds)} ago`],
    ["rebalances", number(kafka.rebalances)],
    ["outcomes", kafka.acknowledges ? "are acknowledged" : "are not acknowledged"],
  ]);
  table(
    "partitions", "our partitions",
    [["topic", "text"], ["partition", "number"], ["lag", "number"], ["in hand", "number"], ["oldest", "number"]],
    status.lag.partitions.map((each) => ({
      cells: [each.topic, number(each.partition), number(each.lag), number(each.open), seconds(each.oldestOpenSeconds)],
    })),
  );
  table(
    "sources", "input topics",
    [["topic", "text"], ["mapping", "text"], ["state", "text"]],
    status.sources.map((each) => ({ cells: [each.topic, each.mapping, each.held ? `held: ${each.reason ?? ""}` : "read"] })),
  );
  byId("configuration").textContent = JSON.stringify(status.configuration, null, 2);
  byId("identity").textContent = `${status.version} · ${status.name} · up ${ago(status.now, status.startedAt)}`;
}

function show(status) {
  last = status;
  showConditions(status);
  showNumbers(status);
  showChart(status.throughput.minutes);
  showOutcomes(status);
  showRest(status);
  byId("updated").textContent = `updated ${new Date(status.now).toISOString().slice(11, 19)} UTC`;
}

async function update() {
  const gone = byId("gone");
  try {
    const answer = await fetch("api/status", { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!answer.ok) throw new Error(answer.status === 401 ? "it asks for a token" : `it answers ${answer.status}`);
    show(await answer.json());
    failures = 0;
    gone.hidden = true;
  } catch (error) {
    failures += 1;
    gone.textContent = `The service does not answer (${error.message}). ${last ? "What is below is old." : ""} Trying again.`;
    gone.hidden = false;
  }
  setTimeout(update, Math.min(EVERY_MS * 2 ** Math.min(failures, 4), LONGEST_MS));
}

byId("find").addEventListener("input", () => last && showOutcomes(last));
update();
