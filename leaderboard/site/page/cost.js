// Costs: what a row's evaluation or training took, and on what. They are compared within equal hardware only.

// The hardware that a row's cost was measured on; null if it is unknown or not named exactly.
function hardwareOf(row, stage) {
  const cost = row.cost?.[stage];
  return cost?.hardware && !cost.hardware_is_vague ? cost.hardware : null;
}

// Every hardware with the rows that were measured on it: the one with most rows first.
function byHardware(rows, hardware) {
  const groups = new Map();
  for (const row of rows) {
    const name = hardware(row);
    if (name !== null) groups.set(name, [...(groups.get(name) || []), row]);
  }
  return [...groups.entries()].sort(([a, some], [b, others]) => others.length - some.length || a.localeCompare(b, "en"));
}

// Rows by cost: sorted within each hardware, then the rows of unknown hardware as they were, then blanks.
function sortedByCost(rows, column, dir) {
  const known = rows.filter((row) => !isBlank(sortValue(row, column)));
  const groups = byHardware(known, (row) => hardwareOf(row, column.stage));
  const unknown = known.filter((row) => hardwareOf(row, column.stage) === null);
  return [...groups.flatMap(([, some]) => sortedByValue(some, column, dir)), ...unknown,
    ...rows.filter((row) => isBlank(sortValue(row, column)))];
}

// A cost names its hardware where the board has several, or one that is not known.
function costCell(row, column, marks, text) {
  if (!text || !marks.mixed?.has(column.stage)) return [text];
  return [text, el("span", { class: "aside" }, line(row.cost?.[column.stage]?.hardware || "hardware not recorded", 60))];
}

// The stages in which a board's rows were not all measured on one known hardware.
function mixedStages(rows, columns) {
  const stages = new Set(columns.map((column) => column.stage).filter(Boolean));
  return new Set([...stages].filter((stage) => {
    const measured = rows.filter((row) => columns.some((column) => column.stage === stage && !isBlank(valueOf(row, column))));
    return new Set(measured.map((row) => hardwareOf(row, stage))).size > 1 || measured.some((row) => hardwareOf(row, stage) === null);
  }));
}

// What the order of a table that is sorted by a cost means.
function costNote(rows, column) {
  if (!column.stage) return "";
  const known = rows.filter((row) => !isBlank(sortValue(row, column)));
  const groups = byHardware(known, (row) => hardwareOf(row, column.stage));
  const unknown = known.length - groups.reduce((sum, [, some]) => sum + some.length, 0);
  const parts = groups.map(([name, some]) => `${some.length} on ${line(name, 80)}`);
  if (unknown) parts.push(`${unknown} on unknown hardware, in no order`);
  return parts.length > 1 || unknown
    ? `${column.label} is sorted within equal hardware only, because times on different hardware do not compare: ${parts.join("; then ")}.` : "";
}
