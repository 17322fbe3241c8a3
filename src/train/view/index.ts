/**
 * view/: a training as people follow it: in the terminal (`LiveView`), redrawn after each step, and on a page
 * (`servePage`; `servePageBeside` in a thread of its own). Both read the run's folder; neither changes anything.
 */
export { servePageBeside } from './beside.js';
export { LiveView } from './live.js';
export { PAGE_PORT, type Page, type PageOptions, servePage } from './serve.js';
