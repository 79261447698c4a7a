// Draw the first view: accuracy with its interval, one line per system, in the order of `GROUPS`.

const MOST_PLOTTED = 50;
const TICKS = [0, 0.25, 0.5, 0.75, 1];

// Return the best rows, and a sentence if rows are left out.
function mostOf(rows, what) {
  const shown = rows.slice(0, MOST_PLOTTED);
  const cut = ` Only the first ${shown.length} of ${rows.length} ${what} are shown. Use the filters to see others.`;
  return [shown, shown.length < rows.length ? cut : ""];
}

const isUnranked = (row) => !row.rank && row.kind !== "reported";
const GROUPS = [
  ["Ranked", (row) => row.rank],
  ["Not ranked", (row) => isUnranked(row) && !row.random_weights && !row.for_comparison],
  ["Published claims, not verified", (row) => row.kind === "reported"],
  ["For comparison, on the same items", (row) => isUnranked(row) && row.for_comparison],
  ["Diagnostics: demonstrations", (row) => isUnranked(row) && row.random_weights && !row.for_comparison,
    SITE.demonstrations],
];

// Draw all groups. Return whether lines are left out.
function drawChart(place, { rows, board, content, shown }) {
  const best = rows.filter((row) => isNumber(row.acc)).sort((a, b) => b.acc - a.acc);
  const target = board.board === SITE.main_board ? content.target : null; // the target applies to the main board only
  const marks = { rule: board.rule, best: board.answer?.best?.row, target, ticks: TICKS };
  const parts = [legendOf(marks)];
  let cut = false;
  for (const [title, belongs, about] of GROUPS) {
    const group = best.filter(belongs);
    if (!group.length) continue;
    const drawn = group.slice(0, shown);
    cut ||= drawn.length < group.length;
    const count = drawn.length < group.length ? `${drawn.length} of ${group.length}` : String(group.length);
    parts.push(el("section", { class: "chart-group", "aria-label": title },
      el("div", { class: "chart-head" },
        el("h3", {}, `${title} `, el("span", { class: "soft" }, `(${count})`)), axisOf()),
      about ? note(about) : null,
      el("ol", { class: "chart" }, ...drawn.map((row) => chartLineOf(row, marks)))));
  }
  if (!best.length) parts.push(note("No system with an accuracy matches the filters."));
  place.replaceChildren(...parts);
  return cut;
}

function axisOf() {
  const texts = TICKS.map((tick) => svg("text", { x: share(tick), y: 12, class: "soft",
    "text-anchor": tick === 0 ? "start" : tick === 1 ? "end" : "middle" }, `${100 * tick}${tick === 1 ? "%" : ""}`));
  return svg("svg", { class: "ticks", "aria-hidden": "true" }, ...texts);
}

// Keep the lines, because a filter runs at every key press and only selects lines.
const chartLines = new Map();
function chartLineOf(row, marks) {
  if (!chartLines.has(row)) chartLines.set(row, chartLine(row, marks));
  return chartLines.get(row);
}

function chartLine(row, marks) {
  // State why a system has no rank.
  const says = ["excluded", "overlap"].includes(row.status) && !row.for_comparison && !row.random_weights;
  return el("li", { class: `${lookOf(row)}${row.id === marks.best ? " best" : ""}`, "data-row": row.id },
    el("span", { class: "place" }, row.rank ? hiddenText("Rank ") : null, rankRange(row)),
    el("div", { class: "who" }, systemName(row), " ", bestBadge(row, marks), beneathOf(row),
      says ? el("span", { class: "aside" }, line(row.reason, 160)) : null),
    el("div", { class: "plot" }, trackOf(row, marks)),
    el("span", { class: "value" }, el("strong", {}, percent(row.acc)), " ",
      el("span", { class: "interval" }, interval(row.acc_low, row.acc_high))),
    el("span", { class: "trust" }, trustBadge(row), notesMark(row)));
}

function legendOf({ rule, target }) {
  const glyph = (look) => svg("svg", { class: `key ${look}`, width: 34, height: 14, "aria-hidden": "true" },
    svg("line", { class: "reach", x1: 2, x2: 32, y1: 7, y2: 7 }), pointAt(17, 7, look));
  const swatch = (look) => svg("svg", { class: "key", width: 14, height: 14, "aria-hidden": "true" },
    svg("rect", { class: look, width: 14, height: 14 }));
  const entry = (sign, text) => el("li", {}, sign, " ", text);
  return el("ul", { class: "legend" },
    entry(glyph("run-here"), "run here"), entry(glyph("recounted"), "recounted from imported answers"),
    entry(glyph("claimed"), "published claim"),
    entry(swatch("below-chance"), `chance, ${percent(CHANCE)}%`),
    rule && rule.acc > CHANCE
      ? entry(swatch("up-to-rule"), `best trivial rule, ${percent(rule.acc)}%: ${line(rule.name, 60)}`) : null,
    isNumber(target) ? entry(svg("svg", { class: "key", width: 14, height: 14, "aria-hidden": "true" },
      svg("line", { class: "guide", x1: 7, x2: 7, y1: 0, y2: 14 })), `target, ${percent(target)}%`) : null,
    el("li", {}, "bars: 95% intervals"));
}
