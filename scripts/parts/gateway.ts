// The gateway part: api/main.ts with the environment that production gives it too.
// SIGTERM lets it drain: streams finish, leases go back, and only then is it gone.
import { join } from 'node:path';
import { type FakeStripe, stripeEnvironment } from './fake-stripe.ts';
import { gatewayHost } from './gateway-host.ts';
import type { Launch } from './home.ts';
import type { DatabaseUrls } from './migrate.ts';
import { ownProgram } from './own-program.ts';
import { whyUnhealthy } from './readiness.ts';
import { masterKeysFile } from './secrets.ts';
import { SupervisedProcess } from './supervised-process.ts';

/** Longer than a gateway takes to leave: 120 s for its streams, and what comes after them (api/drain.ts). */
const GRACE_MS = 130_000;

export interface Gateway {
  /** http://127.0.0.1:8080 */
  readonly url: string;
  readonly process: SupervisedProcess;
}

export interface GatewayNeeds {
  readonly port: number;
  readonly databases: DatabaseUrls;
  readonly redisUrl: string | null;
  readonly adminToken: string;
  readonly linkSecret: string;
  /** null: the environment says which, if any. */
  readonly stripe: FakeStripe | null;
  /** Where staff's pages link to; null: the environment says where, if anywhere. */
  readonly temporalUi: { readonly url: string; readonly namespace: string } | null;
}

export async function startGateway(launch: Launch, needs: GatewayNeeds): Promise<Gateway> {
  const url = `http://${gatewayHost()}:${needs.port}`;
  const supervised = await SupervisedProcess.start(
    {
      part: 'gateway',
      ...ownProgram(launch, 'api/main.ts'),
      env: environment(launch, needs),
      graceMs: GRACE_MS,
      readyWithinMs: 60_000,
      missing: () => whyUnhealthy(url, '/readyz'),
    },
    launch,
  );
  return { url, process: supervised };
}

function environment(
  launch: Launch,
  { port, databases, redisUrl, adminToken, linkSecret, stripe, temporalUi }: GatewayNeeds,
): NodeJS.ProcessEnv {
  return {
    ...process.env, // GATEWAY_PROCESSES, LOG_LEVEL, TOLLGATE_TRUSTED_PROXIES are the operator's
    PORT: String(port),
    DATABASE_URL: databases.gateway,
    DATABASE_URL_WORKER: databases.worker,
    DATABASE_URL_MEMBERS: databases.members,
    REDIS_URL: redisUrl ?? undefined,
    TOLLGATE_ADMIN_TOKEN: adminToken,
    TOLLGATE_LINK_SECRET: linkSecret,
    TOLLGATE_MASTER_KEYS: undefined,
    TOLLGATE_MASTER_KEYS_FILE: masterKeysFile(launch.home),
    ...(stripe === null ? {} : { ...stripeEnvironment(stripe), TOLLGATE_DEMO_CLOCK: '1' }),
    ...(temporalUi === null ? {} : { TEMPORAL_UI_URL: temporalUi.url, TEMPORAL_NAMESPACE: temporalUi.namespace }),
    TOLLGATE_JOURNAL_DIR: join(launch.home, 'journal'),
  };
}
