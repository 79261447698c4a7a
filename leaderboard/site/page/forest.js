// Draw each system's paired difference from the leader, with its interval.

function drawForest(place, { rows, onBoard }) {
  const leader = onBoard.find((row) => row.rank === 1);
  const compared = rows.filter((row) => isNumber(row.vs_leader?.difference));
  if (!leader || !compared.length) {
    place.replaceChildren(note("Fewer than two systems with a rank: nothing to compare."));
    return;
  }
  const [shown, cut] = firstOf(compared);
  const about = `Accuracy minus the leader's, in points, on the same items. Leader: ${line(leader.system)}. Line: bootstrap `
    + "interval, widened to the level of the Holm-corrected test. Hollow dot: tied with the leader." + cut;
  const width = widthOf(place, 980);
  const [left, right, step, top] = [Math.round(Math.min(320, width * 0.4)), width - 52, 34, 30];
  const height = top + step * shown.length + 8;
  const low = Math.min(...shown.map((row) => row.vs_leader.low));
  const high = Math.max(0, ...shown.map((row) => row.vs_leader.high));
  const x = scale(low, high, left + 10, right - 8);
  const ticks = ticksOf(low, high, width < 600 ? 3 : 6).flatMap((tick) => [
    stroke(Math.abs(tick) < 1e-9 ? "zero" : "axis", x(tick), top - 8, x(tick), height),
    mark(x(tick), 14, String(Math.round(1000 * tick) / 10).replace("-", "\u2212"), "middle", "soft")]);
  const summary = `Difference from ${line(leader.system, 60)} in points: ` + shown.slice(0, 10)
    .map((row) => `${line(row.system, 60)} ${percent(row.vs_leader.difference, true)}`).join("; ");
  place.replaceChildren(note(about), image(width, height, summary, ...ticks,
    ...shown.flatMap((row, k) => forestLine(row, x, top + step * (k + 0.5), left, width))));
}

function forestLine(row, x, y, left, width) {
  const { difference, low, high } = row.vs_leader;
  const what = `${line(row.system)}: ${percent(difference, true)} ${interval(low, high, true)}`;
  return [...nameLabel(row, left, y), stroke("bar", x(low), y, x(high), y),
    svg("circle", { class: row.with_leader ? "dot unranked" : "dot", cx: x(difference), cy: y, r: 4.5 }, svg("title", {}, what)),
    mark(width - 2, y + 4, percent(difference, true), "end", "figure")];
}
