// Draw the paired differences of a board's best systems.

function drawMatrix(place, { board, onBoard }) {
  const pairs = board.pairwise;
  if (!pairs || pairs.ids.length < 2) {
    place.replaceChildren(note("Fewer than two systems with a rank on this board: no pair to compare."));
    return;
  }
  const names = new Map(onBoard.map((row) => [row.id, line(row.system, 60)]));
  const name = (id) => names.get(id) ?? line(id, 80);
  const ranked = onBoard.filter((row) => row.rank).length;
  const of = pairs.ids.length < ranked
    ? `the best ${pairs.ids.length} of ${ranked} systems` : "all systems with a rank";
  const heads = pairs.ids.map((id, k) =>
    el("th", { scope: "col", class: "number" }, String(k + 1), hiddenText(` ${name(id)}`)));
  const body = pairs.ids.map((id, i) => el("tr", {}, el("th", { scope: "row" }, `${i + 1}. ${name(id)}`),
    ...pairs.difference[i].map((difference, k) => pairCell(difference, pairs.p_holm[i][k]))));
  place.replaceChildren(note(`Accuracy of the row minus accuracy of the column, in points. Shown: ${of}, regardless of the filters. `
      + "A star and a colour mark significant differences (exact McNemar test, Holm-corrected over all pairs, 5% level)."),
    scrolling("Every pair of systems",
      tableOf("matrix", `${board.title}: paired differences in points`, [el("td", {}), ...heads], body)));
}

function pairCell(difference, p) {
  if (!isNumber(difference)) return el("td", { class: "number soft" }, "\u2013");
  const isApart = isNumber(p) && p < SITE.level;
  const look = isApart ? (difference > 0 ? " above" : " below") : "";
  return el("td", { class: "number" + look }, percent(difference, true) + (isApart ? "*" : ""));
}
