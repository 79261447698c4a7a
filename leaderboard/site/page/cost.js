// Sort and show the costs of evaluation and training. Costs are compared only on the same hardware.

// Return the hardware of a row's cost; null if it is unknown or not named exactly.
function hardwareOf(row, stage) {
  const cost = row.cost?.[stage];
  return cost?.hardware && !cost.hardware_is_vague ? cost.hardware : null;
}

// Return each hardware with its rows. The hardware with the most rows is first.
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

// Add the hardware to a cost if the board's rows have different or unknown hardware.
function costCell(row, column, marks, text) {
  if (!text || !marks.mixed?.has(column.stage)) return [text];
  return [text, el("span", { class: "aside" }, line(row.cost?.[column.stage]?.hardware || "hardware not recorded", 60))];
}

// Return the stages whose costs were not all measured on the same known hardware.
function mixedStages(rows, columns) {
  const stages = new Set(columns.map((column) => column.stage).filter(Boolean));
  return new Set([...stages].filter((stage) => {
    const measured = rows.filter((row) => columns.some((column) => column.stage === stage && !isBlank(valueOf(row, column))));
    return new Set(measured.map((row) => hardwareOf(row, stage))).size > 1 || measured.some((row) => hardwareOf(row, stage) === null);
  }));
}

// Return a sentence on the order of a table that is sorted by a cost.
function costNote(rows, column) {
  if (!column.stage) return "";
  const known = rows.filter((row) => !isBlank(sortValue(row, column)));
  const groups = byHardware(known, (row) => hardwareOf(row, column.stage));
  const unknown = known.length - groups.reduce((sum, [, some]) => sum + some.length, 0);
  const parts = groups.map(([name, some]) => `${some.length} on ${line(name, 80)}`);
  if (unknown) parts.push(`${unknown} on unknown hardware, unsorted`);
  return parts.length > 1 || unknown
    ? `${column.label} is sorted only among rows with the same hardware, because costs on different hardware are not comparable. Rows: ${parts.join("; then ")}.` : "";
}
