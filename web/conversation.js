// conversation.js - the turns of this tab. They live in sessionStorage until the server keeps conversations: a reload keeps
// them, closing the tab forgets them.

const KEY = "conversation";

export class Conversation {
  constructor() {
    /** @type {{role: string, content: string, dropped?: boolean, note?: string}[]} */
    this.turns = [];
    try {
      const saved = JSON.parse(sessionStorage.getItem(KEY) ?? "[]");
      if (Array.isArray(saved)) this.turns = saved.filter((turn) => typeof turn?.content === "string");
    } catch { /* nothing usable was saved */ }
  }

  save() {
    try { sessionStorage.setItem(KEY, JSON.stringify(this.turns)); } catch { /* full: the page still works */ }
  }

  add(role, content) {
    const turn = { role, content };
    this.turns.push(turn);
    this.save();
    return turn;
  }

  clear() {
    this.turns = [];
    this.save();
  }

  /** What the model is to see: turns that were not left out, and no empty answers. */
  messages() {
    return this.turns.filter((turn) => !turn.dropped && turn.content).map(({ role, content }) => ({ role, content }));
  }

  /** Leave out the oldest question and its answer; false if only the last question remains. */
  dropOldest() {
    const kept = this.turns.filter((turn) => !turn.dropped);
    const last = kept.findLastIndex((turn) => turn.role === "user");
    if (last <= 0) return false;
    let count = 0;
    for (const turn of kept.slice(0, last)) {
      if (turn.role === "user" && count++) break;
      turn.dropped = true;
    }
    this.save();
    return true;
  }
}
