// The fake Stripe part: where a fresh installation takes payments, a process of its own that keeps its state beside ours. It sends its
// webhooks to the gateway, which is not up yet: those of an earlier start are sent again until it is.
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { gatewayHost } from './gateway-host.ts';
import type { Launch } from './home.ts';
import { ownProgram } from './own-program.ts';
import { whyUnhealthy } from './readiness.ts';
import { SupervisedProcess } from './supervised-process.ts';

const HOST = '127.0.0.1';
const PROGRAM = 'test/support/fake-stripe/main.ts';

export interface FakeStripe {
  readonly url: string;
  readonly secretKey: string;
  readonly webhookSecret: string;
  readonly process: SupervisedProcess;
}

export async function startFakeStripe(launch: Launch, port: number, gatewayPort: number): Promise<FakeStripe> {
  const url = `http://${HOST}:${port}`;
  // Told anew to both sides at every start, and so kept nowhere.
  const webhookSecret = `whsec_${randomBytes(24).toString('hex')}`;
  const process = await SupervisedProcess.start(
    {
      part: 'stripe',
      ...ownProgram(launch, PROGRAM),
      env: {
        ...globalThis.process.env,
        HOST,
        PORT: String(port),
        FAKE_STRIPE_DATA_DIR: join(launch.home, 'stripe'),
        FAKE_STRIPE_WEBHOOK_URL: `http://${gatewayHost()}:${gatewayPort}/webhooks/stripe`,
        FAKE_STRIPE_WEBHOOK_SECRET: webhookSecret,
      },
      graceMs: 10_000,
      readyWithinMs: 30_000,
      missing: () => whyUnhealthy(url, '/livez'),
    },
    launch,
  );
  return { url, secretKey: `sk_test_${randomBytes(24).toString('hex')}`, webhookSecret, process };
}

/** For those processes of ours that ask it. */
export function stripeEnvironment(stripe: FakeStripe): NodeJS.ProcessEnv {
  return {
    STRIPE_API_BASE: stripe.url,
    STRIPE_SECRET_KEY: stripe.secretKey,
    STRIPE_WEBHOOK_SECRET: stripe.webhookSecret,
  };
}
