// Pairs of texts that stand on each other, by the boxes of their lines. Texts that nobody sees are left out.
() => {
  const isSeen = (node) => {
    for (let each = node.parentElement; each; each = each.parentElement) {
      const style = getComputedStyle(each);
      if (style.display === "none" || style.visibility === "hidden" || style.clipPath !== "none") return false;
      if (each.tagName === "DETAILS" && !each.open && !each.querySelector("summary")?.contains(node)) return false;
      if (["SCRIPT", "STYLE", "TITLE", "OPTION", "OPTGROUP", "NOSCRIPT"].includes(each.tagName)) return false;
    }
    return true;
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || !isSeen(node)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const box of range.getClientRects()) {
      if (box.width > 1 && box.height > 1) boxes.push({ text: node.data.trim().slice(0, 40), box });
    }
  }
  const apart = 2; // line boxes of neighbours may touch
  const overlap = ({ box: a }, { box: b }) => a.left < b.right - apart && b.left < a.right - apart
    && a.top < b.bottom - apart && b.top < a.bottom - apart;
  boxes.sort((a, b) => a.box.top - b.box.top);
  const found = [];
  for (let i = 0; i < boxes.length; i += 1) {
    for (let k = i + 1; k < boxes.length && boxes[k].box.top < boxes[i].box.bottom; k += 1) {
      if (overlap(boxes[i], boxes[k])) found.push(`${boxes[i].text} | ${boxes[k].text}`);
    }
  }
  return found;
}
