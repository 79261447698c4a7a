// Draw a training log: one small plot per quantity.

function drawCurves(history) {
  const drawn = SITE.curves.map(([key, title]) => curveOf(title, history || [], key)).filter(Boolean);
  byId("history-section").hidden = !drawn.length;
  byId("history").append(...drawn);
}

function curveOf(title, entries, key) {
  const values = entries.filter((entry) => isNumber(entry[key]) && isNumber(entry.step))
    .map((entry) => [entry.step, entry[key]]).sort((a, b) => a[0] - b[0]);
  if (!values.length) return null;
  const [width, height, left, bottom] = [360, 190, 56, 158];
  const [[first, start], [last, end]] = [values[0], values[values.length - 1]];
  const levels = values.map((value) => value[1]);
  const [low, high] = [Math.min(0, ...levels), Math.max(...levels)];
  const x = scale(first, last, left, width - 12);
  const y = scale(low, high, bottom, 12);
  const places = values.map(([step, level]) => [x(step).toFixed(1), y(level).toFixed(1)]);
  const parts = [low, (low + high) / 2, high].flatMap((tick) => [
    stroke("axis", left, y(tick), width - 12, y(tick)), mark(left - 6, y(tick) + 4, plain(tick), "end", "soft")]);
  // Mark each point with a dot if there are few points.
  const dots = places.length > 40 ? [] : places.map(([cx, cy]) => svg("circle", { class: "dot", cx, cy, r: 2.5 }));
  const label = `${title}: ${plain(start)} at step ${first}, ${plain(end)} at step ${last}; `
    + `lowest ${plain(Math.min(...levels))}, highest ${plain(high)}`;
  return el("figure", {}, el("figcaption", {}, title), image(width, height, label, ...parts,
    svg("path", { class: "bar thin", d: "M" + places.join("L") }), ...dots,
    mark(left, bottom + 18, `step ${first}`, "start", "soft"),
    values.length > 1 ? mark(width - 12, bottom + 18, `step ${last}`, "end", "soft") : null));
}
