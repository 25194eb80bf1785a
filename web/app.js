// app.js - the page: draws the conversation, sends questions, shows answers as they come.

import { Conversation } from "./conversation.js";
import { show } from "./markdown.js";
import { ask, health, isStandin, AnswerError } from "./stream.js";
import { loadLanguage, toggleLanguage, t } from "./strings.js";

const $ = (id) => document.getElementById(id);
const conversation = new Conversation();
let running = null; // AbortController of the answer under way
let ready = false;

function element(tag, className, text) {
  const result = document.createElement(tag);
  if (className) result.className = className;
  if (text) result.textContent = text;
  return result;
}

/** Follow the text only while the reader is at the bottom. */
function atBottom() {
  const box = $("scroll");
  return box.scrollHeight - box.scrollTop - box.clientHeight < 60;
}

function toBottom() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
}

/* --- turns ----------------------------------------------------------------------------------------------------------- */

function copyButton(turn) {
  const button = element("button", "quiet", t("copy"));
  button.type = "button";
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(`${turn.content}\n\n(${t("generated")})`);
      button.textContent = t("copied");
    } catch { /* the clipboard is closed to us: the text can still be selected */ }
  });
  return button;
}

function drawTurn(turn) {
  const item = element("li", `turn ${turn.role}${turn.dropped ? " dropped" : ""}`);
  if (turn.role === "user") {
    item.append(element("div", "bubble", turn.content));
    if (turn.dropped) item.firstChild.append(element("div", "label", t("dropped")));
    return item;
  }
  const label = element("p", "label", t("assistant"));
  label.append(element("b", "", t("generated")));
  const bubble = element("div", "bubble");
  const text = element("div", "text");
  show(text, turn.content);
  bubble.append(text);
  const foot = element("div", "foot");
  if (turn.content) foot.append(copyButton(turn));
  for (const note of turn.notes ?? []) foot.append(element("span", "", t(...note)));
  item.append(label, bubble, foot);
  return item;
}

function draw() {
  $("turns").replaceChildren(...conversation.turns.map(drawTurn));
  $("empty").hidden = conversation.turns.length > 0;
  $("examples").replaceChildren(...t("examples").map((text) => {
    const button = element("button", "", text);
    button.type = "button";
    button.disabled = !ready;
    button.addEventListener("click", () => send(text));
    return button;
  }));
  $("input").placeholder = t("placeholder");
  $("input").setAttribute("aria-label", t("inputLabel"));
  $("standin").title = t("standinMore");
}

function updateControls() {
  $("send").hidden = running !== null;
  $("stop").hidden = running === null;
  $("send").disabled = !ready || !$("input").value.trim();
}

/* --- asking ------------------------------------------------------------------------------------------------------------ */

function speedNotes(result, started, first, pieces) {
  const notes = [];
  if (result?.reason === "length") notes.push(["cut"]);
  if (first) notes.push(["firstToken", ((first - started) / 1000).toFixed(1)]);
  const decode = result?.timings?.decode_tps;
  const measured = first && pieces > 1 ? (pieces - 1) / ((performance.now() - first) / 1000) : 0;
  const speed = decode || measured;
  if (speed) notes.push(["speed", speed.toFixed(1)]);
  return notes;
}

function problemBox(text, actions) {
  const box = element("div", "problem", text);
  box.setAttribute("role", "alert");
  const row = element("div", "actions");
  for (const [label, action] of actions) {
    const button = element("button", "quiet", label);
    button.type = "button";
    button.addEventListener("click", action);
    row.append(button);
  }
  box.append(row);
  return box;
}

function showProblem(problem, turn) {
  const retry = [t("retry"), () => { forget(turn); answer(); }];
  const fresh = [t("newChat"), startNew];
  const item = $("turns").lastElementChild;
  if (problem.kind === "long") {
    const drop = [t("dropOldest"), () => { forget(turn); if (conversation.dropOldest()) answer(); else startNew(); }];
    item.append(problemBox(`${t("tooLong")} ${problem.message}`, [fresh, drop]));
  } else if (problem.kind === "key") {
    $("key").hidden = false;
    $("key-value").focus();
    item.append(problemBox(t("keyNeeded"), [retry]));
  } else {
    const words = { offline: t("offline"), broken: t("broken"), busy: t("busy") }[problem.kind] ?? problem.message;
    item.append(problemBox(words, [retry]));
  }
  toBottom();
}

