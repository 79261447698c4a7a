// Draw the board's table. The column's type decides the content and the sort key of a cell.

const WRITERS = { rank: whole, whole, count, duration, bytes: memory, number: plain, p: chance, text: line };
const CELLS = {
  rank: (row) => [rankRange(row)], name: systemCell, accuracy: accuracyCell, status: statusCell, leader: leaderCell,
  share: shareCell, score: (row, column) => withInterval(valueOf(row, column)),
};

const HEADS = { accuracy: "accuracy", name: "name" };
const valueOf = (row, column) => column.path.reduce((value, key) => value?.[key], row) ?? null;
const isInvariant = (row, column) => row.invariant === true && column.of_position;
const cellOf = (row, column, marks) => {
  if (CELLS[column.type]) return CELLS[column.type](row, column, marks);
  const text = WRITERS[column.type](valueOf(row, column));
  return column.stage ? costCell(row, column, marks, text) : [text];
};

// Return the sort key of a row; null or "" for a blank.
function sortValue(row, column) {
  const value = valueOf(row, column);
  if (column.type === "leader") return value?.difference ?? (row.rank ? 0 : null);
  if (column.type === "score") return value?.acc ?? null;
  if (column.type === "status") return SITE.words[row.status] ?? "";
  if (isInvariant(row, column)) return null;
  return column.number ? value : line(value).toLowerCase();
}

// Set all roles, because on a phone rows are shown as cards, and browsers then drop the roles of a table.
function drawTable(table, columns, rows, state, marks, onSort) {
  const head = el("thead", { role: "rowgroup" },
    el("tr", { role: "row" }, ...columns.map((column) => headCell(column, state, onSort))));
  const kept = linesFor(columns);
  const body = el("tbody", { role: "rowgroup" }, ...rows.map((row) => {
    if (!kept.has(row)) kept.set(row, tableLine(row, columns, marks));
    return kept.get(row);
  }));
  const focused = document.activeElement?.dataset?.sort;
  table.setAttribute("role", "table");
  table.replaceChildren(table.caption, head, body);
  // Redrawing must not move the keyboard focus out of the header.
  if (focused) table.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
}

// Keep the lines while the columns stay the same, because a filter runs at every key press.
const tableLines = { columns: "", lines: new Map() };
function linesFor(columns) {
  const key = columns.map((column) => column.key).join();
  if (tableLines.columns !== key) Object.assign(tableLines, { columns: key, lines: new Map() });
  return tableLines.lines;
}

function tableLine(row, columns, marks) {
  const look = row.rank ? (row.id === marks.best ? "best" : null) : "unranked";
  return el("tr", { role: "row", class: look, "data-row": row.id },
    ...columns.map((column) => bodyCell(column, row, marks)));
}

function headCell(column, state, onSort) {
  const current = state.sort === column.key;
  const button = el("button", { type: "button", "data-sort": column.key }, column.label);
  button.addEventListener("click", () => onSort(column, current));
  return el("th", {
    role: "columnheader", scope: "col", class: HEADS[column.type] ?? (column.number ? "number" : null),
    "aria-sort": current ? (state.dir === "desc" ? "descending" : "ascending") : "none",
  }, button);
}

function bodyCell(column, row, marks) {
  const isName = column.type === "name";
  const cell = cellOf(row, column, marks).filter((part) => part !== null && part !== "");
  return el(isName ? "th" : "td", {
    role: isName ? "rowheader" : "cell", scope: isName ? "row" : null, "data-label": column.label, "data-key": column.key,
    class: [column.type === "accuracy" ? "accuracy" : column.number ? "number" : "", cell.length ? "" : "empty"].filter(Boolean).join(" ") || null,
  }, ...cell);
}
