// Draw accuracy against the number of parameters, on a logarithmic axis.

// Possible places of a name beside its dot, best first.
const SIDES = [[9, 4, "start"], [-9, 4, "end"], [0, -9, "middle"], [0, 18, "middle"]];

function drawScatter(place, { rows }) {
  const sized = rows.filter((row) => isNumber(row.acc) && row.params > 0);
  const [shown, cut] = mostOf(sized, "systems");
  if (!shown.length) {
    place.replaceChildren(note("No system shown has a known number of parameters above 0."));
    return;
  }
  const without = rows.length - sized.length;
  const about = "Accuracy (%) with its 95% interval. Solid dot: run here. Half dot: recounted from imported answers. "
    + "Hollow dot: published claim. Dashed line: chance."
    + (without ? ` Not drawn: ${without} of ${rows.length} systems without a known number of parameters.` : "") + cut;
  const width = widthOf(place, 1200);
  const frame = { left: 40, right: width - 16, top: 12, bottom: Math.round(Math.min(380, 200 + width / 5)), width };
  const logs = shown.map((row) => Math.log10(row.params));
  const low = Math.floor(Math.min(...logs));
  const high = Math.max(Math.ceil(Math.max(...logs) + 1e-9), low + 1);
  const highest = Math.ceil(10 * Math.max(0.5, ...shown.map((row) => row.acc_high ?? row.acc)) - 1e-9) / 10;
  const x = scale(low, high, frame.left + 12, frame.right - 24);
  const y = scale(0, highest, frame.bottom, frame.top);
  const summary = `Accuracy in percent against parameters of ${shown.length} systems: `
    + shown.slice(0, 10).map((row) => `${line(row.system, 60)} ${count(row.params)}, ${percent(row.acc)}`).join("; ");
  place.replaceChildren(note(about), image(width, frame.bottom + 38, summary,
    ...axes(x, y, frame, [low, high], highest), ...points(shown, x, y, frame)));
}

function axes(x, y, { left, right, top, bottom }, [low, high], highest) {
  const parts = [];
  for (let power = low; power <= high; power += 1) {
    parts.push(stroke("axis", x(power), top, x(power), bottom),
      mark(x(power), bottom + 16, count(10 ** power), "middle", "soft"));
  }
  for (let tick = 0; tick <= highest + 1e-9; tick += highest > 0.6 ? 0.2 : 0.1) {
    parts.push(stroke("axis", left, y(tick), right, y(tick)),
      mark(left - 6, y(tick) + 4, String(Math.round(100 * tick)), "end", "soft"));
  }
  parts.push(stroke("guide", left, y(CHANCE), right, y(CHANCE)), mark(right, y(CHANCE) - 4, "chance", "end", "soft"),
    mark((left + right) / 2, bottom + 34, "parameters", "middle", "soft"));
  return parts;
}

// Draw all dots before the names, so that a name can avoid every dot.
function points(rows, x, y, frame) {
  const dots = rows.map((row) => ({ row, cx: x(Math.log10(row.params)), cy: y(row.acc) }));
  const ofChance = [frame.right - 50, y(CHANCE) - 16, frame.right, y(CHANCE)];
  const taken = [ofChance, ...dots.map(({ cx, cy }) => [cx - 6, cy - 6, cx + 6, cy + 6])];
  const bars = dots.filter(({ row }) => isNumber(row.acc_low) && isNumber(row.acc_high))
    .map(({ row, cx }) => stroke("bar faint", cx, y(row.acc_low), cx, y(row.acc_high)));
  const marks = dots.map(({ row, cx, cy }) => {
    const known = `${percent(row.acc)}, ${count(row.params)} parameters, ${row.trust ?? row.status}`;
    const what = `${line(row.name ?? row.system)}: ${known}`;
    return fill(pointAt(cx, cy, lookOf(row)), {}, [svg("title", {}, what)]);
  });
  const names = dots.map((dot) => freeName(dot, dot.row.name ?? dot.row.system, [44, 24, 14], SIDES, taken, frame));
  return [...bars, ...marks, ...names.filter(Boolean)];
}
