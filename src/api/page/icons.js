// The icons, drawn in strokes of the text's colour. They stand beside words, so assistive technology passes them by.

import { html } from './view.js';

const PATHS = {
  signals: 'M3 17h3l3-9 4 13 3-9 1.5 5H21',
  articles: 'M5 4h11v16H5zM16 8h3v10a2 2 0 0 1-2 2M8 8h5M8 12h5M8 16h3',
  sessions: 'M4 7h16v12H4zM4 11h16M8 15h3',
  jobs: 'M5 20V10M10 20V4M15 20v-7M20 20V8',
  system: 'M4 5h16v6H4zM4 13h16v6H4zM7.5 8h.01M7.5 16h.01',
  up: 'M12 5 20 18H4z',
  down: 'M12 19 4 6h16z',
  flat: 'M5 12h14',
  sun: 'M12 8a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM12 2v2M12 20v2M2 12h2M20 12h2M5 5l1.4 1.4M17.6 17.6 19 19M5 19l1.4-1.4M17.6 6.4 19 5',
  moon: 'M20 14.5A8.5 8.5 0 1 1 9.5 4 7 7 0 0 0 20 14.5z',
  external: 'M14 4h6v6M20 4l-9 9M10 5H5v14h14v-5',
  back: 'M14 6l-6 6 6 6',
  next: 'M10 6l6 6-6 6',
  leave: 'M14 5H5v14h9M10 12h10M17 9l3 3-3 3',
  alert: 'M12 4 22 20H2zM12 10v4.5M12 17.3h.01',
  close: 'M6 6l12 12M18 6 6 18',
};
const SOLID = new Set(['up', 'down']);

export function Icon({ name, size = 16 }) {
  const solid = SOLID.has(name);
  return html`<svg class="icon" width=${size} height=${size} viewBox="0 0 24 24" aria-hidden="true" focusable="false"
    fill=${solid ? 'currentColor' : 'none'} stroke=${solid ? 'none' : 'currentColor'} stroke-width="1.8"
    stroke-linecap="round" stroke-linejoin="round"><path d=${PATHS[name]} /></svg>`;
}
