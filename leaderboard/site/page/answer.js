// Show the board's main result, which Python wrote as sentences, and the texts about the board.

function drawAnswer(board) {
  const answer = board.answer;
  if (!answer) return;
  byId("headline").replaceChildren(line(answer.lead), " ", el("strong", {}, line(answer.name)), " ",
    el("strong", { class: "figure" }, line(answer.figure)), " ", line(answer.rest, 500));
  byId("facts").replaceChildren(...answer.facts.map((fact) =>
    el("div", {}, el("dt", {}, line(fact.label)), el("dd", {}, line(fact.text, 500)))));
}

function drawBoardHead(board, rows, onBoard) {
  byId("board-title").textContent = line(board.title);
  byId("about").textContent = line(board.about, 500);
  byId("about").hidden = !board.about;
  const pages = [["Items", board.items?.page], ["More plots", board.items?.plots]]
    .filter(([, page]) => /^(items|plots)\/[A-Za-z0-9._-]+\.html$/.test(page || ""));
  byId("board-pages").replaceChildren(...pages.map(([label, page]) => el("a", { href: page }, label)));
  byId("board-pages").hidden = !pages.length;
  byId("count").textContent = `${rows.length} of ${onBoard.length} systems`;
}

// State the test and its correction. The interval and the mark "tied" come from the same test.
function drawTested(onBoard) {
  const ranked = onBoard.filter((row) => row.rank);
  const leader = ranked.find((row) => !row.vs_leader);
  const name = line(leader?.name ?? leader?.system, 60);
  byId("tested").textContent = ranked.length < 2 ? "" : `From the leader (${name}): `
    + `paired difference in points on the same items. The interval and the mark \u201ctied\u201d are `
    + `Holm-corrected over the ${ranked.length - 1} comparisons of this board.`;
}
