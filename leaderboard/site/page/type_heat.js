// Draw accuracy by query type, coloured from the lowest to the highest number, so that differences are visible.

function drawTypeHeat(place, { rows, board }) {
  const names = SITE.types.filter((name) => rows.some((row) => row.types?.[name]));
  const [shown, cut] = firstOf(rows.filter((row) => names.some((name) => isNumber(row.types?.[name]?.acc))));
  if (!shown.length) {
    place.replaceChildren(note("No system shown has scores by query type."));
    return;
  }
  const scores = shown.flatMap((row) => [row.acc, ...names.map((name) => row.types?.[name]?.acc)]);
  const { share, legend } = tintScale(scores);
  const least = board.minimal_detectable_effect || {};
  const about = "Accuracy (%). The colour scale goes from the lowest to the highest number shown. Chance is 20."
    + (isNumber(least.all) ? " Under each type: number of items and detectable difference (paired test, 80% power)." : "")
    + cut;
  const heads = [el("th", { scope: "col", class: "name" }, "System"), typeHead("All", board.sizes && shown[0].n, least.all),
    ...names.map((name) => typeHead(name, board.sizes?.[name], least[name]))];
  const body = shown.map((row) => el("tr", { class: row.rank ? null : "unranked" },
    el("th", { scope: "row" }, ...systemLabel(row)), tintCell(row.acc, share),
    ...names.map((name) => tintCell(row.types?.[name]?.acc, share))));
  place.replaceChildren(note(about), legend, scrolling("Accuracy by query type",
    tableOf("typeheat", `${board.title}: accuracy (%) by query type`, heads, body)));
}

function typeHead(name, n, least) {
  return el("th", { scope: "col", class: "number" }, name, el("span", { class: "under" }, isNumber(n) ? `${n} items` : ""),
    isNumber(least) ? el("span", { class: "aside" }, `detectable difference: ${percent(least)} points (80% power)`) : null);
}

function systemLabel(row) {
  const [name, base] = nameParts(row);
  return [el("bdi", {}, name), base ? el("span", { class: "aside" }, base) : ""];
}
