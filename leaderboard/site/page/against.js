// Accuracy against parameters, or against seconds per item, on a logarithmic axis.

const AGAINST = {
  params: { key: "params", label: "parameters", write: count,
    none: "No system shown has a known number of parameters above 0." },
  seconds: { key: "seconds_an_item", label: "seconds per item", write: duration,
    none: "No system shown has both its hardware recorded and a time per item that excludes loading the model." },
};
const BESIDE = [[9, 4, "start"], [-9, 4, "end"], [0, -10, "middle"], [0, 19, "middle"],
  [9, -8, "start"], [9, 16, "start"], [-9, -8, "end"], [-9, 16, "end"]];

function drawAgainst(place, { rows, also = "", named = "" }, what) {
  const { key, label, write, none } = AGAINST[what];
  const known = rows.filter((row) => isNumber(row.acc) && row[key] > 0);
  const [shown, cut] = firstOf(known);
  if (!shown.length) {
    place.replaceChildren(note(none + also));
    return;
  }
  const about = `Accuracy (%) with its 95% interval against ${label}${named}. Dashed line: chance. ${shown.length} of `
    + `${rows.length} systems are drawn.${also}${cut}`;
  const width = widthOf(place, 980);
  const frame = { left: 40, right: width - 16, top: 14, bottom: Math.round(Math.min(400, 210 + width / 5)), width };
  const logs = shown.map((row) => Math.log10(row[key]));
  const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs) + 0.05)];
  const highest = Math.min(1, Math.ceil(10 * Math.max(0.5, ...shown.map((row) => row.acc_high ?? row.acc)) - 1e-9) / 10);
  const x = scale(low, Math.max(high, low + 1), frame.left + 14, frame.right - 28);
  const y = scale(0, highest, frame.bottom, frame.top);
  const summary = `Accuracy in percent against ${label} of ${shown.length} systems: ` + shown.slice(0, 10)
    .map((row) => `${line(row.system, 60)} ${write(row[key])}, ${percent(row.acc)}`).join("; ");
  place.replaceChildren(note(about), evidenceLegend(shown), image(width, frame.bottom + 40, summary,
    ...againstAxes(x, y, frame, [low, Math.max(high, low + 1)], highest, label, write),
    ...againstDots(shown, key, write, x, y, frame)));
}

// Times are comparable only on the same hardware and without loading the model. So the reader chooses one hardware.
function drawTimes(place, drawn, hardware, choose) {
  const timed = drawn.rows.filter((row) => isNumber(row.acc) && row.seconds_an_item > 0);
  const groups = byHardware(timed.filter((row) => !row.with_loading), (row) => row.hardware ?? null);
  const [name, rows] = groups.find(([each]) => each === hardware) || groups[0] || ["", []];
  const loading = timed.filter((row) => row.with_loading).length;
  const unknown = timed.filter((row) => !row.with_loading && !row.hardware).length;
  const left = [loading ? `systems whose time includes loading the model (${loading})` : "",
    unknown ? `systems whose hardware is not recorded (${unknown})` : ""].filter(Boolean).join(", and ");
  const plot = el("div", {});
  const select = el("select", { "aria-label": "Hardware" },
    ...groups.map(([each, some]) => el("option", { value: each, selected: each === name }, `${line(each, 80)} (${some.length})`)));
  select.addEventListener("change", () => choose(select.value));
  const isFocused = place.contains(document.activeElement);
  place.replaceChildren(...(groups.length > 1 ? [el("label", {}, "Hardware ", select)] : []), plot);
  if (isFocused && groups.length > 1) select.focus();
  drawAgainst(plot, { rows, also: left ? ` Not drawn: ${left}.` : "", named: name ? `, all on ${line(name, 80)}` : "" }, "seconds");
}

function againstAxes(x, y, { left, right, top, bottom }, [low, high], highest, label, write) {
  const parts = [];
  for (let power = low; power <= high; power += 1) {
    parts.push(stroke("axis", x(power), top, x(power), bottom), mark(x(power), bottom + 17, write(10 ** power), "middle", "soft"));
  }
  for (const tick of ticksOf(0, highest, 5)) {
    parts.push(stroke("axis", left, y(tick), right, y(tick)), mark(left - 6, y(tick) + 4, String(Math.round(100 * tick)), "end", "soft"));
  }
  parts.push(stroke("guide", left, y(CHANCE), right, y(CHANCE)), mark(right, y(CHANCE) - 5, "chance", "end", "soft"),
    mark((left + right) / 2, bottom + 35, label, "middle", "soft"));
  return parts;
}

// Draw all dots before the names, so that a name can avoid every dot and interval.
function againstDots(rows, key, write, x, y, frame) {
  const dots = rows.map((row) => ({ row, cx: x(Math.log10(row[key])), cy: y(row.acc) }));
  const taken = [...dots.map(({ cx, cy }) => [cx - 6, cy - 6, cx + 6, cy + 6]),
    [frame.right - 48, y(CHANCE) - 17, frame.right, y(CHANCE)]];
  const bars = dots.filter(({ row }) => isNumber(row.acc_low) && isNumber(row.acc_high))
    .map(({ row, cx }) => stroke("bar faint", cx, y(row.acc_low), cx, y(row.acc_high)));
  const marks = dots.map(({ row, cx, cy }) => evidenceDot(cx, cy, 5, row.evidence,
    `${line(row.system)}: ${percent(row.acc)} ${interval(row.acc_low, row.acc_high)}, ${write(row[key])}`));
  const names = dots.map((dot) => freeName(dot, nameParts(dot.row)[0], [40, 22], BESIDE, taken, frame));
  return [...bars, ...marks, ...names.filter(Boolean)];
}
