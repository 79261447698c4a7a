// The board's table. Long boards show their first rows until asked for all.

const FIRST_ROWS = 200;

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
