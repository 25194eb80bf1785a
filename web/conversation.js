// conversation.js - the turns of this tab. They live in sessionStorage until the server keeps conversations: a reload keeps
// them, closing the tab forgets them. What went wrong with an answer is a part of its turn, so it survives a reload too.

import { recall, remember } from "./storage.js";

const KEY = "conversation";
const SAVE_MILLISECONDS = 1000; // between two savings while an answer streams

/**
 * @typedef {object} Turn
 * @property {"user"|"assistant"} role
 * @property {string} content
 * @property {boolean} [dropped] left out: the model does not see it
 * @property {boolean} [withdrawn] a question that went back into the input: the next one takes its place
 * @property {boolean} [pending] the answer is still coming
 * @property {{kind: string, detail?: string, tokens?: number, limit?: number, alone?: boolean}} [problem] why there is no whole answer
 * @property {Array[]} [notes] keys of strings.js with their arguments
 */

/** A turn as it was saved, or null. An answer that was still coming when the page went away is broken off. */
function restore(saved) {
  if (typeof saved?.content !== "string" || !["user", "assistant"].includes(saved.role)) return null;
  const turn = { role: saved.role, content: saved.content };
  if (saved.dropped === true) turn.dropped = true;
  if (saved.withdrawn === true) turn.withdrawn = true;
  if (Array.isArray(saved.notes)) turn.notes = saved.notes.filter(Array.isArray);
  if (saved.pending) turn.problem = { kind: "broken" };
  else if (typeof saved.problem?.kind === "string") turn.problem = saved.problem;
  return turn;
}

export class Conversation {
  constructor() {
    /** @type {Turn[]} */
    this.turns = [];
    this.timer = 0;
    try {
      const saved = JSON.parse(recall(KEY) ?? "[]");
      if (Array.isArray(saved)) this.turns = saved.map(restore).filter(Boolean);
    } catch { /* nothing usable was saved */ }
  }

  save() {
    clearTimeout(this.timer);
    this.timer = 0;
    remember(KEY, JSON.stringify(this.turns));
  }

  /** Save within a second, however often it is called. */
  saveSoon() {
    if (!this.timer) this.timer = setTimeout(() => this.save(), SAVE_MILLISECONDS);
  }

  add(turn) {
    this.turns.push(turn);
    this.save();
    return turn;
  }

  remove(turn) {
    this.turns = this.turns.filter((one) => one !== turn);
    this.save();
  }

  clear() {
    this.turns = [];
    this.save();
  }

  last() {
    return this.turns.at(-1);
  }

  /** What the model is to see: turns that were not left out, and no empty answers. */
  messages() {
    return this.turns.filter((turn) => !turn.dropped && !turn.withdrawn && turn.content)
      .map(({ role, content }) => ({ role, content }));
  }

  /** The turns before the last question that could be left out. */
  earlier() {
    const kept = this.turns.filter((turn) => !turn.dropped && !turn.withdrawn);
    return kept.slice(0, Math.max(0, kept.findLastIndex((turn) => turn.role === "user")));
  }

  /** Leave out the oldest question and its answer. */
  dropOldest() {
    let questions = 0;
    for (const turn of this.earlier()) {
      if (turn.role === "user" && questions++) break;
      turn.dropped = true;
    }
    this.save();
  }

  /** The last question, if it has no answer. */
  unanswered() {
    const question = this.turns.findLast((turn) => turn.role === "user");
    const last = this.last();
    return question && (last === question || last.content === "") ? question : null;
  }

  /** Take out a question that went back into the input, with what was said about it. */
  forgetWithdrawn() {
    const at = this.turns.findIndex((turn) => turn.withdrawn);
    if (at < 0) return;
    this.turns.splice(at);
    this.save();
  }
}
