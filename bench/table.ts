/** The table that a benchmark prints, and the line that says on which machine. */
import { readFileSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import type { Row } from './measure.js';

export interface Machine {
  cpu: string;
  cores: number;
  node: string;
  onnxRuntime: string;
  threads: number;
  /** processes that wanted to run in the last minute, before the benchmark began */
  load: number;
}

/** Other work is running where more than this share of the cores was busy at the start. */
const IDLE_LOAD = 0.3;

export function machine(threads: number): Machine {
  const all = cpus();
  const file = new URL('../node_modules/onnxruntime-node/package.json', import.meta.url);
  const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version: string };
  return {
    cpu: cpuModel() ?? all[0].model.trim(),
    cores: all.length,
    node: process.versions.node,
    onnxRuntime: version,
    threads,
    load: loadavg()[0],
  };
}

/** Linux knows the model of more processors than Node does. */
function cpuModel(): string | undefined {
  try {
    return /^model name\s*:\s*(.+)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1];
  } catch {
    return undefined;
  }
}

export function machineLines({ cpu, cores, node, onnxRuntime, threads, load }: Machine): string[] {
  const line = `${cpu}, ${cores} cores; Node ${node}, ONNX Runtime ${onnxRuntime}; ${threadsText(threads)}; load at start ${load.toFixed(2)}`;
  if (load <= IDLE_LOAD * cores) return [line];
  return [
    line,
    'Warning: other work was running at the start; seconds come out too long. Ratios of one run are fairer.',
  ];
}

/** Three significant digits, without an exponent. */
export function digits(x: number): string {
  if (x === 0 || !Number.isFinite(x)) return String(x);
  const decimals = Math.max(0, 2 - Math.floor(Math.log10(Math.abs(x))));
  return x.toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A Markdown table, columns padded so that it reads well on a terminal too. */
export function table(rows: readonly Row[]): string {
  const limits = rows.some(({ limit }) => limit !== undefined);
  const head = [
    'measured',
    'median',
    'unit',
    'min to max',
    'runs',
    'against',
    'target',
    ...(limits ? ['limited by'] : []),
  ];
  const cells = rows.map((r) => [
    r.name,
    digits(r.value),
    r.unit,
    r.runs > 1 ? `${digits(r.min)} to ${digits(r.max)}` : '',
    String(r.runs),
    r.baseline ? `${digits(r.baseline.ratio)} x ${r.baseline.name}` : '',
    r.target ? `${r.target.text}: ${r.target.met ? 'met' : 'missed'}` : '',
    ...(limits ? [r.limit ?? ''] : []),
  ]);
  const widths = head.map((title, i) => Math.max(title.length, ...cells.map((line) => line[i].length)));
  const right = [1, 3, 4];
  const line = (texts: string[]): string =>
    `| ${texts.map((t, i) => (right.includes(i) ? t.padStart(widths[i]) : t.padEnd(widths[i]))).join(' | ')} |`;
  const rule = widths.map((w, i) => (right.includes(i) ? `${'-'.repeat(w - 1)}:` : '-'.repeat(w)));
  return [line(head), line(rule), ...cells.map(line)].join('\n');
}

const threadsText = (threads: number): string => (threads === 1 ? 'one thread' : `${threads} threads`);
