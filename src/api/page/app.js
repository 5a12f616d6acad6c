// The shell: who is there, where they are, and the page for that. Pages come when they are first opened, but for the board.

import { get, token } from './api.js';
import { forget, useTheme } from './data.js';
import { SignIn, useAccessNeeded } from './dialogs.js';
import { Icon } from './icons.js';
import { Empty, Failure, Loading } from './parts.js';
import { Signals } from './pages/signals.js';
import { link, useRoute } from './route.js';
import { html, render, useEffect, useErrorBoundary, useRef, useState } from './view.js';

const PAGES = [
  { page: 'signals', title: 'Signals', view: async () => Signals },
  { page: 'articles', title: 'Articles', view: async () => (await import('./pages/articles.js')).Articles },
  { page: 'sessions', title: 'Sessions', view: async () => (await import('./pages/sessions.js')).Sessions },
  { page: 'jobs', title: 'Jobs', view: async () => (await import('./pages/jobs.js')).Jobs },
  { page: 'system', title: 'System', admin: true, view: async () => (await import('./pages/system.js')).System },
  { page: 'instrument', title: 'Instrument', within: 'signals', view: async () => (await import('./pages/instrument.js')).Instrument },
];
const VIEWS = { signals: Signals };

function Navigation({ page, me }) {
  const shown = PAGES.filter((entry) => !entry.within && (!entry.admin || me?.admin));
  const current = PAGES.find((entry) => entry.page === page)?.within ?? page;
  return html`<nav class="nav" aria-label="Main">${shown.map((entry) => html`<a key=${entry.page} href=${link(entry.page)}
    aria-current=${entry.page === current ? 'page' : undefined}><${Icon} name=${entry.page} size=${18} /><span>${entry.title}</span></a>`)}</nav>`;
}

function ThemeButton() {
  const theme = useTheme();
  const other = theme === 'dark' ? 'light' : 'dark';
  return html`<button type="button" class="icon-button" id="theme" aria-label=${`Switch to the ${other} theme`} title=${`Switch to the ${other} theme`}
    onClick=${() => window.signalmillTheme.choose(other)}><${Icon} name=${theme === 'dark' ? 'sun' : 'moon'} size=${18} /></button>`;
}

const Who = ({ me, signIn, signOut }) => {
  if (!me) return null;
  if (me.tokens && !me.user) return html`<button type="button" class="small" onClick=${signIn}>Sign in</button>`;
  return html`<span class="who"><b title=${me.user}>${me.user}</b>${me.admin ? html`<span class="quiet">admin</span>` : null}</span>
    ${me.tokens ? html`<button type="button" class="icon-button" id="sign-out" aria-label="Sign out" title="Sign out" onClick=${signOut}><${Icon} name="leave" size=${18} /></button>` : null}`;
};

/** The page of a route, once its module is there. */
function Page({ route, me }) {
  const entry = PAGES.find((known) => known.page === route.page);
  const [, setLoaded] = useState(0);
  const [error, setError] = useState(null);
  const [broken, mend] = useErrorBoundary((thrown) => console.error(thrown));
  useEffect(() => {
    if (!entry || VIEWS[entry.page]) return;
    setError(null);
    entry.view().then((view) => {
      VIEWS[entry.page] = view;
      setLoaded((count) => count + 1);
    }, () => setError({ message: 'This part of the page could not be loaded. Is signalmill still running?', code: 'unreachable' }));
  }, [entry]);
  if (!entry) return html`<${Empty} title="There is no such page.">The <a href=${link('signals')}>signals</a> are here.<//>`;
  if (entry.admin && !me.admin) return html`<${Empty} title="This page is for admins.">Sign in with an admin’s token to see it.<//>`;
  if (error) return html`<${Failure} error=${error} retry=${() => location.reload()} />`;
  if (broken) return html`<${Failure} error=${{ message: 'The server sent something that this page cannot show.', code: String(broken.message) }} retry=${mend} />`;
  const View = VIEWS[entry.page];
  return View ? html`<${View} route=${route} me=${me} />` : html`<${Loading} what="the page" />`;
}

