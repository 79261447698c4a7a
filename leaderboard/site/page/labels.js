// Draw names and marks of systems in plots.

// Split "recipe (base model)", so that the base model can be shown beneath in grey.
function nameParts(row) {
  const [, name, base] = /^(.{3,}?) \((.+)\)$/.exec(line(row.system)) || [null, line(row.system), ""];
  return [name, base];
}

// Return a system's name beside its line of a plot, with the text in brackets beneath.
function nameLabel(row, x, y) {
  const [name, base] = nameParts(row);
  const most = Math.floor((x - 2) / PIXELS);
  const full = svg("title", {}, line(row.system));
  if (!base) return [mark(x, y + 4, line(name, most), "end")];
  const first = mark(x, y - 2, line(name, most), "end");
  first.append(full);
  return [first, mark(x, y + 11, line(base, Math.floor(most * 1.1)), "end", "soft small")];
}

// Solid: run here. Half: recounted from imported answers. Hollow: claimed.
function evidenceDot(cx, cy, r, evidence, title) {
  const parts = [svg("circle", { class: evidence === "run here" ? "dot" : "dot unranked", cx, cy, r })];
  if (evidence === "recounted") {
    parts.push(svg("path", { class: "dot", d: `M${cx} ${cy - r}A${r} ${r} 0 0 0 ${cx} ${cy + r}Z` }));
  }
  return svg("g", {}, ...parts, svg("title", {}, title));
}

function evidenceLegend(rows) {
  const words = { "run here": "run here", recounted: "recounted from imported answers", claimed: "claimed" };
  const shown = Object.entries(words).filter(([evidence]) => rows.some((row) => row.evidence === evidence));
  return el("p", { class: "note legend" }, ...shown.map(([evidence, text]) => el("span", {},
    svg("svg", { width: 14, height: 14, viewBox: "0 0 14 14", "aria-hidden": "true" }, evidenceDot(7, 7, 5, evidence, text)),
    text)));
}

// Return a colour scale from the lowest to the highest number, and its legend.
function tintScale(values) {
  const known = values.filter(isNumber);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const share = (value) => (high > low ? (value - low) / (high - low) : 0.5);
  const legend = el("p", { class: "note tints" }, `${percent(low)} `, el("span", { "aria-hidden": "true" }), ` ${percent(high)}`);
  return { share, legend, isKnown: known.length > 0 };
}

const tintCell = (value, share, ...more) => (isNumber(value)
  ? el("td", { class: "number tint", "--v": share(value) }, percent(value), ...more)
  : el("td", { class: "number soft" }, "\u2013"));

const MOST_DRAWN = 50;

// Return the first rows, and a sentence if rows are left out.
function firstOf(rows) {
  const shown = rows.slice(0, MOST_DRAWN);
  return [shown, shown.length < rows.length ? ` Only the first ${shown.length} of ${rows.length} systems are shown.` : ""];
}

// Return the ticks of an axis: about `most` round numbers from low to high.
function ticksOf(low, high, most = 6) {
  const raw = (high - low) / most || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((k) => k * power).find((each) => each >= raw * 0.999);
  const ticks = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + 1e-9; k += 1) ticks.push(k * step);
  return ticks;
}
