// The worker part: workers/main.ts with the environment that production gives it too.
// SIGTERM lets it end what it is doing; what it cannot end is done again by the next one.

import { WORKER_ALLOCATOR, WORKER_V8_FLAGS } from '../../workers/worker-flags.ts';
import { type FakeStripe, stripeEnvironment } from './fake-stripe.ts';
import type { Launch } from './home.ts';
import { noteEnvironment } from './noted-environment.ts';
import { ownProgram } from './own-program.ts';
import { whyUnhealthy } from './readiness.ts';
import { masterKeysFile, payloadKeysFile } from './secrets.ts';
import { SupervisedProcess } from './supervised-process.ts';
import { TEMPORAL_NAMESPACE, type TemporalServer } from './temporal.ts';

const HOST = '127.0.0.1';
/** Longer than a worker takes to leave (workers/main.ts). */
const GRACE_MS = 30_000;

export interface WorkerNeeds {
  readonly port: number;
  readonly sdkMetricsPort: number;
  readonly databaseUrl: string;
  /** What it is told of backups. */
  readonly backups: NodeJS.ProcessEnv;
  readonly temporal: TemporalServer;
  readonly adminToken: string;
  readonly linkSecret: string;
  /** Where customers' browsers reach the gateway. */
  readonly publicUrl: string;
  readonly smtpUrl: string;
  readonly stripe: FakeStripe;
}

export interface RunningWorker {
  /** http://127.0.0.1:8083 */
  readonly url: string;
  readonly process: SupervisedProcess;
}

export async function startWorker(launch: Launch, needs: WorkerNeeds): Promise<RunningWorker> {
  const url = `http://${HOST}:${needs.port}`;
  const told = environment(launch, url, needs);
  noteEnvironment(launch.home, 'worker', told);
  const supervised = await SupervisedProcess.start(
    {
      part: 'worker',
      ...ownProgram(launch, 'workers/main.ts', WORKER_V8_FLAGS),
      env: { ...process.env, ...told }, // LOG_LEVEL, NODE_ENV and the bundle that production starts with are the operator's
      graceMs: GRACE_MS,
      readyWithinMs: 60_000,
      missing: () => whyUnhealthy(url, '/readyz'),
    },
    launch,
  );
  return { url, process: supervised };
}

function environment(launch: Launch, url: string, needs: WorkerNeeds): NodeJS.ProcessEnv {
  return {
    ...WORKER_ALLOCATOR,
    TZ: 'UTC',
    WORKER_HOST: HOST,
    WORKER_PORT: String(needs.port),
    WORKER_SDK_METRICS_PORT: String(needs.sdkMetricsPort),
    DATABASE_URL_WORKER: needs.databaseUrl,
    ...needs.backups,
    TEMPORAL_ADDRESS: needs.temporal.address,
    TEMPORAL_NAMESPACE,
    TEMPORAL_UI_URL: needs.temporal.uiUrl ?? undefined,
    TOLLGATE_ADMIN_TOKEN: needs.adminToken,
    TOLLGATE_LINK_SECRET: needs.linkSecret,
    TOLLGATE_MASTER_KEYS: undefined,
    TOLLGATE_MASTER_KEYS_FILE: masterKeysFile(launch.home),
    TOLLGATE_PAYLOAD_KEYS: undefined,
    TOLLGATE_PAYLOAD_KEYS_FILE: payloadKeysFile(launch.home),
    TOLLGATE_RUNBOOK_URL: `${url}/runbook`,
    TOLLGATE_PUBLIC_URL: process.env.TOLLGATE_PUBLIC_URL || needs.publicUrl,
    ...stripeEnvironment(needs.stripe),
    SMTP_URL: needs.smtpUrl,
    MAIL_FROM: 'Tollgate <billing@tollgate.example>',
    MAIL_STAFF: 'staff@tollgate.example',
  };
}
