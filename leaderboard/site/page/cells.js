// What is written in the cells that hold more than a number.

function withInterval(score) {
  if (!score || !isNumber(score.acc)) return [];
  return [percent(score.acc), " ", el("span", { class: "interval" }, interval(score.low, score.high))];
}

// The score on items that were not trained on stands beside the one that counts for nothing.
function accuracyCell(row) {
  const rest = row.clean_subset;
  const seen = rest && isNumber(rest.acc)
    ? el("div", { class: "aside" }, `on ${whole(rest.n)} unseen: `, ...withInterval(rest)) : null;
  return [...withInterval({ acc: row.acc, low: row.acc_low, high: row.acc_high }), seen];
}

function shareCell(row, column) {
  if (isInvariant(row, column)) return [el("span", { class: "soft" }, "invariant")];
  const range = interval(row[column.key + "_low"], row[column.key + "_high"]);
  const value = percent(valueOf(row, column), column.signed);
  return range ? [value, " ", el("span", { class: "interval" }, range)] : [value];
}

function systemCell(row) {
  const page = new RegExp(`^${SITE.link}$`).test(row.page || "") ? row.page : null;
  const mean = isNumber(row.fold_mean) ? `mean over folds ${percent(row.fold_mean)}, ` : "";
  const known = [line(row.protocol), isNumber(row.fold_sd) ? `${mean}sd ${percent(row.fold_sd)}` : "",
    row.chat_template ? "chat template" : "", row.system_text ? "system text" : ""];
  const details = known.filter(Boolean).join("; ");
  const flags = (row.flags || []).map((flag) =>
    el("div", { class: "flag" }, el("strong", {}, "Note: "), line(flag, 500)));
  return [page ? el("a", { href: page }, line(row.system)) : el("bdi", {}, line(row.system)),
    details ? el("div", { class: "aside" }, details) : null, ...flags];
}

function statusCell(row) {
  const rest = row.clean_subset;
  const none = rest && !rest.n ? el("p", { class: "why" }, "No other item is known to be unseen.") : null;
  const tries = row.tries ? el("p", { class: "why" }, `Tries: ${line(row.tries, 500)}.`) : null;
  return [el("details", {},
    el("summary", {}, el("span", { class: "badge " + SITE.tones[row.status] }, row.status), hiddenText(": why")),
    el("p", { class: "why" }, line(row.reason, 500)), tries, none)];
}

function leaderCell(row) {
  const against = row.vs_leader;
  if (!against) return row.rank ? [el("span", { class: "soft" }, "the leader")] : [];
  const tied = el("span", { class: "badge tie" }, "tied", hiddenText(" with the leader, as far as the test can tell"));
  return [percent(against.difference, true), " ",
    el("span", { class: "interval" }, interval(against.low, against.high, true)), ...(row.with_leader ? [" ", tied] : [])];
}
