// inline.js - emphasis, code and links within a line, as DOM nodes. A star is dropped only where it cannot be content: between
// letters or figures it is a product ("12*8*6mm") or a laboratory's mark ("90*"), and "_" is always a part of a name.

const TOKEN = /\\([*_`|])|(`+)|(\*+)|!?\[([^[\]\n]{0,1000})\]\(([^)\s]{0,2000})\)/g;
const MAX_OPEN = 8; // emphasis within emphasis; deeper stars stay as they are

/** May the run of stars text[start, end) begin emphasis, may it end it? */
function flanks(text, start, end) {
  const before = text.slice(Math.max(0, start - 1), start);
  const after = text.slice(end, end + 1);
  const opens = after !== "" && !/\s/.test(after);
  const closes = before !== "" && !/\s/.test(before);
  if (end - start > 1) { // two or three: only western letters and figures on both sides hold them together (2**3)
    const inside = /[\p{N}A-Za-z_]/u.test(before) && /[\p{N}A-Za-z_]/u.test(after);
    return { opens: opens && !inside, closes: closes && !inside };
  }
  return {
    opens: opens && !/[\p{L}\p{N}_)\]）】%‰℃°]/u.test(before) && !/\p{N}/u.test(after),
    closes: closes && !/[\p{L}\p{N}_([（【]/u.test(after),
  };
}

/** Where the code that the backticks text[start, end) begin ends; absent remembers lengths that have no end, so that this stays linear. */
function codeEnd(text, start, end, absent) {
  const ticks = text.slice(start, end);
  if (absent.has(ticks.length)) return -1;
  for (let at = end; (at = text.indexOf(ticks, at)) >= 0;) {
    let stop = at;
    while (text[stop] === "`") stop++;
    if (stop - at === ticks.length) return at;
    at = stop;
  }
  absent.add(ticks.length);
  return -1;
}

function emphasis(stars, nodes) {
  const inner = document.createElement(stars === 1 ? "em" : "strong");
  inner.append(...nodes);
  if (stars < 3) return inner;
  const outer = document.createElement("em");
  outer.append(inner);
  return outer;
}

/** A run of stars either closes an open one of the same length, or opens, or is text. */
function takeStars(text, start, end, nodes, open) {
  const { opens, closes } = flanks(text, start, end);
  const stars = end - start;
  const match = closes && stars <= 3 ? open.findLastIndex((one) => one.stars === stars) : -1;
  if (match >= 0) {
    const from = open[match].at;
    open.length = match;
    const inside = nodes.splice(from);
    nodes.push(emphasis(stars, inside.slice(1)));
    return;
  }
  if (opens && stars <= 3 && open.length < MAX_OPEN) open.push({ stars, at: nodes.length });
  nodes.push(text.slice(start, end));
}

/** Append text to parent. */
export function inline(text, parent) {
  const nodes = []; // strings and elements; an opening run is a string of its own until it is closed
  const open = [];
  const absent = new Set();
  let done = 0;
  TOKEN.lastIndex = 0;
  for (let found; (found = TOKEN.exec(text));) {
    const start = found.index;
    let end = TOKEN.lastIndex;
    if (start > done) nodes.push(text.slice(done, start));
    if (found[1]) {
      nodes.push(found[1]);
    } else if (found[2]) {
      const close = codeEnd(text, start, end, absent);
      if (close < 0) {
        nodes.push(found[2]);
      } else {
        const code = document.createElement("code");
        code.textContent = text.slice(end, close).trim();
        nodes.push(code);
        end = close + found[2].length;
      }
    } else if (found[3]) {
      takeStars(text, start, end, nodes, open);
    } else {
      nodes.push(found[4] + (found[5] ? ` (${found[5]})` : ""));
    }
    done = TOKEN.lastIndex = end;
  }
  if (done < text.length) nodes.push(text.slice(done));
  parent.append(...nodes);
}
