// Plots as SVG; the table holds the same numbers, so each plot is one image with a summary to a screen reader.

const MOST_PLOTTED = 50;

function image(width, height, label, ...children) {
  return svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, ...children);
}

function scale(low, high, from, to) {
  return (value) => from + ((value - low) / (high - low || 1)) * (to - from);
}

function mark(x, y, text, attributes) {
  return svg("text", { x, y, ...attributes }, text);
}

function drawAccuracy(place, rows, content) {
  const shown = rows.filter((row) => isNumber(row.acc)).sort((a, b) => b.acc - a.acc).slice(0, MOST_PLOTTED);
  const [left, width, step, top] = [260, 860, 20, 34];
  const height = top + step * shown.length + 8;
  const x = scale(0, 1, left, width - 20);
  const guides = [[CHANCE, "chance"], ...(isNumber(content.target) ? [[content.target, "target"]] : [])];
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    svg("line", { class: "axis", x1: x(tick), x2: x(tick), y1: top - 6, y2: height }),
    mark(x(tick), 12, `${100 * tick}`, { "text-anchor": "middle", class: "soft" })]);
  for (const [value, name] of guides) {
    parts.push(svg("line", { class: "guide", x1: x(value), x2: x(value), y1: top - 6, y2: height }),
      mark(x(value), 24, name, { "text-anchor": "middle", class: "soft" }));
  }
  shown.forEach((row, k) => parts.push(...whisker(row, x, top + step * (k + 0.5), left)));
  const cut = rows.length > shown.length ? ` The best ${shown.length} of ${rows.length}.` : "";
  place.replaceChildren(image(width, height, `Accuracy in percent of ${shown.length} systems, best first.${cut}`, ...parts));
}

function whisker(row, x, y, left) {
  const bar = isNumber(row.acc_low)
    ? [svg("line", { class: "bar", x1: x(row.acc_low), x2: x(row.acc_high), y1: y, y2: y })] : [];
  const what = `${line(row.system)}: ${percent(row.acc)} ${interval(row.acc_low, row.acc_high)}, ${row.status}`;
  return [mark(left - 10, y + 4, line(row.system, 38), { "text-anchor": "end" }), ...bar,
    svg("circle", { class: row.rank ? "dot" : "dot unranked", cx: x(row.acc), cy: y, r: 4 }, svg("title", {}, what))];
}

function drawHeat(place, note, rows, board) {
  const names = TYPES.filter((name) => rows.some((row) => row.types?.[name]));
  const shown = rows.filter((row) => names.some((name) => row.types?.[name])).slice(0, MOST_PLOTTED);
  const least = board.minimal_detectable_effect || {};
  note.textContent = "Percent right. Under each type: its items, and the difference below which two systems cannot be "
    + "told apart on so few, at this board's usual disagreement.";
  const head = names.map((name) => el("th", { scope: "col", class: "number" }, name, el("br"),
    el("span", { class: "interval" }, `n ${board.sizes?.[name] ?? "?"}`
      + (isNumber(least[name]) ? `, \u00b1${percent(least[name])}` : ""))));
  const body = shown.map((row) => el("tr", {}, el("th", { scope: "row" }, line(row.system, 60)),
    ...names.map((name) => heatCell(row.types?.[name]))));
  place.replaceChildren(el("table", {}, el("caption", { class: "hidden" }, "Accuracy by query type"),
    el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "System"), ...head)), el("tbody", {}, ...body)));
}

function heatCell(score) {
  if (!score || !isNumber(score.acc)) return el("td", {});
  return el("td", { class: "number heat", "--v": score.acc }, percent(score.acc));
}

