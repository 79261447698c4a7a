// Draw long lists in batches, as the reader scrolls.

const BATCH = 30;

// Draw the first entries into `place`. Draw more when the reader scrolls near the end or presses the button.
// Return a function that draws all entries up to a number.
function drawInBatches(place, entries, make) {
  let drawn = 0;
  const more = el("button", { type: "button", class: "more" });
  const add = (least = BATCH) => {
    const next = entries.slice(drawn, drawn + least).map(make);
    drawn += next.length;
    more.before(...next);
    more.hidden = drawn >= entries.length;
    more.textContent = `Show more: ${drawn} of ${entries.length} shown`;
    if (more.hidden) seen.disconnect();
  };
  const seen = new IntersectionObserver((changes) => {
    if (!changes.some((change) => change.isIntersecting)) return;
    add();
    // Observe again, because the browser reports only when the end becomes visible, not that the end stays visible.
    seen.unobserve(more);
    if (!more.hidden) seen.observe(more);
  }, { rootMargin: "600px" });
  more.addEventListener("click", () => {
    const last = more.previousElementSibling;
    add();
    last?.nextElementSibling?.querySelector("summary")?.focus();
  });
  place.drawing?.disconnect();
  place.drawing = seen;
  place.replaceChildren(more);
  add();
  seen.observe(more);
  return (upTo) => { if (upTo > drawn) add(upTo - drawn); };
}
