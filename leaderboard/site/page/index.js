// The index page: one state, drawn anew whenever it changes.

const content = data();
const boards = content.boards.filter((board) => board.rows > 0);
const DRAWN = { accuracy: drawAccuracy, types: drawHeat, size: drawScatter, pairs: drawMatrix };
let state = null;

function draw() {
  const board = boards.find((each) => each.board === state.board);
  const onBoard = content.rows.filter((row) => row.board === state.board);
  const columns = columnsOf(onBoard);
  const by = columns.find((column) => column.key === state.sort) || columns[0];
  const rows = sorted(onBoard.filter(matcher(state)), by, state.dir);
  byId("board-title").textContent = line(board.title);
  byId("count").textContent = `${rows.length} of ${onBoard.length} systems`;
  showTab(state.view);
  if (state.view === "table") drawRows(board, columns, rows, by);
  else DRAWN[state.view](byId("view-" + state.view), { rows, onBoard, board, content });
  writeState(state, boards);
}

function drawRows(board, columns, rows, by) {
  const shown = state.rows === "all" ? rows : rows.slice(0, FIRST_ROWS);
  byId("table").caption.textContent = `${line(board.title)}: systems with their accuracy`;
  drawTable(byId("table"), columns, shown, { ...state, sort: by.key }, sortBy);
  byId("more").hidden = shown.length === rows.length;
  byId("more").textContent = `Show all ${rows.length} rows`;
  if (shown.length < rows.length) byId("count").textContent += `, the first ${shown.length} shown`;
  const place = byId("table").parentElement;
  byId("wide").hidden = place.scrollWidth <= place.clientWidth;
}

function sortBy(column, isCurrent) {
  const turned = state.dir === "asc" ? "desc" : "asc";
  change({ sort: column.key, dir: isCurrent ? turned : column.descends ? "desc" : "asc" });
}

function checkboxes(place, key, values) {
  for (const value of values) {
    const box = el("input", { type: "checkbox", name: key, value });
    box.addEventListener("change", () => {
      const hidden = hiddenOf(state, key);
      if (box.checked) hidden.delete(value); else hidden.add(value);
      change({ ["hide-" + key]: [...hidden].sort().join(",") });
    });
    place.append(el("label", {}, box, " ", value));
  }
}

function showControls() {
  byId("board-choice").value = state.board;
  if (byId("search").value !== state.q) byId("search").value = state.q;
  for (const box of byId("controls").querySelectorAll("input[type=checkbox]")) {
    box.checked = !hiddenOf(state, box.name).has(box.value);
  }
}

function change(part) {
  // What is being typed counts already, or the field would jump back.
  state = { ...state, q: byId("search").value, ...part };
  showControls();
  draw();
}

// Plots are as wide as there is room. A phone's address bar changes the height alone: nothing to draw anew.
function drawWhenWidthChanges() {
  let [width, waiting] = [innerWidth, null];
  addEventListener("resize", () => {
    if (innerWidth === width) return;
    width = innerWidth;
    clearTimeout(waiting);
    waiting = setTimeout(() => { if (state.view !== "table") draw(); }, 150);
  });
}

function start() {
  skipLinks();
  if (!boards.length) return;
  byId("controls").hidden = false;
  byId("board-choice").append(...boards.map((board) =>
    el("option", { value: board.board }, `${line(board.title)} (${board.rows})`)));
  checkboxes(byId("kinds"), "kind", [...new Set(content.rows.map((row) => row.kind))].sort());
  checkboxes(byId("statuses"), "status", [...new Set(content.rows.map((row) => row.status))].sort());
  makeTabs((view) => change({ view }));
  let waiting = null;
  byId("search").addEventListener("input", (event) => {
    clearTimeout(waiting);
    waiting = setTimeout(() => change({ q: event.target.value }), 80);
  });
  byId("controls").addEventListener("submit", (event) => event.preventDefault());
  byId("board-choice").addEventListener("change", (event) => change({ board: event.target.value, rows: "" }));
  byId("reset").addEventListener("click", () => change({ q: "", "hide-kind": "", "hide-status": "" }));
  byId("more").addEventListener("click", () => { change({ rows: "all" }); byId("board").focus(); });
  addEventListener("hashchange", () => { state = readState(boards); showControls(); draw(); });
  drawWhenWidthChanges();
  state = readState(boards);
  showControls();
  draw();
}

start();
