// The board's table: its columns, what a cell shows and what rows are sorted by, by the column's type.

const FIRST_ROWS = 200; // of a long board, until all are asked for
const WRITERS = { rank: whole, whole, count, duration, number: plain, p: chance, text: line };
const CELLS = {
  name: systemCell, accuracy: accuracyCell, status: statusCell, leader: leaderCell, share: shareCell,
  score: (row, column) => withInterval(valueOf(row, column)),
};

const valueOf = (row, column) => column.path.reduce((value, key) => value?.[key], row) ?? null;
const isInvariant = (row, column) => row.invariant === true && column.of_position;
const cellOf = (row, column) =>
  CELLS[column.type] ? CELLS[column.type](row, column) : [WRITERS[column.type](valueOf(row, column))];

// What a row is sorted by; null or "" for a blank.
function sortValue(row, column) {
  const value = valueOf(row, column);
  if (column.type === "leader") return value?.difference ?? (row.rank ? 0 : null);
  if (column.type === "score") return value?.acc ?? null;
  if (isInvariant(row, column)) return null;
  return column.number ? value : line(value).toLowerCase();
}

// Columns that would be empty for the whole board are left out.
function columnsOf(rows) {
  return SITE.columns.filter((column) => ["rank", "name"].includes(column.type)
    || rows.some((row) => !isBlank(sortValue(row, column)) || isInvariant(row, column)));
}

function drawTable(table, columns, rows, state, onSort) {
  const head = el("thead", {}, el("tr", {}, ...columns.map((column) => headCell(column, state, onSort))));
  const body = el("tbody", {}, ...rows.map((row) => el("tr", { class: row.rank ? null : "unranked" },
    ...columns.map((column) => bodyCell(column, row)))));
  const focused = document.activeElement?.dataset?.sort;
  table.replaceChildren(table.caption, head, body);
  // Redrawing must not throw a keyboard user out of the header.
  if (focused) table.querySelector(`[data-sort="${CSS.escape(focused)}"]`)?.focus();
}

function headCell(column, state, onSort) {
  const current = state.sort === column.key;
  const button = el("button", { type: "button", "data-sort": column.key }, column.label);
  button.addEventListener("click", () => onSort(column, current));
  return el("th", {
    scope: "col", class: column.number ? "number" : column.type === "name" ? "name" : null,
    "aria-sort": current ? (state.dir === "desc" ? "descending" : "ascending") : "none",
  }, button);
}

function bodyCell(column, row) {
  const [tag, scope] = column.type === "name" ? ["th", "row"] : ["td", null];
  return el(tag, { scope, class: column.number ? "number" : null }, ...cellOf(row, column));
}
