// A worker that looks at a rotation and kills itself before its nth commit: what it had done at the provider by then is done.
import { ChannelKeyRotations } from '../../../../services/channel-key-rotation/rotations.ts';
import { Egress } from '../../../../services/egress/egress.ts';
import { createPool } from '../../../../services/platform/postgres.ts';
import { parseKeyring, Vault } from '../../../../services/vault/vault.ts';

const [, , url = '', slotId = '', keyring = '', nth] = process.argv;
const db = createPool(url, { name: 'victim', maxConnections: 1, statementTimeoutMs: 5_000 });
let commits = 0;

db.on('connect', (client) => {
  const query = client.query.bind(client) as (...asked: unknown[]) => unknown;
  Object.assign(client, {
    query(...asked: unknown[]) {
      if (asked[0] !== 'commit') return query(...asked);
      commits += 1;
      if (commits !== Number(nth)) return query(...asked);
      return process.kill(process.pid, 'SIGKILL');
    },
  });
});

const vault = new Vault(parseKeyring('Master', keyring));
const rotations = new ChannelKeyRotations({ db, vault, egress: new Egress() });
while ((await rotations.tick(slotId)).goesOn) {}
throw new Error(`it was never killed: ${commits} commits`);
