// Every pair of a board's best systems.

function drawMatrix(place, note, board, rows) {
  const pairs = board.pairwise;
  const names = new Map(rows.map((row) => [row.id, line(row.system, 60)]));
  if (!pairs) {
    note.textContent = "Fewer than two systems with a rank.";
    place.replaceChildren();
    return;
  }
  note.textContent = "Row minus column in points. Bold with *: apart by an exact McNemar test, Holm-corrected over all "
    + `pairs at the 5% level. The ${pairs.ids.length} best systems.`;
  const heads = pairs.ids.map((id, k) => el("th", { scope: "col", class: "number" },
    String(k + 1), el("span", { class: "hidden" }, ` ${names.get(id)}`)));
  const body = pairs.ids.map((id, i) => el("tr", {},
    el("th", { scope: "row" }, `${i + 1}. ${names.get(id) ?? id}`),
    ...pairs.difference[i].map((difference, k) => cell(difference, pairs.p_holm[i][k]))));
  place.replaceChildren(el("table", { class: "matrix" },
    el("caption", { class: "hidden" }, "Paired differences of the best systems"),
    el("thead", {}, el("tr", {}, el("td", {}), ...heads)), el("tbody", {}, ...body)));
}

function cell(difference, p) {
  if (difference === null) return el("td", { class: "number soft" }, "\u2013");
  const apart = isNumber(p) && p < 0.05;
  return el("td", { class: apart ? "number apart" : "number" }, percent(difference, true) + (apart ? "*" : ""));
}
