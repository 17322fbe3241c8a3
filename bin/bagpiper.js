#!/usr/bin/env node
// The command line's entry: the compiled program lies in dist/ (npm run build, or any npm script, makes it).
import('../dist/cli/main.js').then(
  (program) => program.main(process.argv.slice(2)),
  (error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND' || !String(error.message).includes('dist')) throw error;
    console.error('Bagpiper is not compiled yet. Run "npm run build" in the checkout, then try again.');
    process.exit(1);
  },
);
