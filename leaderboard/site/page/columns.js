// The columns that the page's data lists: what rows are sorted by, and what a cell shows, by the column's type.

const WRITERS = { rank: whole, whole, count, duration, number: plain, p: chance, text: line };
const CELLS = {
  name: systemCell, accuracy: accuracyCell, status: statusCell, leader: leaderCell, share: shareCell,
  score: (row, column) => withInterval(valueOf(row, column)),
};

function valueOf(row, column) {
  return column.path.reduce((value, key) => value?.[key], row) ?? null;
}

function cellOf(row, column) {
  return CELLS[column.type] ? CELLS[column.type](row, column) : [WRITERS[column.type](valueOf(row, column))];
}

// What a row is sorted by; null or "" for a blank.
function sortValue(row, column) {
  const value = valueOf(row, column);
  if (column.type === "leader") return value?.difference ?? (row.rank ? 0 : null);
  if (column.type === "score") return value?.acc ?? null;
  if (isInvariant(row, column)) return null;
  return column.number ? value : line(value).toLowerCase();
}

function isInvariant(row, column) {
  return row.invariant === true && column.of_position;
}

// Columns that would be empty for the whole board are left out.
function columnsOf(rows) {
  return SITE.columns.filter((column) => ["rank", "name"].includes(column.type)
    || rows.some((row) => !isBlank(sortValue(row, column)) || isInvariant(row, column)));
}
