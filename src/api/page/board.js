// A long table of which only the rows in sight exist: thousands of rows cost what forty do.
//
// Every row has the same height, which the stylesheet gives (`--row`), so what stands above and below is a padding. Headers
// are buttons that sort; on a phone rows are cards of two lines, and a select sorts.

import { Icon } from './icons.js';
import { html, useEffect, useLayoutEffect, useMemo, useRef, useState } from './view.js';

/** Rows beyond what is in sight, above and below. */
const MARGIN_ROWS = 8;

/** Rows in the order of a column's `value`; what has none is last either way. */
function sorted(rows, column, descending) {
  const sign = descending ? -1 : 1;
  const keyed = rows.map((row) => [column.value(row), row]);
  const missing = (value) => value === null || value === undefined || Number.isNaN(value);
  keyed.sort(([a], [b]) => {
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    return a < b ? -sign : Number(a > b) * sign;
  });
  return keyed.map(([, row]) => row);
}

const Header = ({ column, sort, onSort }) => {
  const active = sort.by === column.name;
  const order = active ? (sort.descending ? 'descending' : 'ascending') : column.value ? 'none' : undefined;
  const flip = () => onSort({ by: column.name, descending: active ? !sort.descending : Boolean(column.descending) });
  return html`<th scope="col" role="columnheader" aria-sort=${order} class=${`col-${column.name} ${column.num ? 'right' : ''}`}>
    ${column.value ? html`<button type="button" onClick=${flip}>${column.title}<span class="sort-mark" aria-hidden="true">${active ? html`<${Icon} name=${sort.descending ? 'down' : 'up'} size=${8} />` : null}</span></button>` : column.title}</th>`;
};

const SortSelect = ({ columns, sort, onSort }) => html`<label class="field phone-only"><span>Sort by</span>
  <select value=${`${sort.by} ${sort.descending}`} onChange=${(event) => {
    const [by, descending] = event.target.value.split(' ');
    onSort({ by, descending: descending === 'true' });
  }}>${columns.filter((column) => column.value).flatMap((column) => [true, false].map((descending) => html`<option
    key=${`${column.name} ${descending}`} value=${`${column.name} ${descending}`} selected=${sort.by === column.name && sort.descending === descending}>${column.title}, ${descending ? 'highest first' : 'lowest first'}</option>`))}</select></label>`;

/** Columns: `{ name, title, value(row), cell(row), num, descending }`. `sort` is `{ by, descending }`. */
export function Board({ label, columns, rows, id, sort, onSort }) {
  const box = useRef(null);
  const [sight, setSight] = useState({ top: 0, height: 900, row: 36, head: 34 });
  const look = () => {
    const element = box.current;
    const style = getComputedStyle(element);
    const next = { top: element.scrollTop, height: element.clientHeight, row: parseFloat(style.getPropertyValue('--row')), head: 34 };
    setSight((old) => {
      // Only a change of rows is worth rendering.
      const same = Math.floor(old.top / old.row) === Math.floor(next.top / next.row) && old.height === next.height && old.row === next.row;
      return same ? old : next;
    });
  };
  useLayoutEffect(() => {
    look();
    const watch = new ResizeObserver(look);
    watch.observe(box.current);
    return () => watch.disconnect();
  }, []);
  useEffect(() => {
    box.current.scrollTop = 0;
    look();
  }, [sort.by, sort.descending]);
  const column = columns.find((one) => one.name === sort.by) ?? columns[0];
  const ordered = useMemo(() => sorted(rows, column, sort.descending), [rows, column, sort.descending]);
  const from = Math.max(0, Math.min(Math.floor(sight.top / sight.row) - MARGIN_ROWS, ordered.length - 1));
  const to = Math.min(ordered.length, Math.ceil((sight.top + sight.height) / sight.row) + MARGIN_ROWS);
  const shown = ordered.slice(from, to);
  return html`<${SortSelect} columns=${columns} sort=${sort} onSort=${onSort} />
    <div class="board" ref=${box} onScroll=${look} tabindex="0" role="region" aria-label=${`${label}, scrolls`}>
    <table role="table" aria-label=${label} aria-rowcount=${ordered.length + 1}><thead role="rowgroup"><tr role="row" aria-rowindex="1">
      ${columns.map((one) => html`<${Header} key=${one.name} column=${one} sort=${sort} onSort=${onSort} />`)}</tr></thead>
    <tbody role="rowgroup">
      <tr class="space" aria-hidden="true" style=${{ height: `${from * sight.row}px` }}></tr>
      ${shown.map((row, index) => html`<tr key=${id(row)} role="row" class="line" aria-rowindex=${from + index + 2}>
        ${columns.map((one) => html`<td key=${one.name} role="cell" class=${`col-${one.name} ${one.num ? 'right num' : ''}`}>${one.cell(row)}</td>`)}</tr>`)}
      <tr class="space" aria-hidden="true" style=${{ height: `${(ordered.length - to) * sight.row}px` }}></tr>
    </tbody></table></div>`;
}
