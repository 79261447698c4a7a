// What is shown, kept in the address behind "#" so that it can be sent, reloaded and gone back to.

const DEFAULTS = { board: "", sort: "rank", dir: "asc", q: "", kind: "", status: "" };

function readState(boards) {
  const found = { ...DEFAULTS };
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) {
    if (key in found) found[key] = value;
  }
  if (!boards.some((board) => board.board === found.board)) found.board = boards[0].board;
  if (found.dir !== "desc") found.dir = "asc";
  return found;
}

function writeState(state, boards) {
  const parts = new URLSearchParams();
  const usual = { ...DEFAULTS, board: boards[0].board };
  for (const [key, value] of Object.entries(state)) {
    if (value !== usual[key]) parts.set(key, value);
  }
  const hash = parts.toString();
  if (hash !== location.hash.slice(1)) history.replaceState(null, "", hash ? "#" + hash : "#");
}

// Hidden kinds and statuses are named, so that a kind that comes later is shown.
function hiddenOf(state, key) {
  return new Set(state[key] ? state[key].split(",") : []);
}

function matches(row, state, words) {
  if (hiddenOf(state, "kind").has(row.kind) || hiddenOf(state, "status").has(row.status)) return false;
  const text = [row.system, row.source, row.reason, row.kind, row.status, ...(row.flags || [])].join(" ").toLowerCase();
  return words.every((word) => text.includes(word));
}

function filtered(rows, state) {
  const words = state.q.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => row.board === state.board && matches(row, state, words));
}

// Blanks stand last in both directions.
function sorted(rows, column, dir) {
  const sign = dir === "desc" ? -1 : 1;
  const blank = (value) => value === null || value === undefined || value === "" || Number.isNaN(value);
  const decorated = rows.map((row, place) => ({ row, place, value: column.value(row) }));
  decorated.sort((a, b) => {
    if (blank(a.value) || blank(b.value)) return blank(a.value) - blank(b.value) || a.place - b.place;
    const order = typeof a.value === "string" ? a.value.localeCompare(b.value) : a.value - b.value;
    return sign * order || a.place - b.place;
  });
  return decorated.map((entry) => entry.row);
}
