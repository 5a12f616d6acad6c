// Drives a headless Chromium by the DevTools protocol over a pipe: nothing but Node is needed, and no port is opened.
//
// A `Tab` acts as a person does (real mouse and key events), and remembers every problem that the page had: uncaught exceptions,
// errors on the console, requests that failed or were refused and were not expected to be.

import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A command that takes longer has failed. */
const COMMAND_MS_MAX = 30_000;
/** What a step waits for by default. */
export const WAIT_MS_MAX = 15_000;
const LOOK_MS = 25;
const START_MS_MAX = 30_000;

/** Virtual codes of the keys that have no letter. */
const KEYS = { Tab: 9, Enter: 13, Escape: 27, End: 35, Home: 36, ArrowLeft: 37, ArrowUp: 38, ArrowRight: 39, ArrowDown: 40, Delete: 46 };

const FLAGS = [
  '--headless=new', '--remote-debugging-pipe', '--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--no-first-run',
  '--disable-extensions', '--disable-background-networking', '--disable-component-update', '--disable-sync', '--mute-audio',
  '--hide-scrollbars', '--force-color-profile=srgb',
];

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A browser with a profile of its own, which is gone when it is closed. */
export class Browser {
  static async start(chromium) {
    const profile = mkdtempSync(join(tmpdir(), 'signalmill-browser-'));
    const child = spawn(chromium, [...FLAGS, `--user-data-dir=${profile}`, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
    const browser = new Browser(child, profile);
    const answered = Promise.race([
      browser.send('Browser.getVersion'),
      new Promise((_, reject) => child.once('error', (error) => reject(new Error(`${chromium} does not start: ${error.message}`)))),
      sleep(START_MS_MAX).then(() => Promise.reject(new Error(`${chromium} did not answer within ${START_MS_MAX / 1000} s`))),
    ]);
    try {
      await answered;
    } catch (error) {
      child.kill('SIGKILL');
      rmSync(profile, { recursive: true, force: true });
      throw error;
    }
    return browser;
  }

  constructor(child, profile) {
    Object.assign(this, { child, profile, id: 0, waiting: new Map(), listeners: new Map() });
    let rest = Buffer.alloc(0);
    child.stdio[4].on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = rest.indexOf(0); end >= 0; end = rest.indexOf(0)) {
        this.#heard(JSON.parse(rest.subarray(0, end).toString()));
        rest = rest.subarray(end + 1);
      }
    });
    // A closed pipe is told by the command that waits for its answer.
    child.stdio[3].on('error', () => {});
    child.once('exit', () => {
      for (const { reject } of this.waiting.values()) reject(new Error('the browser is gone'));
    });
  }

  #heard(message) {
    if (!message.id) return this.listeners.get(message.sessionId)?.(message.method, message.params);
    const waiting = this.waiting.get(message.id);
    this.waiting.delete(message.id);
    clearTimeout(waiting?.timer);
    if (message.error) return waiting?.reject(new Error(message.error.message));
    return waiting?.resolve(message.result);
  }

  send(method, params = {}, sessionId) {
    this.id += 1;
    const id = this.id;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${method} took longer than ${COMMAND_MS_MAX / 1000} s`)), COMMAND_MS_MAX);
      this.waiting.set(id, { resolve, reject, timer });
      this.child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async tab() {
    const { targetId } = await this.send('Target.createTarget', { url: 'about:blank' });
    const { sessionId } = await this.send('Target.attachToTarget', { targetId, flatten: true });
    const tab = new Tab(this, sessionId);
    this.listeners.set(sessionId, (method, params) => tab.heard(method, params));
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await tab.send(`${domain}.enable`);
    return tab;
  }

  async close() {
    const gone = new Promise((resolve) => this.child.once('exit', resolve));
    this.send('Browser.close').catch(() => {});
    await Promise.race([gone, sleep(5_000)]);
    if (this.child.exitCode === null) this.child.kill('SIGKILL');
    try {
      rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
    } catch {
      // Chromium's children may still write there; the system clears its temporary folder.
    }
  }
}

class Tab {
  constructor(browser, sessionId) {
    Object.assign(this, { browser, sessionId, problems: [], expected: [], offline: false, urls: new Map(), sent: null });
  }

  send(method, params) {
    return this.browser.send(method, params, this.sessionId);
  }

  heard(method, params) {
    if (method === 'Runtime.exceptionThrown') {
      const { exception, text } = params.exceptionDetails;
      this.problems.push(`uncaught: ${exception?.description ?? text}`);
    } else if (method === 'Runtime.consoleAPICalled' && ['error', 'assert'].includes(params.type)) {
      this.problems.push(`console: ${params.args.map((one) => one.value ?? one.description).join(' ')}`);
    } else if (method === 'Log.entryAdded' && params.entry.level === 'error' && params.entry.source !== 'network') {
      // What the network logs is told below, with its status.
      this.problems.push(`log: ${params.entry.text} ${params.entry.url ?? ''}`);
    } else if (method === 'Page.javascriptDialogOpening') {
      // The page opens none: a script of strangers did.
      this.problems.push(`a script opened a dialog: ${params.message}`);
      this.send('Page.handleJavaScriptDialog', { accept: false }).catch(() => {});
    } else if (method === 'Network.requestWillBeSent') {
      this.urls.set(params.requestId, params.request.url);
      this.sent?.push(params.request);
    } else if (method === 'Network.loadingFailed' && !this.offline && !params.canceled && params.errorText !== 'net::ERR_ABORTED') {
      this.problems.push(`request failed: ${this.urls.get(params.requestId)} ${params.errorText} ${params.blockedReason ?? ''}`);
    } else if (method === 'Network.responseReceived' && params.response.status >= 400) {
      const { status, url } = params.response;
      const allowed = this.expected.some((one) => one.status === status && url.includes(one.part));
      if (!allowed) this.problems.push(`refused: ${status} ${url}`);
    }
  }

  /** Cuts the page off from its server while `act` runs. */
  async cutOff(act) {
    const conditions = (offline) => this.send('Network.emulateNetworkConditions', { offline, latency: 0, downloadThroughput: -1, uploadThroughput: -1 });
    this.offline = true;
    await conditions(true);
    try {
      return await act();
    } finally {
      await conditions(false);
      await sleep(100);
      this.offline = false;
    }
  }

  /** Answers of this status whose address has `part` are no problem while `act` runs. */
  async expecting(answers, act) {
    this.expected = answers;
    try {
      return await act();
    } finally {
      // Answers are told after the page has seen them.
      await sleep(100);
      this.expected = [];
    }
  }

  /** The requests that went out while `act` ran, of those whose address has `part`: method, path and query, and key. */
  async sending(part, act) {
    this.sent = [];
    try {
      await act();
      return this.sent.filter(({ url }) => url.includes(part)).map(({ method, url, headers }) => {
        const key = Object.entries(headers).find(([name]) => name.toLowerCase() === 'idempotency-key')?.[1] ?? null;
        return { method, path: url.slice(new URL(url).origin.length), key };
      });
    } finally {
      this.sent = null;
    }
  }

  /** What the page asks for at addresses that have `part` is answered by `answers` in turn while `act` runs, then by its server. */
  async answering(part, answers, act) {
    await this.evaluate((one, all) => {
      const real = window.fetch;
      window.fetch = (path, ...rest) => {
        const { status = 200, headers = {}, body } = (path.includes(one) && all.shift()) || { status: 0 };
        return status ? Promise.resolve(new Response(JSON.stringify(body), { status, headers })) : real(path, ...rest);
      };
      window.answersAgain = () => {
        window.fetch = real;
      };
    }, part, answers);
    try {
      return await act();
    } finally {
      await this.evaluate(() => window.answersAgain()).catch(() => {});
    }
  }

  /** The value of `run(...values)` in the page; promises are waited for. */
  async evaluate(run, ...values) {
    const expression = `(${run})(...${JSON.stringify(values)})`;
    const { result, exceptionDetails } = await this.send('Runtime.evaluate', { expression, awaitPromise: true, returnByValue: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** Waits until `run(...values)` is truthy in the page, and returns it. */
  async until(what, run, values = [], ms = WAIT_MS_MAX) {
    const end = Date.now() + ms;
    for (;;) {
      const value = await this.evaluate(run, ...values).catch(() => null);
      if (value) return value;
      if (Date.now() > end) throw new Error(`waited ${ms / 1000} s for ${what}`);
      await sleep(LOOK_MS);
    }
  }

  async load(url) {
    await this.send('Page.navigate', { url });
    await this.until('the page to load', () => document.readyState === 'complete');
  }

  async size(width, height, phone = false) {
    await this.send('Emulation.setDeviceMetricsOverride', { width, height, deviceScaleFactor: 1, mobile: phone });
  }

  has(selector) {
    return this.evaluate((one) => document.querySelector(one) !== null, selector);
  }

  /** The middle of an element, once it is there, in sight, and what a click there would hit. */
  place(selector, text) {
    return this.until(`“${text ?? selector}” to be there for a click`, (one, words) => {
      const all = [...document.querySelectorAll(one)];
      const element = words ? all.find((each) => each.textContent.trim().includes(words)) : all[0];
      if (!element || element.disabled) return null;
      element.scrollIntoView({ block: 'center', inline: 'nearest', behavior: 'instant' });
      const box = element.getBoundingClientRect();
      const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
      const hit = document.elementFromPoint(x, y);
      return hit && (element.contains(hit) || hit.contains(element)) ? { x, y } : null;
    }, [selector, text ?? null]);
  }

  async click(selector, text) {
    const { x, y } = await this.place(selector, text);
    for (const type of ['mousePressed', 'mouseReleased']) {
      await this.send('Input.dispatchMouseEvent', { type, x, y, button: 'left', clickCount: 1 });
    }
  }

  /** Replaces what a field holds by what is typed. */
  async type(selector, text) {
    await this.until(`the field ${selector} to take the focus`, (one) => {
      const field = document.querySelector(one);
      field?.focus();
      field?.select?.();
      return document.activeElement === field;
    }, [selector]);
    if (text) await this.send('Input.insertText', { text });
    else await this.press('Delete');
  }

  async press(key) {
    for (const type of ['keyDown', 'keyUp']) {
      await this.send('Input.dispatchKeyEvent', { type, key, code: key, windowsVirtualKeyCode: KEYS[key] ?? 0, text: type === 'keyDown' && key === 'Enter' ? '\r' : undefined });
    }
  }

  /** Chooses an option of a select or a place of a slider, as its own events tell it. */
  choose(selector, value) {
    return this.evaluate((one, chosen) => {
      const field = document.querySelector(one);
      Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field), 'value').set.call(field, chosen);
      for (const type of ['input', 'change']) field.dispatchEvent(new Event(type, { bubbles: true }));
    }, selector, value);
  }

  text(selector) {
    return this.evaluate((one) => document.querySelector(one)?.textContent ?? '', selector);
  }

  async screenshot(path) {
    const { data } = await this.send('Page.captureScreenshot', { format: 'png' });
    writeFileSync(path, Buffer.from(data, 'base64'));
  }
}
