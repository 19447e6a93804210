// The fake Stripe as a process of its own. Its one line on stdout says where it listens; whoever started it waits for that.
import { startFakeStripe } from './server.ts';

const { FAKE_STRIPE_DATA_DIR, HOST = '127.0.0.1', PORT = '0' } = process.env;
const { FAKE_STRIPE_WEBHOOK_URL: webhookUrl, FAKE_STRIPE_WEBHOOK_SECRET: webhookSecret } = process.env;
if (FAKE_STRIPE_DATA_DIR === undefined || FAKE_STRIPE_DATA_DIR === '') {
  throw new Error('Cannot start: FAKE_STRIPE_DATA_DIR is not set (the folder of its journal)');
}
if (!/^\d{1,5}$/.test(PORT)) throw new Error(`Cannot start: PORT=${PORT} is not a port`);
if ((webhookUrl === undefined) !== (webhookSecret === undefined)) {
  throw new Error(
    'Cannot start: FAKE_STRIPE_WEBHOOK_URL and FAKE_STRIPE_WEBHOOK_SECRET are set together or not at all',
  );
}

const webhook =
  webhookUrl === undefined || webhookSecret === undefined
    ? {}
    : { webhook: { url: webhookUrl, secret: webhookSecret } };
const stripe = await startFakeStripe({ port: Number(PORT), dataDir: FAKE_STRIPE_DATA_DIR, host: HOST, ...webhook });
let stopping = false;
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => {
    if (!stopping) void stripe.close();
    stopping = true;
  });
}

// Last, so that whoever reads it can already end us.
process.stdout.write(`fake stripe listening on ${stripe.url}\n`);