function forget(turn) {
  conversation.turns = conversation.turns.filter((one) => one !== turn);
  conversation.save();
}

/** Ask for the answer to the last question. */
async function answer() {
  if (running) return;
  const controller = new AbortController();
  running = controller;
  const messages = conversation.messages();
  const turn = conversation.add("assistant", "");
  draw();
  updateControls();
  toBottom();
  $("announce").textContent = t("answering");
  const text = $("turns").lastElementChild.querySelector(".text");
  text.classList.add("waiting");
  const started = performance.now();
  let first = 0;
  let pieces = 0;
  let scheduled = false;
  const paint = () => {
    scheduled = false;
    const follow = atBottom();
    show(text, turn.content);
    if (follow) toBottom();
  };
  const onText = (piece) => {
    if (!first) first = performance.now();
    pieces++;
    turn.content += piece;
    text.classList.remove("waiting");
    if (!scheduled) requestAnimationFrame(paint);
    scheduled = true;
  };
  let problem = null;
  let result = null;
  try {
    result = await ask(messages, { signal: controller.signal, onText });
    turn.notes = speedNotes(result, started, first, pieces);
  } catch (failed) {
    if (failed.name === "AbortError") turn.notes = [["stopped"], ...speedNotes(null, started, first, pieces)];
    else problem = failed instanceof AnswerError ? failed : new AnswerError("other", String(failed.message ?? failed));
  }
  if (running === controller) running = null;
  if (!conversation.turns.includes(turn)) return; // a new conversation began meanwhile
  if (!turn.content && !problem) forget(turn);
  conversation.save();
  const follow = atBottom();
  draw();
  if (problem) showProblem(problem, turn);
  else if (follow) toBottom();
  updateControls();
  $("announce").textContent = problem ? "" : t("done");
}

function send(text) {
  const question = text.trim();
  if (!question || running || !ready) return;
  conversation.add("user", question);
  $("input").value = "";
  resizeInput();
  answer();
}

function startNew() {
  running?.abort();
  running = null;
  conversation.clear();
  draw();
  updateControls();
  $("input").focus();
}

/* --- input ----------------------------------------------------------------------------------------------------------------- */

function resizeInput() {
  const input = $("input");
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight + 2}px`;
  updateControls();
}

/** Enter that ends a composition belongs to the input method: it must never send. Safari ends the composition before the key. */
let composedAt = -1000;

function onKey(event) {
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < 50) return;
  event.preventDefault();
  send($("input").value);
}

/* --- start -------------------------------------------------------------------------------------------------------------------- */

async function waitUntilReady() {
  for (;;) {
    const state = await health();
    ready = state === "ok";
    $("state").hidden = ready;
    $("state").textContent = state === "loading" ? t("loading") : t("offline");
    updateControls();
    if (ready) break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  for (const button of $("examples").children) button.disabled = false;
  $("standin").hidden = (await isStandin()) !== true;
}

loadLanguage();
draw();
updateControls();
$("composer").addEventListener("submit", (event) => { event.preventDefault(); send($("input").value); });
$("stop").addEventListener("click", () => running?.abort());
$("new").addEventListener("click", startNew);
$("language").addEventListener("click", () => { toggleLanguage(); draw(); });
$("input").addEventListener("input", resizeInput);
$("input").addEventListener("keydown", onKey);
$("input").addEventListener("compositionend", (event) => { composedAt = event.timeStamp; });
$("key").addEventListener("submit", (event) => {
  event.preventDefault();
  sessionStorage.setItem("key", $("key-value").value);
  $("key-value").value = "";
  $("key").hidden = true;
  waitUntilReady();
});
waitUntilReady();
