// app.js - the page: sends questions, shows answers as they come, and says what state the service is in.

import { Conversation } from "./conversation.js";
import { ask, health, isPossibleKey, keepKey, lookAtModels, AnswerError } from "./stream.js";
import { loadLanguage, toggleLanguage, t } from "./strings.js";
import { button, drawTurns, paintAnswer } from "./turns.js";

const DOUBLE_CLICK_MILLISECONDS = 500; // within them the second click on 发送 lands on 停止
const COUNT_FROM = 2000;             // characters from which on their number is shown
const NOT_READY = ["offline", "broken", "loading", "draining", "stuck"]; // problems after which the service is watched

const $ = (id) => document.getElementById(id);
const conversation = new Conversation();
let running = null; // {controller, turn, started, first, pieces, painting} of the answer under way
let state = "";     // the last word of /health
let watching = false;
let sendClickedAt = -1000;
let keyProblem = ""; // what is wrong with the key that was given

/** Follow the text only while the reader is at the bottom. */
function atBottom() {
  const box = $("scroll");
  return box.scrollHeight - box.scrollTop - box.clientHeight < 60;
}

function toBottom() {
  $("scroll").scrollTop = $("scroll").scrollHeight;
}

/** Where typing goes on; on a touch screen that would bring up the keyboard over the answer. */
function focusInput() {
  const touch = matchMedia("(pointer: coarse)").matches;
  $(touch ? "scroll" : "input").focus({ preventScroll: true });
}

/* --- drawing --------------------------------------------------------------------------------------------------------- */

const actions = { retry, dropOldest, newWithQuestion };

function drawState() {
  $("state").hidden = state === "ok" || state === "";
  $("state").textContent = $("state").hidden ? "" : t(["loading", "draining", "stuck"].includes(state) ? state : "offline");
}

function drawControls() {
  const input = $("input");
  $("send").hidden = running !== null;
  $("stop").hidden = running === null;
  $("send").disabled = state !== "ok" || !input.value.trim();
  $("count").hidden = input.value.length < COUNT_FROM;
  $("count").textContent = $("count").hidden ? "" : t("characters", input.value.length);
  for (const one of $("examples").children) one.disabled = state !== "ok";
}

function draw() {
  drawTurns($("turns"), conversation.turns, actions);
  $("empty").hidden = conversation.turns.length > 0;
  $("examples").replaceChildren(...t("examples").map((text) => button("", text, () => send(text))));
  $("input").placeholder = t("placeholder");
  $("input").setAttribute("aria-label", t("inputLabel"));
  $("standin").title = t("standinMore");
  drawKeyProblem();
  drawState();
  drawControls();
}

/* --- asking ------------------------------------------------------------------------------------------------------------ */

function speedNotes(result, run) {
  const notes = [];
  if (result?.reason === "length") notes.push(["cut"]);
  if (run.first) notes.push(["firstToken", ((run.first - run.started) / 1000).toFixed(1)]);
  const decode = result?.timings?.decode_tps;
  const measured = run.first && run.pieces > 1 ? (run.pieces - 1) / ((performance.now() - run.first) / 1000) : 0;
  const speed = decode || measured;
  if (speed) notes.push(["speed", speed.toFixed(1)]);
  return notes;
}

function receive(run, piece) {
  if (!run.first) run.first = performance.now();
  run.pieces++;
  run.turn.content += piece;
  conversation.saveSoon();
  if (run.painting) return;
  run.painting = true;
  requestAnimationFrame(() => {
    run.painting = false;
    const follow = atBottom();
    paintAnswer(run.turn);
    if (follow) toBottom();
  });
}

/** Put into the turn how its answer ended. */
async function fetchAnswer(run, messages) {
  const { turn, controller } = run;
  try {
    const result = await ask(messages, { signal: controller.signal, onText: (piece) => receive(run, piece) });
    turn.notes = speedNotes(result, run);
  } catch (failed) {
    if (failed.name === "AbortError" || controller.signal.aborted) {
      if (turn.content) turn.notes = [["stopped"], ...speedNotes(null, run)];
      else turn.problem = { kind: "stopped" };
    } else {
      turn.problem = failed instanceof AnswerError ? failed.problem : { kind: "other", detail: String(failed.message ?? failed) };
    }
  }
  delete turn.pending;
}

/** What a problem means for the rest of the page. */
function settleProblem(problem) {
  if (problem.kind === "key" || problem.kind === "keyWrong") showKey(problem.kind);
  if (NOT_READY.includes(problem.kind)) watch();
  if (problem.kind === "long" && !conversation.earlier().length) {
    problem.alone = true;
    withdrawQuestion();
  }
}

/** Ask for the answer to the last question. */
async function answer() {
  if (running) return;
  const messages = conversation.messages();
  const turn = conversation.add({ role: "assistant", content: "", pending: true });
  const run = { controller: new AbortController(), turn, started: performance.now(), first: 0, pieces: 0, painting: false };
  running = run;
  draw();
  toBottom();
  $("announce").textContent = t("answering");
  await fetchAnswer(run, messages);
  if (running === run) running = null;
  if (!conversation.turns.includes(turn)) return; // a new conversation began meanwhile
  const follow = atBottom();
  if (turn.problem) settleProblem(turn.problem);
  conversation.save();
  draw();
  if (turn.problem || follow) toBottom();
  $("announce").textContent = turn.problem ? "" : t("done");
}

