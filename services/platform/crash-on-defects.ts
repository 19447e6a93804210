// A mistake that nobody caught leaves a process in a state that nobody knows: it says so once and goes, and the supervisor starts
// another. What was promised is safe, since the journal is written before anything is sent (R-OPS-1).
import type { Log } from './log.ts';

/** Rejections that nobody handles arrive here too: Node throws them. */
export function crashOnDefects(log: Log): void {
  process.on('uncaughtException', (error, origin) => {
    log.fatal({ err: error, origin }, 'process_crashed');
    process.exit(1);
  });
}