const NOBODY = { user: null, admin: false, tokens: true };

/** `me` is null until the server has said who is there. */
function useMe() {
  const [state, setState] = useState({ me: null, error: null });
  const [asking, setAsking] = useState(false);
  const ask = async () => {
    try {
      const { data } = await get('/api/whoami');
      setState({ me: data, error: null });
      if (data.tokens && !data.user) setAsking(true);
    } catch (error) {
      if (error.status !== 401) setState({ me: null, error });
    }
  };
  // The pages go with their polls and streams, which would only be refused, and come anew for whoever signs in.
  const leave = () => {
    token.clear();
    forget();
    setState({ me: NOBODY, error: null });
    setAsking(true);
  };
  useAccessNeeded(leave);
  useEffect(() => {
    ask();
  }, []);
  return {
    ...state,
    ask,
    asking,
    signIn: () => setAsking(true),
    closed: () => setAsking(false),
    signedIn: (me) => (setState({ me, error: null }), setAsking(false)),
    signOut: leave,
  };
}

function Content({ access, route }) {
  const { me, error } = access;
  if (error) return html`<${Failure} error=${error} retry=${access.ask} />`;
  if (!me) return html`<${Loading} what="who you are" />`;
  if (me.tokens && !me.user) {
    return html`<${Empty} title="Sign in to see signals, articles and jobs."><button type="button" class="primary" onClick=${access.signIn}>Sign in</button><//>`;
  }
  return html`<${Page} key=${`${me.user} ${route.page}`} route=${route} me=${me} />`;
}

/** Where somebody may be typing: the focus is left there. */
const TYPED = 'input:not([type=range]), textarea';

function App() {
  const route = useRoute();
  const access = useMe();
  const main = useRef(null);
  const before = useRef(null);
  const title = PAGES.find((entry) => entry.page === route.page)?.title ?? 'Not found';
  useEffect(() => {
    const name = route.page === 'instrument' ? route.parts[1] : title;
    document.title = `${name} · signalmill`;
    const [was, at] = [before.current, document.activeElement];
    before.current = route.page;
    // Whoever cannot see that the page changed is put at its start, or at that of the detail that opened in it.
    const detail = route.parts.length ? document.getElementById('detail') : null;
    if (was === null) return;
    if (was !== route.page) {
      main.current.focus({ preventScroll: true });
      scrollTo(0, 0);
    } else if (detail && !at?.matches(TYPED)) {
      detail.focus({ preventScroll: true });
      detail.scrollIntoView({ block: 'nearest' });
    } else if (!at || at === document.body) {
      // What had the focus is gone with the detail.
      main.current.focus({ preventScroll: true });
    }
  }, [route.page, route.parts.join('/')]);
  const skip = (event) => (event.preventDefault(), main.current.focus());
  return html`<a class="skip" href="#main" onClick=${skip}>Skip to content</a>
    <div class="shell"><header class="side"><a class="brand" href=${link('signals')}><img src="/assets/icon.svg" alt="" width="22" height="22" />signalmill</a>
      <${Navigation} page=${route.page} me=${access.me} />
      <div class="side-foot"><${Who} me=${access.me} signIn=${access.signIn} signOut=${access.signOut} /><${ThemeButton} /></div></header>
    <div class="column"><main class="main" id="main" tabindex="-1" ref=${main}><${Content} access=${access} route=${route} /></main>
    <footer class="foot"><span>All times UTC. Signals are no advice.</span>
      <span>Charts: <a href="https://www.tradingview.com/" rel="noopener noreferrer" target="_blank">TradingView</a> Lightweight Charts™, Copyright © TradingView, Inc.</span>
      <a href="/openapi.json">API</a></footer></div></div>
    ${access.asking ? html`<${SignIn} onDone=${access.signedIn} onClose=${access.closed} />` : null}`;
}

const root = document.getElementById('app');
root.textContent = '';
render(html`<${App} />`, root);
