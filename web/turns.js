// turns.js - the turns as they stand on the page. A turn keeps its nodes: a change of language, a new piece of an answer or a
// problem changes them in place, so that an answer goes on streaming, and selection and focus stay where they are.

import { show } from "./markdown.js";
import { t } from "./strings.js";

/** @type {WeakMap<object, {item: HTMLElement, [part: string]: HTMLElement}>} */
const views = new WeakMap();

export function element(tag, className, text) {
  const result = document.createElement(tag);
  if (className) result.className = className;
  if (text) result.textContent = text;
  return result;
}

export function button(className, text, action) {
  const result = element("button", className, text);
  result.type = "button";
  result.addEventListener("click", action);
  return result;
}

/** Make wanted the children of parent, without touching those that are there already. */
function setChildren(parent, wanted) {
  for (const child of [...parent.childNodes]) if (!wanted.includes(child)) child.remove();
  wanted.forEach((child, index) => { if (parent.childNodes[index] !== child) parent.insertBefore(child, parent.childNodes[index] ?? null); });
}

/* --- copying ---------------------------------------------------------------------------------------------------------- */

/** Where the page came over plain HTTP there is no navigator.clipboard: then the old way. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch { /* not there, or closed to us */ }
  const box = element("textarea", "visually-hidden");
  box.value = text;
  box.readOnly = true;
  document.body.append(box);
  box.select();
  let done = false;
  try { done = document.execCommand("copy"); } catch { /* then the reader is told */ }
  box.remove();
  return done;
}

function copyButton(turn) {
  const result = button("quiet", t("copy"), async () => {
    const done = await copyText(`${turn.content}\n\n(${t("generated")})`);
    result.textContent = t(done ? "copied" : "copyFailed");
    result.focus({ preventScroll: true });
  });
  return result;
}

/* --- problems ----------------------------------------------------------------------------------------------------------- */

function problemWords({ kind, detail, tokens, limit, alone }) {
  switch (kind) {
    case "long": return t(alone ? "tooLongAlone" : "tooLong", tokens, limit);
    case "loading": return t("loadingRefused");
    case "draining": return t("drainingRefused");
    case "key": return t("keyRefused");
    case "stopped": return t("stoppedEmpty");
    case "offline": case "broken": case "busy": case "stuck": case "huge": case "keyWrong": return t(kind);
    default: return t("other", detail);
  }
}

/** The ways out of a problem; only the last turn has any. */
function problemActions(turn, actions) {
  if (turn.problem.kind !== "long") return [["retry", () => actions.retry(turn)]];
  if (turn.problem.alone) return [];
  return [["newChat", actions.newWithQuestion], ["dropOldest", () => actions.dropOldest(turn)]];
}

function updateProblem(view, turn, isLast, actions) {
  view.problem ??= element("div", "problem");
  view.problemText ??= element("p");
  view.problemActions ??= element("div", "actions");
  const words = problemWords(turn.problem);
  if (!view.problem.isConnected) view.problem.setAttribute("role", "alert");
  if (view.problemText.textContent !== words) view.problemText.textContent = words;
  const wanted = isLast ? problemActions(turn, actions) : [];
  if (view.problemActions.children.length !== wanted.length)
    view.problemActions.replaceChildren(...wanted.map(([, action]) => button("quiet", "", action)));
  wanted.forEach(([label], index) => { view.problemActions.children[index].textContent = t(label); });
  setChildren(view.problem, wanted.length ? [view.problemText, view.problemActions] : [view.problemText]);
  return view.problem;
}

/* --- turns ----------------------------------------------------------------------------------------------------------------- */

function updateQuestion(view, turn) {
  view.who ??= element("span", "visually-hidden");
  view.bubble ??= element("div", "bubble", turn.content);
  view.note ??= element("div", "label");
  view.who.textContent = t("you");
  view.note.textContent = turn.withdrawn ? t("withdrawn") : t("dropped");
  setChildren(view.item, [view.who, view.bubble]);
  if (turn.dropped || turn.withdrawn) view.bubble.append(view.note);
}

function updateFoot(view, turn) {
  view.foot ??= element("div", "foot");
  const known = view.foot.firstElementChild;
  const copy = turn.pending ? [] : [known?.tagName === "BUTTON" ? known : copyButton(turn)];
  if (copy.length) copy[0].textContent = t("copy");
  setChildren(view.foot, [...copy, ...(turn.notes ?? []).map((note) => element("span", "", t(...note)))]);
  return view.foot;
}

/** An answer without a word has no bubble: there is nothing that could be marked as AI-generated. */
function updateAnswer(view, turn, isLast, actions) {
  const parts = [];
  if (turn.content || turn.pending) {
    if (!view.bubble) {
      view.label = element("p", "label");
      view.bubble = element("div", "bubble");
      view.text = element("div", "text");
      view.bubble.setAttribute("role", "article");
      view.bubble.append(view.text);
    }
    view.label.replaceChildren(t("assistant"), element("b", "", t("generated")));
    view.bubble.setAttribute("aria-label", t("answerOf"));
    paintAnswer(turn);
    parts.push(view.label, view.bubble, updateFoot(view, turn));
  }
  if (turn.problem) parts.push(updateProblem(view, turn, isLast, actions));
  setChildren(view.item, parts);
}

/** Bring the text of an answer up to date: what is called for each piece. */
export function paintAnswer(turn) {
  const view = views.get(turn);
  if (!view?.text) return;
  show(view.text, turn.content);
  view.text.classList.toggle("waiting", turn.pending === true && !turn.content);
}

/** Draw the turns into list. actions: retry(turn), dropOldest(turn), newWithQuestion(). */
export function drawTurns(list, turns, actions) {
  const items = turns.map((turn, index) => {
    if (!views.has(turn)) views.set(turn, { item: element("li") });
    const view = views.get(turn);
    view.item.className = `turn ${turn.role}${turn.dropped || turn.withdrawn ? " dropped" : ""}`;
    if (turn.role === "user") updateQuestion(view, turn);
    else updateAnswer(view, turn, index === turns.length - 1, actions);
    return view.item;
  });
  setChildren(list, items);
}
