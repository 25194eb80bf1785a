// storage.js - the browser's storage where it is open to us; where it is not (blocked, full) the page remembers until it is left.

const memory = new Map();

function area(lasting) {
  return lasting ? window.localStorage : window.sessionStorage; // reading the property alone throws where storage is blocked
}

/** What was kept under name, or null. Without lasting it belongs to this tab and ends with it. */
export function recall(name, lasting = false) {
  try { return area(lasting).getItem(name); } catch { return memory.get(name) ?? null; }
}

export function remember(name, value, lasting = false) {
  try { area(lasting).setItem(name, value); } catch { memory.set(name, value); }
}
