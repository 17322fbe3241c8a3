/**
 * page/: what HTML pages of ours share: templates that escape what is put into them, the looks in light and dark, and
 * numbers as people read them. The report on data runs and the page of a training run are made with it.
 */
export { escaped, Html, html } from './html.js';
export { fixed, grouped, short, ticks } from './numbers.js';
export { LOOKS } from './style.js';
