/**
 * queue/: stages worked on by other processes, on any machine, through BullMQ on Redis. A coordinator, which has the run, sends
 * records and alone writes what comes back; workers make stages from their specs. Whoever is killed is replaced: workers' records
 * go to others, a coordinator that comes back finds finished records waiting. docs/data-scale.md explains it.
 */
export { Coordinator, type CoordinatorOptions } from './coordinator.js';
export type { QueueExecutor } from './executor.js';
export { type QueueHealth, queueHealth, type WorkerSaid } from './health.js';
export { runWorker, type WorkerOptions } from './worker.js';
