// Dialogs: the browser's own `<dialog>`, which keeps the focus and closes by Escape.

import { access, get, token } from './api.js';
import { Icon } from './icons.js';
import { Failure } from './parts.js';
import { html, useEffect, useLayoutEffect, useRef, useState } from './view.js';

/** Opens as it is rendered; `onClose` when it was closed in whatever way. */
export function Dialog({ title, onClose, children, className = '' }) {
  const element = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    element.current.showModal();
    return () => before?.focus?.();
  }, []);
  return html`<dialog ref=${element} class=${className} aria-labelledby="dialog-title" onClose=${onClose}>
    <header class="panel-head"><h2 id="dialog-title">${title}</h2>
      <button type="button" class="icon-button" aria-label="Close" onClick=${() => element.current.close()}><${Icon} name="close" /></button></header>
    <div class="dialog-body">${children}</div></dialog>`;
}

/** Asks before `act()`, and shows what it answers when that fails. */
export function Confirm({ title, children, verb, danger, act, onClose }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const confirmed = async () => {
    setBusy(true);
    setError(null);
    try {
      await act();
      onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${title} onClose=${onClose}>${children}
    ${error ? html`<${Failure} error=${error} />` : null}
    <div class="row end"><button type="button" onClick=${onClose}>Leave it</button>
      <button type="button" class=${danger ? 'danger' : 'primary'} disabled=${busy} onClick=${confirmed}>${busy ? 'Sending…' : verb}</button></div><//>`;
}

/** Asks for a token and tries it before it is kept. */
export function SignIn({ onDone, onClose }) {
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const value = new FormData(event.target).get('token').trim();
    if (!value) return;
    setBusy(true);
    token.set(value);
    try {
      const { data } = await get('/api/whoami');
      if (!data.user) throw Object.assign(new Error('The server does not know this token.'), { code: 'unauthorized', status: 401 });
      onDone(data);
    } catch (failure) {
      token.clear();
      setError(failure.status === 401 ? Object.assign(failure, { message: 'The server does not know this token.' }) : failure);
      setBusy(false);
    }
  };
  return html`<${Dialog} title="Sign in" onClose=${onClose} className="narrow"><form onSubmit=${submit}>
    <p>This server wants a token. Whoever runs it gives them out (<code>SIGNALMILL_API_TOKENS</code>). It is kept in this tab until the tab is closed or you sign out.</p>
    <label class="field"><span>Token</span><input name="token" type="password" autocomplete="current-password" required autofocus spellcheck="false" /></label>
    ${error ? html`<${Failure} error=${error} />` : null}
    <div class="row end"><button class="primary" disabled=${busy}>${busy ? 'Asking…' : 'Sign in'}</button></div></form><//>`;
}

/** Calls back whenever the server wants a token. */
export function useAccessNeeded(callback) {
  useEffect(() => {
    access.addEventListener('needed', callback);
    return () => access.removeEventListener('needed', callback);
  }, []);
}
