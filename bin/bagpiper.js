#!/usr/bin/env node
// The command line's entry: the compiled program lies in dist/ (npm run build, or any npm script, makes it).
import('../dist/cli/main.js').then(
  (program) => program.main(process.argv.slice(2)),
  (error) => {
    if (error?.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    const packages = String(error.message).startsWith('Cannot find package');
    const what = packages ? 'Packages of Bagpiper are missing' : 'Bagpiper is not compiled yet';
    console.error(`bagpiper: ${what}; run "npm ci" and "npm run build" in the checkout, then try again.`);
    process.exit(1);
  },
);
