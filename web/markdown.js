// markdown.js - the Markdown that models write, as DOM nodes. Nothing is ever parsed as HTML; links are shown as text with
// their address, because an invented source must not look like one that was checked.

import { inline } from "./inline.js";

function block(tag, text) {
  const element = document.createElement(tag);
  text.split("\n").forEach((line, index) => {
    if (index) element.append(document.createElement("br"));
    inline(line, element);
  });
  return element;
}

// The assistant's own lines (medical/reply.c): how urgent it is stands out, an emergency most of all.
function quote(lines) {
  const element = block("blockquote", lines.join("\n"));
  if (/^\*\*(紧急程度|Urgency)/.test(lines[0])) element.className = /立即|now/.test(lines[0]) ? "triage urgent" : "triage";
  return element;
}

// No "+" here: at the start of a line of a laboratory's report it is a result.
const ITEM = /^(\s*)([-*•]|\d{1,3}[.)）、])\s+(.*)$/;
const MAX_DEPTH = 8; // lists within lists; deeper items join the last one

const isNumbered = (marker) => /\d/.test(marker);

function newList(parent, numbered, indent) {
  const element = document.createElement(numbered ? "ol" : "ul");
  parent.append(element);
  return { indent, numbered, parent, element };
}

/** All lines of one block; a change between numbers and dots begins another list, and every number stays as it was written. */
function list(lines) {
  const root = document.createElement("div");
  const stack = []; // the lists that are open, outermost first
  for (const line of lines) {
    const found = ITEM.exec(line);
    if (!found) { // a line that continues its item
      const item = stack.at(-1).element.lastElementChild;
      item.append(document.createElement("br"));
      inline(line.trim(), item);
      continue;
    }
    const indent = found[1].length;
    const numbered = isNumbered(found[2]);
    while (stack.length > 1 && indent < stack.at(-1).indent) stack.pop();
    const top = stack.at(-1);
    if (!top) stack.push(newList(root, numbered, indent));
    else if (indent > top.indent + 1 && stack.length < MAX_DEPTH) stack.push(newList(top.element.lastElementChild, numbered, indent));
    else if (numbered !== top.numbered) stack.splice(-1, 1, newList(top.parent, numbered, top.indent));
    const item = document.createElement("li");
    if (numbered) item.value = parseInt(found[2], 10);
    inline(found[3], item);
    stack.at(-1).element.append(item);
  }
  return root;
}

// A figure with its sign, range and unit, or a unit alone: what a cell must not break. T is anything but blanks and Chinese.
const T = "[^\\s\\u2e80-\\u9fff\\uf900-\\ufaff\\uff00-\\uffef]";
const FIGURE = new RegExp(`(?:[<>≤≥±≈~]\\s?)?\\d${T}{0,40}(?: ?[-–—~～至] ?\\d${T}{0,40}){0,3}(?: ${T}{1,10}|[\\u4e00-\\u9fff]{1,2})?|${T}{1,20}/${T}{1,20}`, "g");
const SHORT_CELL = 12;

function keepFigures(node) {
  for (const child of [...node.childNodes]) {
    if (child.nodeType !== Node.TEXT_NODE) {
      keepFigures(child);
      continue;
    }
    const parts = [];
    let done = 0;
    for (const found of child.data.matchAll(FIGURE)) {
      const whole = document.createElement("span");
      whole.className = "whole";
      whole.textContent = found[0];
      parts.push(child.data.slice(done, found.index), whole);
      done = found.index + found[0].length;
    }
    if (done) child.replaceWith(...parts, child.data.slice(done));
  }
}

/** A cell is kept on one line while it is short; in a long one only figures and units are. The table scrolls in its own box. */
function fillCell(cell, text) {
  inline(text, cell);
  if (cell.textContent.length <= SHORT_CELL) {
    cell.className = "whole";
  } else {
    cell.className = "long";
    keepFigures(cell);
  }
}

function table(lines) {
  const cells = (line) => line.trim().replace(/^\||(?<!\\)\|$/g, "").split(/(?<!\\)\|/).map((cell) => cell.trim());
  const element = document.createElement("table");
  lines.forEach((line, index) => {
    if (index === 1) return; // the ruler
    const row = element.insertRow();
    for (const text of cells(line)) {
      const cell = document.createElement(index ? "td" : "th");
      fillCell(cell, text);
      row.append(cell);
    }
  });
  const box = document.createElement("div");
  box.className = "table";
  box.append(element);
  return box;
}

/** What kind of block a line belongs to; null for a blank one. ">38.5" is a measure, not a quotation. */
function kindOf(line) {
  if (!line.trim()) return null;
  if (/^#{1,6}\s/.test(line)) return "heading";
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return "rule";
  if (ITEM.test(line)) return "list";
  if (/^\s*\|.*\|\s*$/.test(line)) return "table";
  if (/^\s*>(?!\s*[=\d])/.test(line)) return "quote";
  return "text";
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
    const here = kindOf(line);
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
    case "table": return lines.length > 1 && /^[\s|:-]*-[\s|:-]*$/.test(lines[1]) ? table(lines) : block("p", lines.join("\n"));
    case "quote": return quote(lines.map((line) => line.replace(/^\s*>\s?/, "")));
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
