// Chooses the theme before anything is painted, so that nothing flashes. Runs as a classic script in the head.
//
// `<html data-theme>` is always `light` or `dark`: what the person chose, or else what the system prefers, as long as it does.
// Whoever draws on a canvas listens to the window's `themechange`.
(() => {
  const KEY = 'signalmill.theme';
  const system = matchMedia('(prefers-color-scheme: dark)');
  const stored = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // Storage may be forbidden: then the system decides.
    }
  };
  const systems = () => (system.matches ? 'dark' : 'light');
  const apply = () => {
    const chosen = stored();
    document.documentElement.dataset.theme = chosen === 'light' || chosen === 'dark' ? chosen : systems();
    dispatchEvent(new Event('themechange'));
  };
  const choose = (theme) => {
    try {
      // Choosing what the system prefers means following it again.
      if (theme === systems()) localStorage.removeItem(KEY);
      else localStorage.setItem(KEY, theme);
      apply();
    } catch {
      document.documentElement.dataset.theme = theme;
      dispatchEvent(new Event('themechange'));
    }
  };
  system.addEventListener('change', apply);
  addEventListener('storage', (event) => event.key === KEY && apply());
  window.signalmillTheme = { choose, current: () => document.documentElement.dataset.theme };
  apply();
})();
