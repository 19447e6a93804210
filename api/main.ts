// Process 1: keeps GATEWAY_PROCESSES gateways running on one port, and takes care of what dead ones left. It serves no request
// itself, so that nothing a request does can stop it from starting another gateway (D6).
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { readConfig } from '../services/platform/config.ts';
import { crashOnDefects } from '../services/platform/crash-on-defects.ts';
import { armCrashPoints } from '../services/platform/crash-points.ts';
import { newId } from '../services/platform/ids.ts';
import { createLog } from '../services/platform/log.ts';
import { Caretaker } from './caretaker.ts';
import { GATEWAY_V8_FLAGS } from './gateway-flags.ts';
import { isRepeated } from './repeated-signal.ts';
import { ScrapeRelay } from './scrape.ts';

const SHORTEST_RESTART_MS = 100;
const LONGEST_RESTART_MS = 5_000;
/** A gateway that ran this long is not in a crash loop. */
const HEALTHY_AFTER_MS = 10_000;

const config = readConfig(process.env);
const log = createLog({ name: 'supervisor', level: config.logLevel });
crashOnDefects(log);
if (config.crashPoints !== null) armCrashPoints(config.crashPoints.points, config.crashPoints.log);
const caretaker = new Caretaker(config, log);
const scrapes = new ScrapeRelay();
const gateways = new Set<ChildProcess>();
let stopping = false;
let askedAtMs = 0;

process.on('SIGTERM', stop);
process.on('SIGINT', stop);
process.on('SIGHUP', stop);
await caretaker.begin();
for (let slot = 0; slot < config.gatewayProcesses; slot += 1) start(slot, SHORTEST_RESTART_MS);

function start(slot: number, pauseAfterDeathMs: number): void {
  if (stopping) return;
  const incarnationId = newId();
  const startedAtMs = performance.now();
  const program = join(import.meta.dirname, 'gateway.ts');
  const execArgv = [...process.execArgv, ...GATEWAY_V8_FLAGS];
  const again = () => {
    const lived = performance.now() - startedAtMs > HEALTHY_AFTER_MS;
    const pauseMs = lived ? SHORTEST_RESTART_MS : pauseAfterDeathMs;
    setTimeout(() => start(slot, Math.min(pauseMs * 2, LONGEST_RESTART_MS)), pauseMs);
  };
  const gateway = fork(program, [incarnationId, String(slot)], { stdio: 'inherit', execArgv });
  // Where it has no pid no process was to be had: the machine is out of them, or of memory. The other gateways serve on.
  gateway.on('error', (err) => {
    log.error({ incarnationId, pid: gateway.pid, err }, 'gateway_died');
    if (gateway.pid === undefined) again();
  });
  if (gateway.pid === undefined) return;
  gateways.add(gateway);
  scrapes.join(gateway);
  gateway.on('exit', (code, signal) => {
    gateways.delete(gateway);
    void caretaker.gatewayDied();
    if (stopping) {
      if (gateways.size === 0) void leave();
      return;
    }
    log.error({ incarnationId, pid: gateway.pid, code, signal }, 'gateway_died');
    again();
  });
}

/** Asked again, it asks the gateways again: they cut short what they wait for (D15). */
function stop(): void {
  const nowMs = performance.now();
  if (stopping && !isRepeated(askedAtMs, nowMs)) return;
  for (const gateway of gateways) gateway.kill('SIGTERM');
  if (stopping) return;
  stopping = true;
  askedAtMs = nowMs;
  if (gateways.size === 0) void leave();
}

async function leave(): Promise<void> {
  await caretaker.end();
  process.exit(0);
}
