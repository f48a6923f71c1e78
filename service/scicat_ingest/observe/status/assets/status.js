// Asks api/status every two seconds and writes what it says into the page. Everything comes in as text, never as HTML.
// What has not changed is left alone: focus and selection stay where they are, and a screen reader says nothing twice.
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

function say(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

function replace(node, children) {
  const same = children.length === node.children.length && children.every((child, at) => child.isEqualNode(node.children[at]));
  if (!same) node.replaceChildren(...children);
}

const number = (value, digits = 0) =>
  value === null || value === undefined ? "–" : value.toLocaleString("en", { maximumFractionDigits: digits });

const counted = (value, name) => `${number(value)} ${name}${value === 1 ? "" : "s"}`;

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
const clock = (time) => `${time.slice(0, 10)} ${time.slice(11, 19)} UTC`;

function until(now, time) {
  const left = (Date.parse(time) - Date.parse(now)) / 1000;
  return `${left < 0 ? `${seconds(-left)} ago` : `in ${seconds(left)}`} (${clock(time)})`;
}

// Roles are said although they are the elements' own: a phone shows rows as blocks, which would take them away.
function headsOf(heads) {
  const head = element("thead");
  head.setAttribute("role", "rowgroup");
  const line = element("tr");
  line.setAttribute("role", "row");
  for (const [text, classes] of heads) {
    const cell = element("th", text, classes);
    cell.scope = "col";
    cell.setAttribute("role", "columnheader");
    line.append(cell);
  }
  head.append(line);
  return head;
}

function rowOf(heads, row) {
  const shown = element("tr", null, row.classes);
  shown.setAttribute("role", "row");
  shown.dataset.key = row.key;
  row.cells.forEach((content, at) => {
    const cell = element("td", null, heads[at][1]);
    cell.setAttribute("role", "cell");
    cell.dataset.head = heads[at][0];
    cell.append(content instanceof Node ? content : document.createTextNode(content ?? ""));
    shown.append(cell);
  });
  return shown;
}

function table(id, caption, heads, rows) {
  const shown = byId(id);
  if (!shown.tBodies.length) {
    const body = element("tbody");
    body.setAttribute("role", "rowgroup");
    shown.setAttribute("role", "table");
    shown.append(element("caption"), headsOf(heads), body);
  }
  say(shown.caption, rows.length ? caption : `${caption}: none`);
  shown.tHead.hidden = rows.length === 0;
  const body = shown.tBodies[0];
  const wanted = new Set(rows.map((row) => row.key));
  const there = new Map();
  for (const row of [...body.rows]) {
    if (wanted.has(row.dataset.key) && !there.has(row.dataset.key)) there.set(row.dataset.key, row);
    else row.remove();
  }
  let next = body.firstElementChild;
  for (const row of rows) {
    const made = rowOf(heads, row);
    const old = there.get(row.key);
    if (old === undefined) {
      body.insertBefore(made, next);
      continue;
    }
    const cells = [...made.cells];
    [...old.cells].forEach((cell, at) => cell.isEqualNode(cells[at]) || cell.replaceWith(cells[at]));
    old.className = made.className;
    if (old === next) next = next.nextElementSibling;
    else body.insertBefore(old, next);
  }
}

function facts(id, pairs) {
  replace(byId(id), pairs.flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
}

const WORST = { ok: "working", degraded: "degraded", halted: "halted" };

function showState(severity, text, name) {
  const badge = byId("state");
  say(badge, text);
  badge.dataset.severity = severity;
  document.title = `${severity === "ok" ? "" : `${text.replace(/ \(.*/, "")}: `}scicat-ingest ${name}`;
}

function showConditions(status) {
  const worst = WORST[status.severity] ?? status.severity;
  showState(status.severity, worst === status.state ? worst : `${worst} (${status.state})`, status.name);
  const list = byId("conditions");
  const text = JSON.stringify(status.conditions);
  if (list.dataset.text !== text) {
    list.dataset.text = text;
    list.replaceChildren(
      ...status.conditions.map((condition) => {
        const item = element("li");
        item.dataset.severity = condition.severity;
        item.append(element("strong", `${condition.severity === "ok" ? "note" : condition.severity}: ${condition.title}`));
        item.append(element("p", condition.detail), element("p", `What to do: ${condition.whatToDo}`, "todo"));
        if (condition.since) {
          const since = element("p", null, "since");
          since.setAttribute("aria-live", "off");
          item.append(since);
        }
        return item;
      }),
    );
  }
  const times = status.conditions.filter((condition) => condition.since);
  list.querySelectorAll(".since").forEach((node, at) =>
    say(node, `for ${ago(status.now, times[at].since)}, since ${clock(times[at].since)}`));
}

function showNumbers(status) {
  const { lag, held, throughput, scicat } = status;
  const dead = status.deadLetters.reduce((sum, each) => sum + each.count, 0);
  const [newest] = status.lastOutcomes;
  const tiles = [
    ["records per second", number(throughput.perSecond1m, 1), newest ? `last outcome ${ago(status.now, newest.at)} ago` : "no outcome yet"],
    ["waiting in Kafka", number(lag.records), "records, our partitions"],
    ["oldest open record", lag.oldestOpenSeconds === null ? "none" : seconds(lag.oldestOpenSeconds), "since it was sent"],
    ["in memory", number(held.records), `of ${number(held.limitRecords)}; ${bytes(held.bytes)}`],
    ["requests in flight", number(scicat.inFlight), `limit ${number(scicat.concurrencyLimit)}; circuit ${scicat.circuit}`, scicat.circuit === "closed"],
    ["dead letters", number(dead), "since the start"],
  ];
  replace(byId("numbers"), tiles.map(([name, value, more, good = true]) => {
    const tile = element("div", null, good ? "" : "bad");
    const shown = element("dd", value);
    shown.append(element("small", more));
    tile.append(element("dt", name), shown);
    return tile;
  }));
}

function showChart(minutes) {
  const most = Math.max(1, ...minutes.map((each) => each.ingested + each.deadLettered + each.ignored));
  const width = 600 / 60;
  const bars = [];
  minutes.forEach((minute, at) => {
    let top = 80;
    const left = 600 - (minutes.length - at) * width;
    for (const [count, kind] of [[minute.ingested, "good"], [minute.ignored, "rest"], [minute.deadLettered, "dead"]]) {
      if (!count) continue;
      const height = Math.max(2, (count / most) * 76);
      top -= height;
      const bar = document.createElementNS("http://www.w3.org/2000/svg", "rect");
      for (const [name, value] of Object.entries({ x: left + 1, y: top, width: width - 2, height })) bar.setAttribute(name, value);
      bar.setAttribute("class", kind);
      bars.push(bar);
    }
  });
  byId("chart").replaceChildren(...bars);
  const sum = (name) => minutes.reduce((total, each) => total + each[name], 0);
  const kinds = [["good", "ingested", sum("ingested")], ["dead", "dead letters", sum("deadLettered")], ["rest", "ignored", sum("ignored")]];
  replace(byId("chart-text"), [
    ...kinds.map(([kind, name, count]) => element("span", `${number(count)} ${name}`, `key ${kind}`)),
    element("span", `at most ${number(most)} a minute`),
  ]);
}

function showOutcomes(status) {
  const wanted = byId("find").value.trim().toLowerCase();
  const fits = (each) =>
    [each.pid, each.acquisitionId, each.instrument, each.reason, each.outcome, each.record].some((text) => (text ?? "").toLowerCase().includes(wanted));
  const shown = status.lastOutcomes.filter(fits);
  say(byId("found"), wanted ? `${shown.length} of the last ${status.lastOutcomes.length}; older ones: scicat-ingest report` : "");
  table(
    "outcomes",
    "newest first",
    [["when", "when"], ["outcome", "outcome"], ["instrument", "instrument"], ["dataset, reason", "what"], ["took", "number"], ["record", "record"]],
    shown.map((each) => {
      const dead = each.outcome === "dead_lettered";
      let dataset = element("span", each.pid ?? each.acquisitionId, "id");
      if (each.datasetUrl && /^https?:\/\//.test(each.datasetUrl)) {
        dataset = element("a", each.pid, "id");
        dataset.href = each.datasetUrl;
        dataset.rel = "noreferrer";
      }
      const kind = element("span", each.outcome.replaceAll("_", " "), `kind ${dead ? "dead" : each.outcome === "ignored" ? "" : "good"}`);
      const what = element("div");
      what.append(dataset, element("p", [each.reason, each.message].filter(Boolean).join(": ")));
      const when = element("time", `${ago(status.now, each.at)} ago`);
      when.dateTime = each.at;
      when.title = clock(each.at);
      return {
        key: `${each.record} ${each.at}`,
        classes: dead ? "dead" : "",
        cells: [when, kind, each.instrument, what, seconds(each.durationSeconds), each.record],
      };
    }),
  );
}

function showRest(status) {
  const { scicat, kafka, held } = status;
  table(
    "dead", "most first; scicat-ingest dlq list shows which are open",
    [["reason", "reason"], ["count", "number"], ["last", "when"], ["what to do", "text"]],
    status.deadLetters.map((each) => ({
      key: each.reason,
      cells: [each.reason, number(each.count), `${ago(status.now, each.lastAt)} ago`, each.hint],
    })),
  );
  facts("scicat", [
    ["circuit", scicat.circuit],
    ["rate", scicat.ratePerSecond === null ? "no limit" : `${number(scicat.ratePerSecond, 1)} requests/s, our share`],
    ["waiting", `${counted(scicat.waiting, "record")} for a place`],
    ["retry budget", `${number(scicat.retryBudget)} of ${number(scicat.retryBudgetLimit)}`],
    ["token expires", scicat.tokenExpiresAt ? until(status.now, scicat.tokenExpiresAt) : "it does not say"],
  ]);
  table(
    "routes", "requests to SciCat since the start",
    [["request", "text"], ["count", "number"], ["median", "number"], ["95 %", "number"]],
    scicat.routes.map((each) => ({
      key: each.route,
      cells: [each.route.replaceAll("_", " "), number(each.requests), seconds(each.p50Seconds), seconds(each.p95Seconds)],
    })),
  );
  facts("kafka", [
    ["partitions", `${number(kafka.assignedPartitions)} are ours`],
    ["last commit", kafka.lastCommitSeconds === null ? "never" : `${seconds(kafka.lastCommitSeconds)} ago`],
    ["rebalances", number(kafka.rebalances)],
    ["outcomes", kafka.acknowledges ? "are acknowledged" : "are not acknowledged"],
    ["in memory", Object.entries(held.byState).map(([state, count]) => `${number(count)} ${state}`).join(", ")],
  ]);
  table(
    "partitions", "our partitions",
    [["partition", "text"], ["lag", "number"], ["in hand", "number"], ["oldest", "number"]],
    status.lag.partitions.map((each) => ({
      key: `${each.topic}/${each.partition}`,
      cells: [`${each.topic}/${each.partition}`, number(each.lag), number(each.open), seconds(each.oldestOpenSeconds)],
    })),
  );
  table(
    "sources", "input topics",
    [["topic", "text"], ["mapping", "text"], ["state", "text"]],
    status.sources.map((each) => ({
      key: each.topic,
      classes: each.held ? "held" : "",
      cells: [each.topic, each.mapping, each.held ? `held: ${each.reason ?? ""}` : "read"],
    })),
  );
  say(byId("configuration"), JSON.stringify(status.configuration, null, 2));
  say(byId("identity"), `${status.version} · ${status.name} · up ${ago(status.now, status.startedAt)}`);
}

function show(status) {
  last = status;
  showConditions(status);
  showNumbers(status);
  showChart(status.throughput.minutes);
  showOutcomes(status);
  showRest(status);
  say(byId("updated"), `updated ${clock(status.now).slice(11)}`);
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
    const old = last ? ` What is below is of ${clock(last.now)}.` : "";
    say(gone, `The service does not answer (${error.message}).${old} Trying again.`);
    gone.hidden = false;
    showState("halted", "no answer", last ? last.name : "");
  }
  document.body.classList.toggle("old", failures > 0 && last !== null);
  setTimeout(update, Math.min(EVERY_MS * 2 ** Math.min(failures, 4), LONGEST_MS));
}

byId("find").addEventListener("input", () => last && showOutcomes(last));
update();
