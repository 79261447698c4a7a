// Make the contents of cells that have more than a number.

function withInterval(score) {
  if (!score || !isNumber(score.acc)) return [];
  return [percent(score.acc), " ", el("span", { class: "interval" }, interval(score.low, score.high))];
}

// Show the accuracy on unseen items next to the accuracy without rank.
function accuracyCell(row, _, marks) {
  const rest = row.clean_subset;
  const seen = rest && isNumber(rest.acc)
    ? el("span", { class: "aside" }, `on ${whole(rest.n)} unseen items: `,
      ...withInterval(rest)) : null;
  return [el("span", { class: "value" }, percent(row.acc)), " ",
    el("span", { class: "interval" }, interval(row.acc_low, row.acc_high)), trackOf(row, marks), seen];
}

function shareCell(row, column) {
  if (isInvariant(row, column)) return [el("span", { class: "soft" }, "invariant")];
  const range = interval(row[column.key + "_low"], row[column.key + "_high"]);
  const value = percent(valueOf(row, column), column.signed);
  return range ? [value, " ", el("span", { class: "interval" }, range)] : [value];
}

// Return the possible ranks as a range; one number if only one rank is possible.
function rankRange(row) {
  const isRange = isNumber(row.rank_low) && isNumber(row.rank_high) && row.rank_low !== row.rank_high;
  return isRange ? `${row.rank_low}\u2013${row.rank_high}` : whole(row.rank);
}

function systemName(row) {
  const page = new RegExp(`^${SITE.link}$`).test(row.page || "") ? row.page : null;
  const name = line(row.name ?? row.system);
  return page ? el("a", { href: page, class: "name" }, name) : el("bdi", { class: "name" }, name);
}

// Return base model, protocol and source in grey. For a claim, the source is a link.
function beneathOf(row) {
  const known = (row.beneath || []).map((text) => line(text)).filter(Boolean).join("; ");
  const isClaim = row.kind === "reported";
  const source = isClaim || row.origin ? sourceOf(isClaim ? row.source : "", row.origin) : null;
  if (!known && !source) return null;
  const joined = known && source ? (row.evidence === "recounted" ? " from " : "; ") : null;
  return el("span", { class: "aside" }, known, joined, source);
}

// Return a source's text, as a link if the address is a web address.
function sourceOf(words, address) {
  const isAddress = /^https:\/\/[^\s]+$/.test(address || "");
  const text = line(words || (isAddress ? hostOf(address) : address), 120);
  return isAddress ? el("a", { href: address, rel: "noopener noreferrer nofollow" }, text) : text || null;
}

// Return the host and two parts of the path, such as a repository.
const hostOf = (address) => address.replace("https://", "").split("/").slice(0, 3).join("/");

function systemCell(row, _, marks) {
  return [systemName(row), " ", bestBadge(row, marks), beneathOf(row)];
}

const bestBadge = (row, marks) =>
  (row.id === marks.best ? el("span", { class: "badge best-here" }, "best measured here") : null);

function trustBadge(row) {
  const look = `badge ${SITE.tones[row.status] || "neutral"}`;
  return el("span", { class: look }, line(row.trust || SITE.words[row.status] || row.status));
}

// Return the number of a row's notes. The notes themselves are in the cell of the status.
function notesMark(row) {
  const n = (row.flags || []).length;
  return n ? el("span", { class: "soft" }, ` \u26a0\u00a0${n}\u00a0${n === 1 ? "note" : "notes"}`) : null;
}

function statusCell(row) {
  const flags = row.flags || [];
  const rest = row.clean_subset;
  const none = rest && !rest.n ? "No other item is known to be unseen." : "";
  const texts = [line(row.reason, 500), none, row.tries ? `Tries: ${line(row.tries, 500)}.` : ""].filter(Boolean);
  return [el("details", {},
    el("summary", {}, trustBadge(row), hiddenText(": why"), notesMark(row)),
    ...texts.map((text) => el("p", { class: "why" }, text)),
    ...flags.map((flag) => el("p", { class: "flag" }, el("strong", {}, "Note: "), line(flag, 500))))];
}

function leaderCell(row) {
  const against = row.vs_leader;
  if (!against) return row.rank ? [el("span", { class: "soft" }, "the leader")] : [];
  const tied = el("span", { class: "badge tie" }, "tied", hiddenText(" with the leader in the paired test"));
  return [percent(against.difference, true), " ",
    el("span", { class: "interval" }, interval(against.low, against.high, true)),
    ...(row.with_leader ? [" ", tied] : [])];
}
