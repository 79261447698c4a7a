// Show a row's facts: cards, scores by type, source and settings.

const TRAINING = {
  recipe_name: "Recipe", base_model: "Base model", base_known: "Base model is known",
  system: "System (recipe, base, seed)", form: "Form", split: "Split", order: "Option order", seed: "Seed",
  trainable_parameters: "Trained parameters", wall_time_s: "Training time", samples_per_second: "Samples per second",
  seconds_per_item: "Seconds per item", tokens_per_second: "Tokens per second", hardware: "Hardware",
  peak_memory_bytes: "Peak memory", reason: "Training data",
};
const TRAINING_WRITERS = {
  wall_time_s: duration, trainable_parameters: count, samples_per_second: plain,
  peak_memory_bytes: memory, seconds_per_item: duration, tokens_per_second: plain,
};

function drawCards(row, title) {
  const pair = row.vs_leader;
  const against = pair && `${percent(pair.difference, true)} ${interval(pair.low, pair.high, true)}`;
  const cards = [["Board", line(title || row.board || "")], ["Against the leader", against],
    ["p (Holm)", chance(pair?.p_holm)],
    ["Items on which this system is better", whole(pair?.wins)],
    ["Items on which the leader is better", whole(pair?.losses)],
    ["Parameters", count(row.params)], ["Brier", plain(row.brier)]];
  for (const [name, value] of cards) {
    if (!isBlank(value)) byId("cards").append(el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  }
}

function drawTypes(row) {
  const all = { n: row.n, acc: row.acc, low: row.acc_low, high: row.acc_high };
  const rest = row.clean_subset ? { "Not seen in training": row.clean_subset } : {};
  const lines = Object.entries({ "All items": all, ...rest, ...row.types });
  const titles = ["Items", "Accuracy", "95% interval"];
  const heads = [el("td", {}), ...titles.map((title) => el("th", { scope: "col", class: "number" }, title)),
    el("td", { "aria-hidden": "true" })];
  const body = lines.map(([name, score]) => el("tr", {}, el("th", { scope: "row" }, line(name, 40)),
    ...[whole(score.n), percent(score.acc), interval(score.low, score.high)].map((text) =>
      el("td", { class: "number" }, text)),
    el("td", { "aria-hidden": "true" }, smallWhisker(score))));
  byId("types").append(tableOf(null, "Accuracy (%) by query type", heads, body));
}

function smallWhisker(score) {
  if (!isNumber(score.acc)) return "";
  const x = scale(0, 1, 4, 156);
  const bar = isNumber(score.low) && isNumber(score.high) ? stroke("bar", x(score.low), 9, x(score.high), 9) : "";
  return svg("svg", { width: 160, height: 18, viewBox: "0 0 160 18" }, stroke("axis", 4, 9, 156, 9),
    stroke("guide", x(CHANCE), 1, x(CHANCE), 17), bar,
    svg("circle", { class: "dot", cx: x(score.acc), cy: 9, r: 3.5 }));
}

const costFacts = (cost) => [["Seconds per item, without loading", duration(cost.seconds_per_item)],
  ["Tokens per second", plain(cost.tokens_per_second)], ["Peak memory of the evaluation", memory(cost.memory_bytes)],
  ["GPU seconds", duration(cost.gpu_seconds)], ["Hardware of the evaluation", cost.hardware],
  ["Why a cost is missing", cost.note]];

function drawFacts(row) {
  const ranks = row.rank_low === row.rank_high ? row.rank_low : `${row.rank_low} to ${row.rank_high}`;
  const accs = (row.fold_accs || []).map((acc) => percent(acc)).join(", ");
  const constant = row.constant_letter;
  const always = constant ? `${constant.letter}: ${percent(constant.acc)}% of ${whole(constant.n)}` : "";
  const run = [["Source", row.source], ["Published at", row.origin], ["Published", row.published],
    ["Importer's note", row.importer_note], ["Best constant letter in the order shown", always], ["Task", row.task], ["Task version", row.task_version], ["Kind", row.kind],
    ["Evidence", row.evidence], ["Possible ranks", ranks],
    ["Protocol", row.protocol], ["Accuracy by fold", accs], ["sd over folds", percent(row.fold_sd)],
    ["Shots", row.shots], ["Prompt", row.prompt], ["Chat template", row.chat_template ? "yes" : ""],
    ["Custom system text", row.system_text ? "yes" : ""],
    ["Standard error", percent(row.stderr)], ["Evaluation", duration(row.eval_seconds)], ...costFacts(row.cost?.evaluation || {}), ["Evaluated", day(row.date)],
    ["lm-eval", row.lm_eval_version], ["Identity", row.identity],
    ...Object.entries(row.generation || {}).map(([key, value]) => [`Generation: ${key.replaceAll("_", " ")}`, value]),
    ...Object.entries(row.model || {}).map(([key, value]) => [`Model: ${key}`, value])];
  const training = Object.entries(row.training || {})
    .map(([key, value]) => [TRAINING[key] || key.replaceAll("_", " "), TRAINING_WRITERS[key]?.(value) ?? value]);
  if (row.cost?.training?.note) training.push(["Why a cost is missing", row.cost.training.note]);
  const listed = [["Run", run], [row.fold_accs ? "Training, all folds together" : "Training", training]];
  for (const [title, facts] of listed) {
    const known = facts.filter(([, value]) => !isBlank(value));
    if (!known.length) continue;
    byId("facts").append(el("div", {}, el("h3", {}, title), el("dl", { class: "facts" },
      ...known.flatMap(([name, value]) => [el("dt", {}, line(name, 60)), el("dd", {}, factOf(value))]))));
  }
}

// Only a web address becomes a link, because an importer can write any text as the source.
function factOf(value) {
  const isAddress = typeof value === "string" && /^https?:\/\/[^\s]+$/.test(value);
  return isAddress ? el("a", { href: value, rel: "noopener noreferrer nofollow" }, textOf(value)) : textOf(value);
}

function textOf(value) {
  if (typeof value === "boolean") return value ? "yes" : "no";
  return line(typeof value === "object" ? JSON.stringify(value) : value, 600);
}

// Return the day of a time in seconds since 1970; "" if the number is not a plausible time.
function day(seconds) {
  return isNumber(seconds) && seconds > 0 && seconds < 4e9 ? new Date(1000 * seconds).toISOString().slice(0, 10) : "";
}
