// A system's page.

const CURVES = [["loss", "Training loss (nats)"], ["eval_cross_entropy", "Validation cross-entropy (nats)"],
  ["eval_accuracy", "Validation accuracy"], ["learning_rate", "Learning rate"], ["grad_norm", "Gradient norm"]];

function drawTypes(row) {
  const all = { n: row.n, acc: row.acc, low: row.acc_low, high: row.acc_high };
  const rest = row.clean_subset ? { "Not seen in training": row.clean_subset } : {};
  const lines = Object.entries({ "All items": all, ...rest, ...row.types });
  byId("types").append(el("table", {}, el("caption", { class: "hidden" }, "Accuracy by query type"),
    el("thead", {}, el("tr", {}, ...["", "Items", "Accuracy, %", "95% interval"].map((head) => el("th", { scope: "col" }, head)))),
    el("tbody", {}, ...lines.map(([name, score]) => el("tr", {}, el("th", { scope: "row" }, name),
      el("td", { class: "number" }, isNumber(score.n) ? String(score.n) : ""),
      el("td", { class: "number" }, percent(score.acc)),
      el("td", { class: "number" }, interval(score.low, score.high)))))));
}

function drawPosition(position) {
  if (!position) return;
  byId("position-section").hidden = false;
  byId("position").append(el("div", { class: "pair" },
    drawBars("Share of answers, %", position.answers), drawBars("Right where gold stands there, %", position.recall)));
}

function drawHistory(history) {
  const curves = history ? CURVES.map(([key, title]) => drawCurve(title, history, key)).filter(Boolean) : [];
  if (!curves.length) return;
  byId("history-section").hidden = false;
  byId("history").append(el("div", { class: "pair" }, ...curves));
}

function drawFacts(row) {
  const model = Object.entries(row.model || {}).filter(([, value]) => value);
  const trained = Object.entries(row.training || {}).filter(([, value]) => value !== null && value !== "");
  const facts = [["Source", row.source], ["Task", row.task], ["Task version", row.task_version], ["Kind", row.kind],
    ["Shots", row.shots], ["Prompt", row.prompt], ["Protocol", row.protocol], ["Parameters", count(row.params)],
    ["Trained parameters", count(row.trainable_params)], ["Evaluation", duration(row.eval_seconds)],
    ["lm-eval", row.lm_eval_version], ["Identity", row.identity],
    ...model.map(([key, value]) => [`Model: ${key}`, value]),
    ...trained.map(([key, value]) => [`Training: ${key.replaceAll("_", " ")}`, value])];
  for (const [name, value] of facts) {
    if (value === null || value === undefined || value === "") continue;
    byId("facts").append(el("dt", {}, name), el("dd", {}, line(value, 400)));
  }
}

function drawItems(answers) {
  if (!answers.length) return;
  byId("items-section").hidden = false;
  const table = itemsTable(answers);
  byId("items").append(table);
  const types = [...new Set(answers.flatMap(([id]) => ITEMS[id]?.types || []))].sort();
  byId("type-choice").append(...types.map((name) => el("option", { value: name }, name)));
  const texts = answers.some(([id]) => ITEMS[id]?.query);
  byId("texts-note").textContent = texts ? "A query opens its five options."
    : "Ids alone: this page was built where the dataset was not at hand.";
  const lines = [...table.tBodies[0].rows];
  const found = answers.map(([id]) => `${id} ${ITEMS[id]?.query || ""} ${Object.values(ITEMS[id]?.options || {}).join(" ")}`.toLowerCase());
  const filter = () => filterItems(answers, lines, found);
  for (const id of ["result-choice", "type-choice", "item-search"]) byId(id).addEventListener("input", filter);
  byId("item-controls").addEventListener("submit", (event) => event.preventDefault());
  filter();
}

function filterItems(answers, lines, found) {
  const [result, type] = [byId("result-choice").value, byId("type-choice").value];
  const words = byId("item-search").value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  answers.forEach(([id, accuracy], k) => {
    const fits = (!result || (result === "right") === (accuracy === 1)) && (!type || (ITEMS[id]?.types || []).includes(type))
      && words.every((word) => found[k].includes(word));
    lines[k].hidden = !fits;
    shown += fits;
  });
  byId("item-count").textContent = `${shown} of ${answers.length} items`;
}

function start() {
  const content = data();
  skipLinks();
  drawTypes(content.row);
  drawPosition(content.position);
  drawHistory(content.history);
  drawFacts(content.row);
  drawItems(content.answers);
}

start();
