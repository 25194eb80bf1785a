// stream.js - talk to the server: health, models, and an answer as server-sent events.

import { recall, remember } from "./storage.js";

const HEALTH_MILLISECONDS = 5000;

/**
 * What went wrong, in the page's terms: kind is offline, broken, busy, loading, draining, stuck, key, keyWrong, long, huge or
 * other; detail is the server's sentence, only for other; tokens and limit belong to long.
 */
export class AnswerError extends Error {
  constructor(kind, more = {}) {
    super(kind);
    this.problem = { kind, ...more };
  }
}

/** A header carries nothing else: letters, figures and signs of ASCII. */
export function isPossibleKey(key) {
  return /^[\x21-\x7e]+$/.test(key);
}

export function keepKey(key) {
  remember("key", key);
}

function headers() {
  const result = { "Content-Type": "application/json" };
  const key = recall("key");
  if (key && isPossibleKey(key)) result.Authorization = `Bearer ${key}`;
  return result;
}

function keyProblem() {
  return recall("key") ? "keyWrong" : "key";
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

/** "the prompt has 9265 tokens, but the context holds 8192 ...": the page says it in the reader's language. */
function tooLong(message) {
  const [tokens, limit] = (String(message).match(/\d+/g) ?? []).map(Number);
  return new AnswerError("long", { tokens, limit });
}

/** A server that refuses may be full, or not be ready: its health tells which. */
async function refused() {
  const state = await health();
  return new AnswerError({ ok: "busy", loading: "loading", stuck: "stuck" }[state] ?? "draining");
}

async function failure(response) {
  let error = {};
  try { error = (await response.json()).error ?? {}; } catch { /* not JSON: the status says enough */ }
  if (response.status === 401) return new AnswerError(keyProblem());
  if (response.status === 413) return new AnswerError("huge");
  if (response.status === 429) return new AnswerError("busy");
  if (response.status === 503) return refused();
  if (error.code === "context_length_exceeded") return tooLong(error.message);
  return new AnswerError("other", { detail: error.message || `HTTP ${response.status}` });
}

function post(messages, signal) {
  const body = { model: "xiaobei", messages, stream: true, stream_options: { include_usage: true } };
  return fetch("/v1/chat/completions", { method: "POST", headers: headers(), body: JSON.stringify(body), signal });
}

/** Put what one event says into result; text goes to onText. */
function take(data, result, onText) {
  let event;
  try { event = JSON.parse(data); } catch { throw new AnswerError("broken"); }
  if (event.error) throw new AnswerError("other", { detail: event.error.message });
  const choice = event.choices?.[0];
  if (choice?.delta?.content) onText(choice.delta.content);
  if (choice?.finish_reason) result.reason = choice.finish_reason;
  if (event.usage) result.usage = event.usage;
  if (event["xiaobei:timings"]) result.timings = event["xiaobei:timings"];
}

/**
 * Ask and call onText(text) for each piece. Resolves to {reason, usage, timings}; rejects with AnswerError, or with
 * AbortError when the signal stops it.
 */
export async function ask(messages, { signal, onText }) {
  let response;
  try {
    response = await post(messages, signal);
  } catch (problem) {
    throw problem.name === "AbortError" ? problem : new AnswerError("offline");
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
      take(data, result, onText);
    }
  }
}

/** "ok", "loading", "offline", or another word of /health. */
export async function health() {
  try {
    const response = await fetch("/health", { cache: "no-store", signal: AbortSignal.timeout(HEALTH_MILLISECONDS) });
    return (await response.json()).status ?? "offline";
  } catch {
    return "offline";
  }
}

/** What is known about the models behind the page: {standin} says whether one is a stand-in, {key} that a key is missing or wrong. */
export async function lookAtModels() {
  try {
    const response = await fetch("/v1/models", { headers: headers() });
    if (response.status === 401) return { key: keyProblem() };
    const models = (await response.json()).data ?? [];
    return { standin: models.some((model) => model["xiaobei:standin"] === true) };
  } catch {
    return {};
  }
}
