// The table's columns: what is sorted by, and what is written in a cell.

const TYPES = ["Specific", "Commonsense", "Negated", "Analogical", "Temporal", "Untyped"];
const OF_POSITION = ["perf", "flip_rate", "consistency", "rstd"];

function number(key, label, write) {
  return { key, label, number: true, value: (row) => row[key] ?? null, cell: (row) => [write(row[key] ?? null)] };
}

function text(key, label) {
  return { key, label, value: (row) => line(row[key]), cell: (row) => [line(row[key])] };
}

function isInvariant(row, key) {
  return row.invariant === true && OF_POSITION.includes(key);
}

function share(key, label, signed) {
  return {
    key, label, number: true,
    value: (row) => (isInvariant(row, key) ? null : row[key] ?? null),
    cell: (row) => {
      if (isInvariant(row, key)) return [el("span", { class: "soft" }, "invariant")];
      const range = key === "rstd" ? interval(row.rstd_low, row.rstd_high) : "";
      return [percent(row[key], signed), range ? " " : null, range ? el("span", { class: "interval" }, range) : null];
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

// What a phone shows without scrolling stands first.
const COLUMNS = [
  number("rank", "#", whole),
  { key: "system", label: "System", header: true, value: (row) => line(row.system).toLowerCase(), cell: systemCell },
  { key: "acc", label: "Accuracy", number: true, value: (row) => row.acc ?? null, cell: accuracyCell },
  { key: "status", label: "Status", value: (row) => row.status, cell: statusCell },
  { key: "leader", label: "Against the leader", number: true,
    value: (row) => row.vs_leader?.difference ?? (row.rank ? 0 : null), cell: leaderCell },
  { key: "p", label: "p (Holm)", number: true, value: (row) => row.vs_leader?.p_holm ?? null,
    cell: (row) => [chance(row.vs_leader?.p_holm)] },
  text("kind", "Kind"),
  share("chance_corrected", "Above chance"),
  number("n", "Items", whole),
  share("perf", "Right in all rotations"), share("acc_averaged", "Averaged choice"), share("flip_rate", "Flips"),
  share("consistency", "Consistency"), share("rstd", "RStd"), share("acc_norm", "By length"),
  share("parse_fail", "No letter"), share("prompt_min", "Worst prompt"), share("prompt_max", "Best prompt"),
  share("prompt_sd", "sd over prompts"),
  ...TYPES.map(ofType),
  share("fold_sd", "sd over folds"), number("brier", "Brier", plain),
  number("shots", "Shots", whole),
  text("prompt", "Prompt"),
  number("params", "Parameters", count), number("trainable_params", "Trained", count),
  number("train_seconds", "Training", duration), number("eval_seconds", "Evaluation", duration),
];

// Columns that would be empty for the whole board are left out.
function columnsOf(rows) {
  return COLUMNS.filter((column) => ["rank", "system"].includes(column.key)
    || rows.some((row) => !isBlank(column.value(row)) || isInvariant(row, column.key)));
}
