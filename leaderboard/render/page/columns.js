// The table's columns: what is sorted by, and what is written in a cell.

const TYPES = ["Specific", "Commonsense", "Negated", "Analogical", "Temporal", "Untyped"];
const OF_POSITION = ["perf", "flip_rate", "consistency", "rstd"];

function number(key, label, write) {
  return { key, label, number: true, value: (row) => row[key] ?? null, cell: (row) => [write(row[key] ?? null)] };
}

function text(key, label) {
  return { key, label, value: (row) => line(row[key] ?? ""), cell: (row) => [line(row[key] ?? "")] };
}

function share(key, label) {
  const invariant = (row) => row.invariant === true && OF_POSITION.includes(key);
  return {
    key, label, number: true,
    value: (row) => (invariant(row) ? null : row[key] ?? null),
    cell: (row) => {
      if (invariant(row)) return ["invariant"];
      const range = key === "rstd" ? " " + interval(row.rstd_low, row.rstd_high) : "";
      return [percent(row[key]) + range];
    },
  };
}

function ofType(name) {
  return {
    key: name.toLowerCase(), label: name, number: true,
    value: (row) => row.types?.[name]?.acc ?? null,
    cell: (row) => withInterval(row.types?.[name]),
  };
}

function withInterval(score) {
  if (!score || !isNumber(score.acc)) return [];
  return [percent(score.acc), " ", el("span", { class: "interval" }, interval(score.low, score.high))];
}

function foldsText(row) {
  if (!isNumber(row.fold_sd)) return "";
  return isNumber(row.fold_mean) ? `mean over folds ${percent(row.fold_mean)} \u00b1 ${percent(row.fold_sd)}`
    : `sd over folds ${percent(row.fold_sd)}`;
}

function systemCell(row) {
  const name = line(row.system);
  const known = /^systems\/[A-Za-z0-9._-]+\.html$/.test(row.page || "");
  const details = [row.protocol, foldsText(row),
    row.chat_template ? "chat template" : ""].filter(Boolean).join("; ");
  const notes = (row.flags || []).map((flag) => el("div", { class: "flag" }, "Note: " + line(flag, 400)));
  return [known ? el("a", { href: row.page }, name) : name,
    details ? el("div", { class: "interval" }, details) : null, ...notes];
}

function statusCell(row) {
  const rest = row.clean_subset;
  const others = rest && rest.n ? `On the ${rest.n} others: ${percent(rest.acc)} ${interval(rest.low, rest.high)}` : "";
  return [el("details", {},
    el("summary", {}, el("span", { class: "badge " + row.status }, row.status)),
    el("p", { class: "why" }, line(row.reason, 600)),
    others ? el("p", { class: "why" }, others) : null)];
}

function leaderCell(row) {
  const found = row.vs_leader;
  if (!found) return row.rank ? [el("span", { class: "soft" }, "the leader")] : [];
  const tie = row.with_leader ? el("span", { class: "mark" }, " =", el("span", { class: "hidden" }, " not separable")) : null;
  return [percent(found.difference, true), " ",
    el("span", { class: "interval" }, interval(found.low, found.high, true)), tie];
}

const COLUMNS = [
  { ...number("rank", "#", (rank) => (rank === null ? "" : String(rank))) },
  { key: "system", label: "System", header: true, value: (row) => line(row.system).toLowerCase(), cell: systemCell },
  text("kind", "Kind"),
  { key: "status", label: "Status", value: (row) => row.status, cell: statusCell },
  { key: "acc", label: "Accuracy", number: true, value: (row) => row.acc,
    cell: (row) => withInterval({ acc: row.acc, low: row.acc_low, high: row.acc_high }) },
  { key: "leader", label: "Against the leader", number: true,
    value: (row) => row.vs_leader?.difference ?? (row.rank ? 0 : null), cell: leaderCell },
  { key: "p", label: "p (Holm)", number: true, value: (row) => row.vs_leader?.p_holm ?? null,
    cell: (row) => [chance(row.vs_leader?.p_holm)] },
  share("chance_corrected", "Above chance"),
  share("perf", "Right in all rotations"), share("acc_averaged", "Averaged choice"), share("flip_rate", "Flips"),
  share("consistency", "Consistency"), share("rstd", "RStd"), share("acc_norm", "By length"),
  share("parse_fail", "No letter"), share("prompt_min", "Worst prompt"), share("prompt_max", "Best prompt"),
  ...TYPES.map(ofType),
  number("n", "Items", (n) => (n === null ? "" : String(n))),
  number("shots", "Shots", (n) => (n === null ? "" : String(n))),
  text("prompt", "Prompt"),
  number("params", "Parameters", count), number("trainable_params", "Trained", count),
  number("train_seconds", "Training", duration), number("eval_seconds", "Evaluation", duration),
];

// Columns that would be empty for the whole board are left out.
function columnsOf(rows) {
  const blank = (value) => value === null || value === undefined || value === "";
  return COLUMNS.filter((column) => ["rank", "system"].includes(column.key)
    || rows.some((row) => !blank(column.value(row)) || (row.invariant && OF_POSITION.includes(column.key))));
}
