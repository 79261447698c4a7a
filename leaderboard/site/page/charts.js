// Accuracy with its interval, one line a system.

const MOST_PLOTTED = 50;

// The best rows, and a sentence where that is not all.
function mostOf(rows, what) {
  const shown = rows.slice(0, MOST_PLOTTED);
  const cut = ` Only the first ${shown.length} of ${rows.length} ${what} are drawn: filter to see others.`;
  return [shown, shown.length < rows.length ? cut : ""];
}

function drawAccuracy(place, { rows, board, content }) {
  const best = rows.filter((row) => isNumber(row.acc)).sort((a, b) => b.acc - a.acc);
  const [shown, cut] = mostOf(best, "systems");
  const isMain = board.board === SITE.main_board; // the board of the floors and the target
  const floors = isMain ? Object.values(content.floors || {}) : [];
  const about = "Percent right with the 95% interval, best first. Hollow: without a rank. Dashed: chance"
    + (isMain && isNumber(content.target) ? " and the target" : "") + "."
    + (floors.length ? ` Shaded: what rules reach without answering, at most ${percent(Math.max(...floors))}.` : "");
  const width = widthOf(place, 980);
  const [left, step, top] = [Math.round(Math.min(300, width * 0.36)), 20, 36];
  const height = top + step * shown.length + 6;
  const x = scale(0, 1, left, width - 48);
  const summary = `Accuracy in percent of ${shown.length} systems, best first: `
    + shown.slice(0, 10).map((row) => `${line(row.system, 60)} ${percent(row.acc)}`).join("; ");
  place.replaceChildren(note(about + cut), image(width, height, summary,
    ...backdrop(x, top, height, floors, isMain ? content.target : null),
    ...shown.flatMap((row, k) => whisker(row, x, top + step * (k + 0.5), left, width))));
}

function backdrop(x, top, height, floors, target) {
  const parts = [0, 0.25, 0.5, 0.75, 1].flatMap((tick) => [
    stroke("axis", x(tick), top - 6, x(tick), height), mark(x(tick), 12, `${100 * tick}`, "middle", "soft")]);
  if (floors.length) {
    const [low, high] = [Math.min(...floors), Math.max(...floors)];
    const sizes = { width: Math.max(2, x(high) - x(low)), height: height - top + 6 };
    parts.push(svg("rect", { class: "floors", x: x(low), y: top - 6, ...sizes }),
      mark(x(high) + 3, 27, "floors", "start", "soft"));
  }
  parts.push(stroke("guide", x(CHANCE), top - 6, x(CHANCE), height), mark(x(CHANCE) - 3, 27, "chance", "end", "soft"));
  if (isNumber(target)) {
    parts.push(stroke("guide", x(target), top - 6, x(target), height), mark(x(target), 27, "target", "middle", "soft"));
  }
  return parts;
}

function whisker(row, x, y, left, width) {
  const [low, high] = [row.acc_low, row.acc_high];
  const bar = isNumber(low) && isNumber(high) ? [stroke("bar", x(low), y, x(high), y)] : [];
  const what = `${line(row.system)}: ${percent(row.acc)} ${interval(low, high)}, ${row.status}`;
  return [mark(left - 8, y + 4, line(row.system, Math.floor((left - 8) / 6.8)), "end"), ...bar,
    svg("circle", { class: row.rank ? "dot" : "dot unranked", cx: x(row.acc), cy: y, r: 4 }, svg("title", {}, what)),
    mark(width - 2, y + 4, percent(row.acc), "end", "figure")];
}
