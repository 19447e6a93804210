// Temporal's SDK writes its lines, and those of workflows and activities, into our log: one JSON object each, scrubbed like all.
import type { Logger } from '@temporalio/worker';
import type { Log } from '../services/platform/log.ts';

const LEVELS = { TRACE: 'trace', DEBUG: 'debug', INFO: 'debug', WARN: 'warn', ERROR: 'error' } as const;
/** What our own activities say is as loud as they say it; the SDK's information is for those who debug it. */
const OURS = new Set<unknown>(['activity', 'workflow']);

export function sdkLogger(log: Log): Logger {
  const write = (level: keyof typeof LEVELS, message: string, meta: Record<string | symbol, unknown> = {}) => {
    const { sdkComponent, error, taskToken: _, ...rest } = meta;
    const isOurs = OURS.has(sdkComponent) && /^[a-z]+(_[a-z]+)+$/.test(message);
    const loudness = isOurs && level === 'INFO' ? 'info' : LEVELS[level];
    const about = { ...(error === undefined ? {} : { err: error }), ...rest };
    if (isOurs) log[loudness](about, message);
    else log[loudness]({ ...about, sdkComponent, message }, 'temporal_sdk');
  };
  return {
    log: write,
    trace: (message, meta) => write('TRACE', message, meta),
    debug: (message, meta) => write('DEBUG', message, meta),
    info: (message, meta) => write('INFO', message, meta),
    warn: (message, meta) => write('WARN', message, meta),
    error: (message, meta) => write('ERROR', message, meta),
  };
}