function send(text) {
  const question = text.trim();
  if (!question || running || state !== "ok") return;
  conversation.forgetWithdrawn();
  conversation.add({ role: "user", content: question });
  setInput("");
  focusInput();
  answer();
}

function retry(turn) {
  if (running) return;
  conversation.remove(turn);
  focusInput();
  answer();
}

function dropOldest(turn) {
  if (running) return;
  conversation.dropOldest();
  retry(turn);
}

function stop(event) {
  if (!running || event.timeStamp - sendClickedAt < DOUBLE_CLICK_MILLISECONDS) return;
  running.controller.abort();
  focusInput();
}

function startNew() {
  running?.controller.abort();
  running = null;
  conversation.clear();
  draw();
  $("input").focus();
}

/** A new conversation with the question that did not fit into the old one. */
function newWithQuestion() {
  const question = conversation.unanswered();
  startNew();
  if (question) putBack(question.content);
}

/* --- input ----------------------------------------------------------------------------------------------------------------- */

function resizeInput() {
  const input = $("input");
  input.style.height = "auto";
  input.style.height = `${input.scrollHeight + 2}px`;
  drawControls();
}

function setInput(text) {
  $("input").value = text;
  resizeInput();
}

/** Put a question back into the input, before what was typed since. */
function putBack(question) {
  const typed = $("input").value;
  if (!typed.startsWith(question)) setInput(typed ? `${question}\n${typed}` : question);
}

/** The last question alone does not fit: it goes back into the input, and the next one takes its place. */
function withdrawQuestion() {
  const question = conversation.unanswered();
  if (!question) return;
  question.withdrawn = true;
  putBack(question.content);
}

/** Enter that ends a composition belongs to the input method: it must never send. Safari ends the composition before the key. */
let composedAt = -1000;

function onKey(event) {
  const input = $("input");
  if ((event.key === "PageUp" || event.key === "PageDown") && input.scrollHeight <= input.clientHeight + 2) {
    event.preventDefault(); // nothing to turn in the input: the reader means the conversation
    $("scroll").scrollBy(0, (event.key === "PageUp" ? -0.9 : 0.9) * $("scroll").clientHeight);
  }
  if (event.key !== "Enter" || event.shiftKey) return;
  if (event.isComposing || event.keyCode === 229 || event.timeStamp - composedAt < 50) return;
  event.preventDefault();
  send(input.value);
}

/* --- the service: its state, its models, its key ------------------------------------------------------------------------------ */

/** Ask for the health until it is good; sending waits for that. */
async function watch() {
  if (watching) return;
  watching = true;
  for (;;) {
    state = await health();
    drawState();
    drawControls();
    if (state === "ok") break;
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  watching = false;
  await updateModels();
}

async function updateModels() {
  const found = await lookAtModels();
  if (found.key) showKey(found.key);
  $("standin").hidden = $("standin-note").hidden = found.standin !== true;
}

function drawKeyProblem() {
  $("key-problem").hidden = !keyProblem;
  $("key-problem").textContent = keyProblem ? t(keyProblem) : "";
}

/** Ask for the key; kind "key" is the first time, any other says what is wrong with the one that was given. */
function showKey(kind) {
  const typing = document.activeElement === $("input") && $("input").value;
  keyProblem = kind === "key" ? "" : kind;
  drawKeyProblem();
  $("key").hidden = false;
  if (!typing) $("key-value").focus();
}

function takeKey(event) {
  event.preventDefault();
  const key = $("key-value").value.trim();
  if (!isPossibleKey(key)) {
    showKey("keyMalformed");
    $("key-value").select();
    return;
  }
  keepKey(key);
  $("key-value").value = "";
  $("key").hidden = true;
  focusInput();
  const last = conversation.last();
  if (last?.problem?.kind.startsWith("key")) retry(last);
  updateModels();
}

/* --- start -------------------------------------------------------------------------------------------------------------------- */

function saveNow() {
  if (running) conversation.save();
}

loadLanguage();
draw();
if (conversation.last()?.problem?.alone) withdrawQuestion();
$("composer").addEventListener("submit", (event) => { event.preventDefault(); send($("input").value); });
$("send").addEventListener("click", (event) => { sendClickedAt = event.timeStamp; });
$("stop").addEventListener("click", stop);
$("new").addEventListener("click", startNew);
$("language").addEventListener("click", () => { toggleLanguage(); draw(); });
$("input").addEventListener("input", resizeInput);
$("input").addEventListener("keydown", onKey);
$("input").addEventListener("compositionend", (event) => { composedAt = event.timeStamp; });
$("key").addEventListener("submit", takeKey);
addEventListener("pagehide", saveNow);
document.addEventListener("visibilitychange", saveNow);
watch();
