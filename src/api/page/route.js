// Where the person is: `#/page/part/part?name=value`. The server only ever sees `/`.

import { useEffect, useState } from './view.js';

/** The parts of the address, decoded; broken escapes stay as they are. */
export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const parts = path.split('/').filter(Boolean).map((part) => {
    try {
      return decodeURIComponent(part);
    } catch {
      return part;
    }
  });
  return { page: parts[0] ?? 'signals', parts: parts.slice(1), query: Object.fromEntries(new URLSearchParams(query)) };
}

/** An address of the page. */
export function link(page, parts = [], query = {}) {
  const path = [page, ...parts].map((part) => encodeURIComponent(part)).join('/');
  const text = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value !== null)).toString();
  return `#/${path}${text ? `?${text}` : ''}`;
}

export function go(page, parts, query) {
  location.hash = link(page, parts, query);
}

/** Changes the query without a new entry in the history: for filters. */
export function replaceQuery(query) {
  const { page, parts } = parse(location.hash);
  history.replaceState(null, '', link(page, parts, query));
  dispatchEvent(new HashChangeEvent('hashchange'));
}

export function useRoute() {
  const [route, setRoute] = useState(parse(location.hash));
  useEffect(() => {
    const changed = () => setRoute(parse(location.hash));
    addEventListener('hashchange', changed);
    return () => removeEventListener('hashchange', changed);
  }, []);
  return route;
}
