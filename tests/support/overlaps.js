// Return pairs of visible texts whose line boxes overlap.
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
  // Return the visible part of a line box in scrolling regions.
  const inSight = (box, node) => {
    let { left, right, top, bottom } = box;
    for (let each = node.parentElement; each; each = each.parentElement) {
      if (getComputedStyle(each).overflowY === "visible" || each instanceof SVGElement) continue;
      const clip = each.getBoundingClientRect();
      [left, right] = [Math.max(left, clip.left), Math.min(right, clip.right)];
      [top, bottom] = [Math.max(top, clip.top), Math.min(bottom, clip.bottom)];
    }
    return { left, right, top, bottom, width: right - left, height: bottom - top };
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  const boxes = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim() || !isSeen(node)) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    for (const line of range.getClientRects()) {
      const box = inSight(line, node);
      if (box.width > 1 && box.height > 1) boxes.push({ text: node.data.trim().slice(0, 40), box });
    }
  }
  const apart = 2; // pixels by which line boxes of neighbours may overlap
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