function drawScatter(place, rows) {
  const shown = rows.filter((row) => isNumber(row.acc) && row.params > 0).slice(0, MOST_PLOTTED);
  if (!shown.length) {
    place.replaceChildren(el("p", { class: "note" }, "No system here says how many parameters it has."));
    return;
  }
  const [width, height, left, bottom] = [860, 340, 50, 300];
  const logs = shown.map((row) => Math.log10(row.params));
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 1e-9)];
  const x = scale(low, Math.max(high, low + 1), left, width - 160);
  const y = scale(0, 1, bottom, 16);
  const parts = [];
  for (let power = low; power <= Math.max(high, low + 1); power += 1) {
    parts.push(svg("line", { class: "axis", x1: x(power), x2: x(power), y1: 16, y2: bottom }),
      mark(x(power), bottom + 18, count(10 ** power), { "text-anchor": "middle", class: "soft" }));
  }
  for (const tick of [0, 0.25, 0.5, 0.75, 1]) {
    parts.push(svg("line", { class: "axis", x1: left, x2: width - 160, y1: y(tick), y2: y(tick) }),
      mark(left - 8, y(tick) + 4, `${100 * tick}`, { "text-anchor": "end", class: "soft" }));
  }
  parts.push(svg("line", { class: "guide", x1: left, x2: width - 160, y1: y(CHANCE), y2: y(CHANCE) }),
    mark(left + (width - 160 - left) / 2, bottom + 34, "parameters", { "text-anchor": "middle", class: "soft" }));
  parts.push(...points(shown, x, y));
  place.replaceChildren(image(width, height, `Accuracy in percent against parameters of ${shown.length} systems`, ...parts));
}

// Names beside the dots as far as they do not run into each other.
function points(rows, x, y) {
  const taken = [];
  return rows.flatMap((row) => {
    const [cx, cy] = [x(Math.log10(row.params)), y(row.acc)];
    const dot = svg("circle", { class: row.rank ? "dot" : "dot unranked", cx, cy, r: 5 },
      svg("title", {}, `${line(row.system)}: ${percent(row.acc)}, ${count(row.params)} parameters, ${row.status}`));
    const free = !taken.some(([tx, ty]) => Math.abs(ty - cy) < 13 && Math.abs(tx - cx) < 170);
    if (free) taken.push([cx, cy]);
    return free ? [dot, mark(cx + 9, cy + 4, line(row.system, 28), {})] : [dot];
  });
}

function drawCurve(title, entries, key) {
  const values = entries.filter((entry) => isNumber(entry[key])).map((entry) => [entry.step, entry[key]]);
  if (values.length < 2) return null;
  const [width, height, left, bottom] = [400, 200, 62, 165];
  const [steps, levels] = [values.map((v) => v[0]), values.map((v) => v[1])];
  const [low, high] = [Math.min(0, ...levels), Math.max(...levels)];
  const x = scale(Math.min(...steps), Math.max(...steps), left, width - 10);
  const y = scale(low, high, bottom, 12);
  const short = (value) => (value && Math.abs(value) < 0.001 ? value.toExponential(1) : Number(value.toPrecision(3)).toString());
  const path = values.map(([step, level], k) => `${k ? "L" : "M"}${x(step).toFixed(1)} ${y(level).toFixed(1)}`).join("");
  const parts = [low, (low + high) / 2, high].flatMap((tick) => [
    svg("line", { class: "axis", x1: left, x2: width - 10, y1: y(tick), y2: y(tick) }),
    mark(left - 6, y(tick) + 4, short(tick), { "text-anchor": "end", class: "soft" })]);
  parts.push(svg("path", { class: "bar", d: path }), mark(left, bottom + 18, String(steps[0]), { class: "soft" }),
    mark(width - 10, bottom + 18, `step ${steps[steps.length - 1]}`, { "text-anchor": "end", class: "soft" }));
  const label = `${title}: from ${short(levels[0])} at step ${steps[0]} to ${short(levels[levels.length - 1])} at step ${steps[steps.length - 1]}`;
  return el("figure", {}, el("figcaption", {}, title), image(width, height, label, ...parts));
}

function drawBars(title, shares) {
  const [width, height, left] = [360, 150, 20];
  const x = scale(0, 1, left, width - 60);
  const parts = shares.flatMap((value, k) => {
    const y = 10 + 26 * k;
    return [mark(0, y + 13, LETTERS[k], {}),
      svg("rect", { class: "fill", x: left, y, width: isNumber(value) ? Math.max(0, x(value) - left) : 0, height: 18 }),
      mark(x(value ?? 0) + 6, y + 13, isNumber(value) ? percent(value) : "no item", {})];
  });
  parts.push(svg("line", { class: "guide", x1: x(CHANCE), x2: x(CHANCE), y1: 6, y2: height - 8 }));
  const label = `${title}: ${shares.map((value, k) => `${LETTERS[k]} ${percent(value)}`).join(", ")}`;
  return el("figure", {}, el("figcaption", {}, title), image(width, height, label, ...parts));
}
