// Talks to the server: the token, JSON, errors as sentences, streams of events.
//
// The token lives in sessionStorage (this tab, until it is closed) and travels in a header only, never in a URL.
// Events come over `fetch`, as the browser's own EventSource cannot send that header.

const TOKEN_KEY = 'signalmill.token';
/** A request that takes longer has failed. */
const REQUEST_MS_MAX = 30_000;
/** Waits between attempts to follow a stream that broke. */
const STREAM_RETRY_MS_MIN = 1_000;
const STREAM_RETRY_MS_MAX = 30_000;
/** A stream on which nothing came for so long is dead: the server sends a comment every 15 s. */
const STREAM_SILENCE_MS_MAX = 45_000;
/** A tab that is out of sight for so long gives its streams up: by HTTP/1.1 all tabs together have six connections. */
const STREAM_UNSEEN_MS_MAX = 10_000;
/** An event larger than that is a mistake of the server. */
const EVENT_CHARS_MAX = 4 * 1024 * 1024;

/** What went wrong, as the person reads it. `status` 0: no answer came. */
class ApiError extends Error {
  constructor(status, code, message, requestId = '', retryAfterMs = 0) {
    super(message);
    Object.assign(this, { status, code, requestId, retryAfterMs });
  }
}

export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY) ?? '',
  set: (value) => sessionStorage.setItem(TOKEN_KEY, value),
  clear: () => sessionStorage.removeItem(TOKEN_KEY),
};

/** Fired on `access` as `needed` whenever the server wants a token, or another one. */
export const access = new EventTarget();

async function failure(response) {
  let told = {};
  try {
    told = (await response.json()).error ?? {};
  } catch {
    // Not our JSON: a proxy answered.
  }
  const retryAfter = Number(response.headers.get('Retry-After'));
  return new ApiError(
    response.status,
    told.code ?? `http_${response.status}`,
    told.message ?? `The server answered ${response.status} ${response.statusText}.`,
    response.headers.get('X-Request-Id') ?? '',
    Number.isFinite(retryAfter) ? retryAfter * 1000 : 0,
  );
}

async function send(path, { method = 'GET', body, extra = {}, signal, timeoutMs = REQUEST_MS_MAX } = {}) {
  const all = new Headers(extra);
  const shown = token.get();
  if (shown) all.set('Authorization', `Bearer ${shown}`);
  if (body !== undefined) all.set('Content-Type', 'application/json');
  const signals = [signal, timeoutMs ? AbortSignal.timeout(timeoutMs) : null].filter(Boolean);
  try {
    const response = await fetch(path, {
      method,
      headers: all,
      body: body === undefined ? undefined : JSON.stringify(body),
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.any(signals),
    });
    // A late answer to a token that was replaced meanwhile says nothing of the one that is there now.
    if (response.status === 401 && shown === token.get()) access.dispatchEvent(new Event('needed'));
    return response;
  } catch (error) {
    if (signal?.aborted) throw error;
    if (error.name === 'TimeoutError') {
      throw new ApiError(0, 'timeout', `The server did not answer within ${timeoutMs / 1000} s.`);
    }
    throw new ApiError(0, 'unreachable', 'The server cannot be reached. Is signalmill still running?');
  }
}

/** GET: `{ data, etag }`, or `{ unchanged: true }` where the server has nothing newer than `etag`. */
export async function get(path, { etag, signal } = {}) {
  const response = await send(path, { extra: etag ? { 'If-None-Match': etag } : {}, signal });
  if (response.status === 304) return { unchanged: true, etag };
  if (!response.ok) throw await failure(response);
  return { data: await response.json(), etag: response.headers.get('ETag') };
}

/** POST or DELETE: the JSON of the answer. */
export async function command(method, path, body, extra = {}) {
  const response = await send(path, { method, body, extra });
  if (!response.ok) throw await failure(response);
  return response.json();
}

/** A picture as an object URL, which the caller revokes: an `<img>` cannot send the token. */
export async function picture(path, signal) {
  const response = await send(path, { signal });
  if (!response.ok) throw await failure(response);
  return URL.createObjectURL(await response.blob());
}

/** A path with the parameters that have a value. */
export function withQuery(path, parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined && value !== '') query.set(name, value);
  }
  const text = query.toString();
  return text ? `${path}?${text}` : path;
}

