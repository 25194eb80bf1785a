// storage.js - the browser's storage where it is open to us; where it is not (blocked, full) the page remembers until it is left.

const memory = new Map(); // what the storage did not take: newer than what it may hold under the same name

function area(lasting) {
  return lasting ? window.localStorage : window.sessionStorage; // reading the property alone throws where storage is blocked
}

/** What was kept under name, or null. Without lasting it belongs to this tab and ends with it. */
export function recall(name, lasting = false) {
  if (memory.has(name)) return memory.get(name);
  try { return area(lasting).getItem(name); } catch { return null; }
}

export function remember(name, value, lasting = false) {
  try {
    area(lasting).setItem(name, value);
    memory.delete(name);
  } catch { memory.set(name, value); }
}
