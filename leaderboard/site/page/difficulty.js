// Draw difficulty: number of items by the number of systems that are right, and mean accuracy by query type.

const MOST_BARS = 21;

// Return the bars. Merge neighbouring numbers if there are more numbers than bars.
function barsOf(histogram) {
  const width = Math.ceil(histogram.length / MOST_BARS);
  const bars = [];
  for (let first = 0; first < histogram.length; first += width) {
    const last = Math.min(first + width, histogram.length) - 1;
    const items = histogram.slice(first, last + 1).reduce((sum, n) => sum + n, 0);
    bars.push({ items, label: first === last ? String(first) : `${first}\u2013${last}` });
  }
  return bars;
}

function drawDifficulty(place, { content }) {
  const n = content.counted.length;
  const bars = barsOf(content.histogram);
  const [width, height, left, bottom] = [Math.min(widthOf(place, 620), 620), 210, 40, 160];
  const most = Math.max(...bars.map((bar) => bar.items), 1);
  const x = scale(0, bars.length, left, width - 8);
  const y = scale(0, most, bottom, 16);
  const every = Math.ceil(bars.length * 20 / (width - left));
  const parts = bars.flatMap((bar, k) => [
    svg("rect", { class: "fill", x: x(k) + 1.5, y: y(bar.items), width: Math.max(1, x(k + 1) - x(k) - 3), height: bottom - y(bar.items) },
      svg("title", {}, `${bar.label} of ${n} systems right: ${bar.items} items`)),
    bar.items ? mark((x(k) + x(k + 1)) / 2, y(bar.items) - 4, String(bar.items), "middle", "soft small") : null,
    k % every ? null : mark((x(k) + x(k + 1)) / 2, bottom + 15, bar.label, "middle", "soft")]).filter(Boolean);
  const label = `Items by the number of systems that are right, of ${n}: ` + bars.map((bar) => `${bar.label}: ${bar.items}`).join(", ");
  const figure = el("figure", {}, el("figcaption", {}, `Items by the number of systems that are right, of ${n}`),
    image(width, height, label, stroke("axis", left, bottom, width - 8, bottom), ...parts,
      mark((left + width) / 2, bottom + 34, "systems that are right", "middle", "soft")));
  place.replaceChildren(el("div", { class: "figures-row" }, figure, typeDifficulty(content)));
}

function typeDifficulty(content) {
  const types = Object.entries(content.mean_by_type);
  const [width, step, left] = [330, 24, 96];
  const x = scale(0, 1, left, width - 84);
  const parts = types.flatMap(([name, entry], k) => [
    mark(left - 8, 8 + step * k + 13, name, "end"),
    svg("rect", { class: "fill", x: left, y: 8 + step * k, width: Math.max(0, x(entry.acc ?? 0) - left), height: 17 }),
    mark(Math.max(x(entry.acc ?? 0), x(CHANCE)) + 6, 8 + step * k + 13, `${percent(entry.acc) || "no score"} of ${entry.n}`, "start", "soft")]);
  const height = 8 + step * types.length;
  const label = "Mean accuracy (%) by query type: " + types.map(([name, entry]) => `${name} ${percent(entry.acc)}`).join(", ");
  return el("figure", {}, el("figcaption", {}, "Mean accuracy (%) of these systems, and number of items. Dashed line: chance"),
    image(width, height, label, ...parts, stroke("guide", x(CHANCE), 4, x(CHANCE), height)));
}
