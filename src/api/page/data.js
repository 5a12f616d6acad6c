// Data of the server as hooks: one resource, or a list by pages. Each knows loading, error, and stale. And what is sent once.

import { command, get, idempotencyKey, withQuery } from './api.js';
import { useCallback, useEffect, useRef, useState } from './view.js';

/** Rows that a list asks for at a time. */
const PAGE_ROWS = 50;
/** A page that nobody looks at asks that much less often. */
const HIDDEN_FACTOR = 6;
/** Waits between attempts grow up to this. */
const POLL_MS_MAX = 60_000;

const NOTHING = { path: null, data: null, error: null, loading: true, at: 0 };

/** Answers that outlive their page, by path: whoever comes back sees them at once, and asks with their ETag. */
const remembered = new Map();
/** What a signed-in person saw is not for the next one. */
export const forget = () => remembered.clear();

/**
 * The answer of `path` (null: none yet), asked for again every `poll` ms with its ETag. `data` stays when a later request
 * fails: `data` together with `error` is stale. `keep`: data of the path before stays until the new one is there. `remember`:
 * the newest answer outlives the page; for the few large ones only.
 */
export function useResource(path, { poll = 0, keep = false, remember = false } = {}) {
  const [state, setState] = useState(() => remembered.get(path)?.state ?? NOTHING);
  const reload = useRef(() => {});
  const every = useRef(poll);
  every.current = poll;
  useEffect(() => {
    if (!path) return undefined;
    const abort = new AbortController();
    let timer = 0;
    let etag = remembered.get(path)?.etag ?? null;
    let failures = 0;
    setState((old) => remembered.get(path)?.state ?? { ...(keep && old.data ? old : NOTHING), loading: true, path });
    async function load() {
      clearTimeout(timer);
      let wait = every.current;
      try {
        const answer = await get(path, { etag, signal: abort.signal });
        if (abort.signal.aborted) return;
        failures = 0;
        etag = answer.etag;
        const at = Date.now();
        if (answer.unchanged) {
          setState((old) => (old.error ? { ...old, error: null, at } : old));
        } else {
          const state = { path, data: answer.data, error: null, loading: false, at };
          if (remember) remembered.set(path, { state, etag });
          setState(state);
        }
      } catch (error) {
        if (abort.signal.aborted) return;
        failures += 1;
        wait = Math.min(Math.max(every.current * 2 ** Math.min(failures, 5), error.retryAfterMs ?? 0), POLL_MS_MAX);
        setState((old) => ({ ...old, error, loading: false }));
      }
      if (every.current) timer = setTimeout(load, document.hidden ? wait * HIDDEN_FACTOR : wait);
    }
    const seen = () => !document.hidden && every.current && load();
    document.addEventListener('visibilitychange', seen);
    reload.current = load;
    load();
    return () => {
      abort.abort();
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', seen);
    };
  }, [path]);
  const again = useCallback(() => reload.current(), []);
  return { ...state, reload: again };
}

const NO_ROWS = { items: [], pages: 0, cursor: null, error: null, loading: true, total: null };

/**
 * A list of `path` under `key`, by pages: `items` of so many `pages`, `more()` while `hasMore` (a page may be empty and not the
 * last). `reload()` shows what is there until the first page is there anew; `retry()` repeats what failed.
 */
export function useList(path, key, parameters) {
  const first = withQuery(path, { limit: PAGE_ROWS, ...parameters });
  const [state, setState] = useState(NO_ROWS);
  const current = useRef(null);
  const asked = useRef(null);
  const load = useCallback(async (url, before) => {
    current.current?.abort();
    const abort = new AbortController();
    current.current = abort;
    asked.current = [url, before];
    // What is shown is asked for anew without a word, and what failed before is told until something better is known.
    setState((old) => (before.pages || !old.items.length ? { ...old, error: null, loading: true } : { ...old, loading: false }));
    try {
      const { data } = await get(url, { signal: abort.signal });
      const items = [...before.items, ...(data[key] ?? [])];
      setState({ items, pages: before.pages + 1, cursor: data.next_cursor ?? null, error: null, loading: false, total: data.total ?? null });
    } catch (error) {
      if (!abort.signal.aborted) setState((old) => ({ ...old, error, loading: false }));
    }
  }, []);
  useEffect(() => {
    setState(NO_ROWS);
    load(first, NO_ROWS);
    return () => current.current?.abort();
  }, [first]);
  return {
    ...state,
    hasMore: state.cursor !== null,
    more: () => load(withQuery(path, { limit: PAGE_ROWS, ...parameters, cursor: state.cursor }), state),
    reload: () => load(first, NO_ROWS),
    retry: () => load(...asked.current),
  };
}

/**
 * Posts what must not be done twice: sent again after a broken answer, it has the key of before and so is the same request. A
 * success, or another wish, is followed by a new key.
 */
export function useOnce() {
  const sent = useRef(null);
  return useCallback(async (path, body) => {
    const wish = JSON.stringify([path, body]);
    if (sent.current?.wish !== wish) sent.current = { wish, key: idempotencyKey() };
    const mine = sent.current;
    const answer = await command('POST', path, body, { 'Idempotency-Key': mine.key });
    if (sent.current === mine) sent.current = null;
    return answer;
  }, []);
}

/** The time, every so often: for ages. */
export function useNow(everyMs = 5_000) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), everyMs);
    return () => clearInterval(timer);
  }, []);
  return now;
}

/** `value`, once it has not changed for so long: for what is typed. */
export function useSettled(value, ms = 250) {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), ms);
    return () => clearTimeout(timer);
  }, [value]);
  return settled;
}

/** `light` or `dark`, as it changes. */
export function useTheme() {
  const [theme, setTheme] = useState(window.signalmillTheme.current());
  useEffect(() => {
    const changed = () => setTheme(window.signalmillTheme.current());
    addEventListener('themechange', changed);
    return () => removeEventListener('themechange', changed);
  }, []);
  return theme;
}
