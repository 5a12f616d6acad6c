// What every page must hold, as functions that run in the page: landmarks, contrast, nothing that overflows.

/** The landmarks and the one heading that are missing. */
export function missingLandmarks() {
  const wanted = { banner: 'header', navigation: 'nav[aria-label]', main: 'main', contentinfo: 'footer', 'skip link': 'a.skip', heading: 'main h1' };
  const missing = Object.entries(wanted).filter(([, selector]) => !document.querySelector(selector)).map(([name]) => name);
  if (!document.title.includes('signalmill')) missing.push('title');
  if (document.documentElement.lang !== 'en') missing.push('language');
  for (const control of document.querySelectorAll('button, a[href], input, select')) {
    const name = control.getAttribute('aria-label') || control.textContent.trim() || control.labels?.[0]?.textContent.trim();
    if (!name) missing.push(`name of ${control.outerHTML.slice(0, 80)}`);
  }
  return missing;
}

/** Text in sight whose colours are nearer than WCAG AA allows: 4.5, or 3 for large text. */
export function faintTexts() {
  const parse = (text) => {
    const parts = text.match(/[\d.]+/g)?.map(Number) ?? [0, 0, 0, 0];
    return [parts[0], parts[1], parts[2], parts[3] ?? 1];
  };
  const over = (top, below) => [0, 1, 2].map((part) => top[part] * top[3] + below[part] * (1 - top[3])).concat(1);
  const ground = (element) => {
    const layers = [];
    for (let at = element; at; at = at.parentElement) {
      const colour = parse(getComputedStyle(at).backgroundColor);
      if (colour[3] > 0) layers.push(colour);
      if (colour[3] === 1) break;
    }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255, 1]);
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest('svg, script, noscript, option, :disabled, .skip, .chart')) continue;
    const box = element.getBoundingClientRect();
    const style = getComputedStyle(element);
    if (!box.width || !box.height || style.visibility === 'hidden') continue;
    const below = ground(element);
    const [a, b] = [light(over(parse(style.color), below)), light(below)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    if (ratio < (large ? 3 : 4.5)) found.set(`${element.className || element.tagName} ${ratio.toFixed(2)}`, node.textContent.trim().slice(0, 40));
  }
  return [...found].map(([where, text]) => `${where}: “${text}”`);
}

/** What is wider than the window and stands in nothing that scrolls. */
export function overflowing() {
  const root = document.documentElement;
  const found = root.scrollWidth > root.clientWidth ? [`the page is ${root.scrollWidth} wide in ${root.clientWidth}`] : [];
  const boxed = (element) => {
    for (let at = element.parentElement; at && at !== document.body; at = at.parentElement) {
      if (getComputedStyle(at).overflowX !== 'visible') return true;
    }
    return false;
  };
  for (const element of document.querySelectorAll('main *, header *, footer *, dialog[open] *')) {
    const box = element.getBoundingClientRect();
    if (box.width && box.height && (box.right > innerWidth + 1 || box.left < -1) && !element.closest('svg, thead') && !boxed(element)) {
      found.push(`${element.tagName}.${element.className} reaches ${Math.round(box.right)}`);
    }
  }
  return found.slice(0, 5);
}
