/** `bagpiper data` and the commands below it; each has its arguments in a file of its own, and its code in another. */
import type { Command } from 'commander';
import type { Start } from '../context.js';
import { addExport } from './export-command.js';
import { addFilter } from './filter-command.js';
import { addLabel, addStatus } from './label-command.js';
import { addQuery, addReport } from './report-command.js';
import { addSimulate } from './simulate-command.js';
import { addWorker } from './worker-command.js';

export function addData(program: Command, start: Start): void {
  const data = program
    .command('data')
    .description('From a folder of sound to data that trains: label, filter, simulate, judge, export (docs/data.md).');
  addLabel(data, start);
  addFilter(data, start);
  addSimulate(data, start);
  addExport(data, start);
  addStatus(data, start);
  addReport(data, start);
  addQuery(data, start);
  addWorker(data, start);
}
