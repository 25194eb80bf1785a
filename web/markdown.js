// markdown.js - the Markdown that models write, as DOM nodes. Nothing is ever parsed as HTML; links are shown as text with
// their address, because an invented source must not look like one that was checked.

const INLINE = /(`+)([\s\S]*?[^`])\1(?!`)|\*\*([^\s*](?:[\s\S]*?[^\s*])?)\*\*|\*([^\s*](?:[^*]*?[^\s*])?)\*|!?\[([^\]]*)\]\(([^)\s]*)\)/;

function inline(text, parent) {
  for (;;) {
    const found = INLINE.exec(text);
    if (!found) break;
    if (found.index) parent.append(text.slice(0, found.index));
    if (found[1]) {
      const code = document.createElement("code");
      code.textContent = found[2].trim();
      parent.append(code);
    } else if (found[5] !== undefined) {
      parent.append(found[5] + (found[6] ? ` (${found[6]})` : ""));
    } else {
      const element = document.createElement(found[3] !== undefined ? "strong" : "em");
      inline(found[3] ?? found[4], element);
      parent.append(element);
    }
    text = text.slice(found.index + found[0].length);
  }
  if (text) parent.append(text);
}

function block(tag, text) {
  const element = document.createElement(tag);
  text.split("\n").forEach((line, index) => {
    if (index) element.append(document.createElement("br"));
    inline(line, element);
  });
  return element;
}

const ITEM = /^(\s*)([-*+•]|\d{1,3}[.)、])\s+(.*)$/;

function list(lines) {
  const stack = []; // [{indent, element}]
  let root = null;
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (!found) { // a line that continues its item
      const item = stack.at(-1).element.lastElementChild;
      item.append(document.createElement("br"));
      inline(line.trim(), item);
      continue;
    }
    const indent = found[1].length;
    while (stack.length > 1 && indent < stack.at(-1).indent) stack.pop();
    if (!stack.length || indent > stack.at(-1).indent + 1) {
      const numbered = /\d/.test(found[2]);
      const element = document.createElement(numbered ? "ol" : "ul");
      if (numbered) element.start = parseInt(found[2], 10);
      if (stack.length) stack.at(-1).element.lastElementChild.append(element);
      else root = element;
      stack.push({ indent, element });
    }
    const item = document.createElement("li");
    inline(found[3], item);
    stack.at(-1).element.append(item);
  }
  return root;
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim());
  const element = document.createElement("table");
  lines.forEach((line, index) => {
    if (index === 1) return; // the ruler
    const row = element.insertRow();
    for (const text of cells(line)) {
      const cell = document.createElement(index ? "td" : "th");
      inline(text, cell);
      row.append(cell);
    }
  });
  const box = document.createElement("div");
  box.className = "table";
  box.append(element);
  return box;
}

/** Cut text into blocks of lines: fenced code whole, everything else at blank lines and changes of kind. */
export function blocks(text) {
  const result = [];
  let kind = null;
  let lines = [];
  const flush = () => {
    if (lines.length) result.push({ kind, lines });
    lines = [];
    kind = null;
  };
  for (const line of text.split("\n")) {
    if (kind === "code") {
      if (/^\s*```/.test(line)) flush();
      else lines.push(line);
      continue;
    }
    if (/^\s*```/.test(line)) {
      flush();
      kind = "code";
      lines = [];
      continue;
    }
    const here = !line.trim() ? null : /^#{1,6}\s/.test(line) ? "heading" : ITEM.test(line) ? "list"
      : /^\s*\|.*\|\s*$/.test(line) ? "table" : /^\s*>/.test(line) ? "quote" : /^\s*([-*_])(\s*\1){2,}\s*$/.test(line) ? "rule" : "text";
    if (here === null) { if (kind !== "list") flush(); continue; }
    const continues = here === kind || (kind === "list" && here === "text" && /^\s{2,}/.test(line));
    if (!continues || here === "heading") flush();
    if (!kind) kind = here;
    lines.push(line);
  }
  if (kind === "code" && !lines.length) lines.push("");
  flush();
  return result;
}

function render({ kind, lines }) {
  switch (kind) {
    case "code": {
      const pre = document.createElement("pre");
      const code = document.createElement("code");
      code.textContent = lines.join("\n");
      pre.append(code);
      return pre;
    }
    case "heading": return block(/^#{1,2}\s/.test(lines[0]) ? "h3" : "h4", lines[0].replace(/^#+\s+/, ""));
    case "list": return list(lines);
    case "table": return lines.length > 1 && /^[\s|:-]+$/.test(lines[1]) ? table(lines) : block("p", lines.join("\n"));
    case "quote": return block("blockquote", lines.map((line) => line.replace(/^\s*>\s?/, "")).join("\n"));
    case "rule": return document.createElement("hr");
    default: return block("p", lines.join("\n"));
  }
}

/** Show text in element. Blocks that did not change since the last call are left alone: streaming touches the last one only. */
export function show(element, text) {
  const wanted = blocks(text);
  const known = element.knownBlocks ?? [];
  let same = 0;
  while (same < known.length && same < wanted.length && known[same] === JSON.stringify(wanted[same])) same++;
  while (element.childNodes.length > same) element.lastChild.remove();
  for (const one of wanted.slice(same)) element.append(render(one));
  element.knownBlocks = wanted.map((one) => JSON.stringify(one));
}
