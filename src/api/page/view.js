// The view library under one name: Preact with its hooks, and templates that need neither a build nor `eval`.
//
// Everything in a template's `${}` becomes a text node or an attribute, never markup: text of strangers is safe there.

import { Fragment, h, render } from './vendor/preact.js';
import htm from './vendor/htm.js';

export const html = htm.bind(h);
export { Fragment, render };
export { useCallback, useEffect, useErrorBoundary, useLayoutEffect, useMemo, useRef, useState } from './vendor/preact-hooks.js';
