// Process 1: keeps GATEWAY_PROCESSES gateways running on one port, and takes care of what dead ones left. It serves no request
// itself, so that nothing a request does can stop it from starting another gateway (D6).
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { readConfig } from '../services/platform/config.ts';
import { armCrashPoints } from '../services/platform/crash-points.ts';
import { newId } from '../services/platform/ids.ts';
import { createLog } from '../services/platform/log.ts';
import { Caretaker } from './caretaker.ts';

const SHORTEST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;
/** A gateway that ran this long is not in a crash loop. */
const HEALTHY_AFTER_MS = 10_000;

const config = readConfig(process.env);
const log = createLog({ name: 'supervisor', level: config.logLevel });
if (config.crashPoints !== null) armCrashPoints(config.crashPoints.points, config.crashPoints.log);
const caretaker = new Caretaker(config, log);
const gateways = new Set<ChildProcess>();
let stopping = false;

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('SIGHUP', stop);
await caretaker.begin();
for (let slot = 0; slot < config.gatewayProcesses; slot += 1) start(SHORTEST_RESTART_MS);

function start(pauseAfterDeathMs: number): void {
  if (stopping) return;
  const incarnationId = newId();
  const startedAtMs = performance.now();
  const gateway = fork(join(import.meta.dirname, 'gateway.ts'), [incarnationId], { stdio: 'inherit' });
  gateways.add(gateway);
  gateway.on('exit', (code, signal) => {
    gateways.delete(gateway);
    void caretaker.gatewayDied();
    if (stopping) {
      if (gateways.size === 0) void leave();
      return;
    }
    log.error({ incarnationId, pid: gateway.pid, code, signal }, 'gateway_died');
    const lived = performance.now() - startedAtMs > HEALTHY_AFTER_MS;
    const pauseMs = lived ? SHORTEST_RESTART_MS : pauseAfterDeathMs;
    setTimeout(() => start(Math.min(pauseMs * 2, LONGEST_RESTART_MS)), pauseMs);
  });
}

/** Signals may come twice (to the process group, and forwarded by npm). */
function stop(): void {
  if (stopping) return;
  stopping = true;
  for (const gateway of gateways) gateway.kill('SIGTERM');
  if (gateways.size === 0) void leave();
}

async function leave(): Promise<void> {
  await caretaker.end();
  process.exit(0);
}
