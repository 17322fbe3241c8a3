/** The load of a server, from the page that it keeps for Prometheus. */
import { expect, it } from 'vitest';
import { loadIn } from '../../../src/data/llm/metrics.js';

it('is added up over engines', () => {
  const page = [
    '# HELP vllm:num_requests_running Number of requests in model execution batches.',
    '# TYPE vllm:num_requests_running gauge',
    'vllm:num_requests_running{engine="0",model_name="m"} 3.0',
    'vllm:num_requests_running{engine="1",model_name="m"} 4.0',
    'vllm:num_requests_waiting{engine="0",model_name="m"} 1.5e+01',
    'vllm:num_requests_waiting_by_reason{reason="capacity"} 99.0',
    'vllm:num_preemptions_total 7.0',
  ].join('\n');
  expect(loadIn(page)).toEqual({ running: 7, waiting: 15 });
});

it('is not known from other pages', () => {
  expect(loadIn('')).toBeUndefined();
  expect(loadIn('process_cpu_seconds_total 3\nvllm:num_requests_running 3')).toBeUndefined();
});
