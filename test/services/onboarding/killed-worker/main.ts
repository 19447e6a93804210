// A worker that looks at an application and kills itself before or after its nth commit: what it had not committed never was.
import { Onboardings } from '../../../../services/onboarding/onboardings.ts';
import { createPool } from '../../../../services/platform/postgres.ts';

const [, , url = '', applicationId = '', when, nth] = process.argv;
const db = createPool(url, { name: 'victim', maxConnections: 1, statementTimeoutMs: 5_000 });
let commits = 0;

db.on('connect', (client) => {
  const query = client.query.bind(client) as (...asked: unknown[]) => Promise<unknown>;
  Object.assign(client, {
    query(...asked: unknown[]) {
      if (asked[0] !== 'commit') return query(...asked);
      commits += 1;
      if (commits !== Number(nth)) return query(...asked);
      if (when === 'before') process.kill(process.pid, 'SIGKILL');
      return query(...asked).then(() => process.kill(process.pid, 'SIGKILL'));
    },
  });
});

const onboardings = new Onboardings(db);
while ((await onboardings.tick(applicationId)).goesOn) {}
throw new Error(`it was never killed: ${commits} commits`);
