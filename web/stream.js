// stream.js - talk to the server: health, models, and an answer as server-sent events.

/** What went wrong, in the page's terms: kind is offline, broken, busy, key, long, loading or other. */
export class AnswerError extends Error {
  constructor(kind, message = "") {
    super(message || kind);
    this.kind = kind;
  }
}

function headers() {
  const result = { "Content-Type": "application/json" };
  const key = sessionStorage.getItem("key");
  if (key) result.Authorization = `Bearer ${key}`;
  return result;
}

/** Split a growing text into the data of complete events; returns [events, rest]. Comment lines are pings. */
export function splitEvents(text) {
  const parts = text.split("\n\n");
  const rest = parts.pop();
  const events = [];
  for (const part of parts) {
    const data = part.split("\n").filter((line) => line.startsWith("data:")).map((line) => line.slice(5).trimStart());
    if (data.length) events.push(data.join("\n"));
  }
  return [events, rest];
}

async function failure(response) {
  let error = {};
  try { error = (await response.json()).error ?? {}; } catch { /* not JSON: the status says enough */ }
  if (response.status === 401) return new AnswerError("key", error.message);
  if (error.code === "context_length_exceeded") return new AnswerError("long", error.message);
  if (response.status === 503 || response.status === 429) return new AnswerError("busy", error.message);
  return new AnswerError("other", error.message || `HTTP ${response.status}`);
}

/**
 * Ask and call onText(text) for each piece. Resolves to {reason, usage, timings}; rejects with AnswerError, or with
 * AbortError when the signal stops it.
 */
export async function ask(messages, { signal, onText }) {
  const body = { model: "xiaobei", messages, stream: true, stream_options: { include_usage: true } };
  let response;
  try {
    response = await fetch("/v1/chat/completions", { method: "POST", headers: headers(), body: JSON.stringify(body), signal });
  } catch (problem) {
    if (problem.name === "AbortError") throw problem;
    throw new AnswerError("offline");
  }
  if (!response.ok) throw await failure(response);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const result = { reason: null, usage: null, timings: null };
  let pending = "";
  for (;;) {
    let piece;
    try {
      piece = await reader.read();
    } catch (problem) {
      if (problem.name === "AbortError" || signal?.aborted) throw new DOMException("stopped", "AbortError");
      throw new AnswerError("broken");
    }
    if (piece.done) throw new AnswerError("broken"); // the end is [DONE], not a closed connection
    const [events, rest] = splitEvents(pending + piece.value);
    pending = rest;
    for (const data of events) {
      if (data === "[DONE]") return result;
      const event = JSON.parse(data);
      if (event.error) throw new AnswerError("other", event.error.message);
      const choice = event.choices?.[0];
      if (choice?.delta?.content) onText(choice.delta.content);
      if (choice?.finish_reason) result.reason = choice.finish_reason;
      if (event.usage) result.usage = event.usage;
      if (event["xiaobei:timings"]) result.timings = event["xiaobei:timings"];
    }
  }
}

/** "ok", "loading", "offline", or another word of /health. */
export async function health() {
  try {
    const response = await fetch("/health", { cache: "no-store" });
    return (await response.json()).status ?? "offline";
  } catch {
    return "offline";
  }
}

/** True if the model behind the page is a stand-in; null when a key is needed first. */
export async function isStandin() {
  try {
    const response = await fetch("/v1/models", { headers: headers() });
    if (!response.ok) return null;
    const models = (await response.json()).data ?? [];
    return models.some((model) => model["xiaobei:standin"] === true);
  } catch {
    return null;
  }
}
