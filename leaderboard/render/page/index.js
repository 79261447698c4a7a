// The index page: one state, drawn anew whenever it changes.

const content = data();
const boards = content.boards.filter((board) => board.rows > 0);
let state = null;
let whole = false;

function draw() {
  const board = boards.find((each) => each.board === state.board);
  const onBoard = content.rows.filter((row) => row.board === state.board);
  const columns = columnsOf(onBoard);
  const by = columns.find((column) => column.key === state.sort) || columns[0];
  const rows = sorted(filtered(content.rows, state), by, state.dir);
  const shown = whole ? rows : rows.slice(0, FIRST_ROWS);
  byId("board-title").textContent = board.title;
  byId("table").caption.textContent = `${board.title}: systems with their accuracy`;
  drawTable(byId("table"), columns, shown, { ...state, sort: by.key }, sortBy);
  byId("more").hidden = shown.length === rows.length;
  byId("more").textContent = `Show all ${rows.length} rows`;
  byId("count").textContent = `${rows.length} of ${onBoard.length} systems`
    + (shown.length < rows.length ? `, the first ${shown.length} shown` : "");
  byId("floors").textContent = board === boards[0] ? floorsText() : "";
  drawAccuracy(byId("plot"), rows, content);
  drawHeat(byId("heat"), byId("heat-note"), rows, board);
  drawScatter(byId("scatter"), rows);
  drawMatrix(byId("matrix"), byId("matrix-note"), board, onBoard);
  writeState(state, boards);
}

function floorsText() {
  const floors = Object.entries(content.floors || {}).map(([name, acc]) => `${name} ${percent(acc)}`);
  return floors.length ? `What is right without answering: ${floors.join(", ")}.` : "";
}

function sortBy(column, current) {
  const usual = column.number && column.key !== "rank" && column.key !== "p" ? "desc" : "asc";
  state.dir = current ? (state.dir === "asc" ? "desc" : "asc") : usual;
  state.sort = column.key;
  draw();
}

function checkboxes(place, key, values) {
  for (const value of values) {
    const box = el("input", { type: "checkbox", name: key, value });
    box.addEventListener("change", () => {
      const hidden = hiddenOf(state, key);
      if (box.checked) hidden.delete(value); else hidden.add(value);
      state[key] = [...hidden].sort().join(",");
      draw();
    });
    place.append(el("label", {}, box, " ", value));
  }
}

function showControls() {
  byId("board-choice").value = state.board;
  if (byId("search").value !== state.q) byId("search").value = state.q;
  for (const box of document.querySelectorAll("input[type=checkbox]")) {
    box.checked = !hiddenOf(state, box.name).has(box.value);
  }
}

function fromAddress() {
  state = readState(boards);
  showControls();
  draw();
}

function change(part) {
  Object.assign(state, part);
  showControls();
  draw();
}

function start() {
  skipLinks();
  if (!boards.length) return;
  byId("board-choice").append(...boards.map((board) => el("option", { value: board.board }, line(board.title))));
  checkboxes(byId("kinds"), "kind", [...new Set(content.rows.map((row) => row.kind))].sort());
  checkboxes(byId("statuses"), "status", [...new Set(content.rows.map((row) => row.status))].sort());
  byId("charts").hidden = false;
  let waiting = null;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ q: event.target.value }), 80);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("board-choice").addEventListener("change", (event) => change({ board: event.target.value }));
  byId("reset").addEventListener("click", () => change({ ...DEFAULTS, board: state.board }));
  byId("more").addEventListener("click", () => { whole = true; draw(); byId("board").focus(); });
  addEventListener("hashchange", fromAddress);
  fromAddress();
}

start();