/** Makes a request that is sent again the same request. `randomUUID` exists on secure origins only. */
export function idempotencyKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** The events of a text, as it comes: lines of `field: value`, an empty line ends one. `heard()` at whatever comes. */
async function* events(body, heard) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  let event = { type: 'message', data: [], id: null };
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    rest += value;
    if (rest.length > EVENT_CHARS_MAX) throw new ApiError(0, 'event_too_large', 'The server sent an event without end.');
    const lines = rest.split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (event.data.length) yield { ...event, data: event.data.join('\n') };
        event = { type: 'message', data: [], id: null };
        continue;
      }
      const colon = line.indexOf(':');
      if (colon === 0) continue;
      const field = colon < 0 ? line : line.slice(0, colon);
      const text = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      if (field === 'data') event.data.push(text);
      else if (field === 'event') event.type = text;
      else if (field === 'id') event.id = text;
    }
  }
}

const pause = (ms, signal) =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener('abort', () => (clearTimeout(timer), resolve()), { once: true });
  });

/** Until somebody looks at the tab, or `signal` aborts. */
const inSight = (signal) =>
  new Promise((resolve) => {
    document.addEventListener('visibilitychange', resolve, { once: true, signal });
    signal.addEventListener('abort', resolve, { once: true });
  });

/** Why a stream was given up that nobody looks at. */
const UNSEEN = new ApiError(0, 'unseen', 'Nobody looks at the page.');

/** What ends one connection of a stream: `signal`, silence, or that nobody looks. `end()` closes it in any case. */
function connection(signal) {
  const abort = new AbortController();
  let [silence, unseen] = [0, 0];
  const heard = () => {
    clearTimeout(silence);
    silence = setTimeout(() => abort.abort(new ApiError(0, 'silent', 'The server has fallen silent.')), STREAM_SILENCE_MS_MAX);
  };
  const look = () => {
    clearTimeout(unseen);
    if (document.hidden) unseen = setTimeout(() => abort.abort(UNSEEN), STREAM_UNSEEN_MS_MAX);
  };
  const end = () => {
    clearTimeout(silence);
    clearTimeout(unseen);
    document.removeEventListener('visibilitychange', look);
    abort.abort();
  };
  document.addEventListener('visibilitychange', look);
  heard();
  return { signal: AbortSignal.any([signal, abort.signal]), heard, end };
}

/**
 * Follows a stream until `signal` aborts, `onEvent(type, json)` returns true, or the server has nothing more to tell (204). A
 * stream that breaks, ends or falls silent is taken up after the last event; refusals (4xx) are final. `onState(error | null)`
 * hears whether it is connected. While nobody looks at the tab it rests.
 */
export async function follow(path, { signal, onEvent, onState = () => {} }) {
  let lastId = null;
  let wait = STREAM_RETRY_MS_MIN;
  for (;;) {
    while (document.hidden && !signal.aborted) await inSight(signal);
    if (signal.aborted) return;
    const link = connection(signal);
    const heard = () => {
      wait = STREAM_RETRY_MS_MIN;
      link.heard();
    };
    try {
      const extra = { Accept: 'text/event-stream', ...(lastId ? { 'Last-Event-ID': lastId } : {}) };
      const response = await send(path, { extra, signal: link.signal, timeoutMs: 0 });
      if (!response.ok) throw await failure(response);
      onState(null);
      if (response.status === 204) return;
      for await (const event of events(response.body, heard)) {
        if (event.id !== null) lastId = event.id;
        if (onEvent(event.type, JSON.parse(event.data)) || signal.aborted) return;
      }
      throw new ApiError(0, 'stream_ended', 'The server ended the stream.');
    } catch (thrown) {
      if (signal.aborted) return;
      const error = link.signal.aborted ? link.signal.reason : thrown;
      if (error === UNSEEN) continue;
      onState(error);
      if (error.status >= 400 && error.status < 500 && error.status !== 429) return;
      wait = Math.max(wait, error.retryAfterMs ?? 0);
    } finally {
      link.end();
    }
    await pause(wait, signal);
    wait = Math.min(wait * 2, STREAM_RETRY_MS_MAX);
  }
}
