// Draw all published claims, with the accuracy recomputed from their published answers.

function drawClaims(place, { content, state }) {
  const words = wordsOf(state);
  const claims = (content.claims || []).filter((claim) => {
    const text = [claim.system, claim.source, claim.url, claim.follows].join(" ").toLowerCase();
    return words.every((word) => text.includes(word));
  });
  const about = "All published claims. Recounted: accuracy recomputed from published answers, if any. Constant letter: "
    + "accuracy of the best constant letter on the same items, in the order that the system saw. Claims have no rank.";
  const labels = ["System", "Claimed", "Recounted", "Constant letter", "Conclusion"];
  const heads = labels.map((label, k) =>
    el("th", { scope: "col", role: "columnheader", class: k > 0 && k < 4 ? "number" : null }, label));
  const rows = new Map(content.rows.map((row) => [row.id, row]));
  const boards = new Map(content.boards.map((board) => [board.board, board]));
  const body = claims.map((claim) => claimLine(claim, labels, rows.get(claim.row), boards.get(claim.board)));
  const table = tableOf("cards-table claims", "Published claims and recomputed accuracies", heads, body);
  table.setAttribute("role", "table");
  place.replaceChildren(note(about), claims.length ? scrolling("Table of the claims", table)
    : note("No claim matches the search."));
  byId("count").textContent = `${claims.length} of ${(content.claims || []).length} claims`;
}

function claimLine(claim, labels, row, board) {
  const cells = [
    scoreCell(claim.claimed, "no number"),
    scoreCell(claim.recounted, ""),
    isNumber(claim.constant_letter_acc) ? [`${claim.constant_letter}: ${percent(claim.constant_letter_acc)}`] : [],
    [line(claim.follows, 900), claim.unseen ? el("span", { class: "aside" },
      `On ${whole(claim.unseen.n)} unseen items: `, ...withInterval(claim.unseen)) : null],
  ];
  const name = row ? systemName(row) : el("bdi", { class: "name" }, line(claim.system));
  const source = sourceOf(claim.source === claim.url ? "" : claim.source, claim.url);
  return el("tr", { role: "row" },
    el("th", { scope: "row", role: "rowheader", "data-label": labels[0] }, name,
      el("span", { class: "aside" }, board ? `${line(board.title, 90)}; ` : "", source)),
    ...cells.map((cell, k) => el("td", { role: "cell", "data-label": labels[k + 1],
      class: [k < 3 ? "number" : "follows", cell.length ? "" : "empty"].filter(Boolean).join(" ") }, ...cell)));
}

function scoreCell(score, otherwise) {
  if (!score || !isNumber(score.acc)) return otherwise ? [otherwise] : [];
  const n = isNumber(score.n) ? el("span", { class: "aside" }, `${score.n} items`) : null;
  return [...withInterval(score), n];
}
