// Draw accuracy by query type as a table whose cells are coloured by their number.

function drawHeat(place, { rows, board }) {
  const names = SITE.types.filter((name) => rows.some((row) => row.types?.[name]));
  const [shown, cut] = mostOf(rows.filter((row) => names.some((name) => row.types?.[name])), "systems");
  if (!shown.length) {
    place.replaceChildren(note("No system shown has scores by query type."));
    return;
  }
  const least = board.minimal_detectable_effect || {};
  const about = "Accuracy (%), in the order of the table."
    + (isNumber(least.all) ? " Under each type: number of items and detectable difference (paired test, 80% power)." : "")
    + cut;
  const ramp = el("p", { class: "note ramp" }, "0 ", el("span", { "aria-hidden": "true" }), " 100");
  const body = shown.map((row) => el("tr", { class: row.rank ? null : "unranked" },
    el("th", { scope: "row" }, line(row.system, 80)), ...names.map((name) => heatCell(row.types?.[name]))));
  const heads = [el("th", { scope: "col", class: "name" }, "System"),
    ...names.map((name) => heatHead(name, board.sizes?.[name], least[name]))];
  place.replaceChildren(note(about), ramp, scrolling("Accuracy by query type",
    tableOf("heatmap", `${board.title}: accuracy (%) by query type`, heads, body)));
}

function heatHead(name, n, least) {
  return el("th", { scope: "col", class: "number" }, name,
    el("span", { class: "under" }, isNumber(n) ? `${n} items` : ""),
    isNumber(least) ? el("span", { class: "aside" }, `detectable difference: ${percent(least)} points (80% power)`) : null);
}

function heatCell(score) {
  if (!score || !isNumber(score.acc)) return el("td", { class: "number soft" }, "\u2013");
  return el("td", { class: "number heat", "--v": score.acc }, percent(score.acc));
}
