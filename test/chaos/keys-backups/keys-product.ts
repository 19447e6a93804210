// A product of this campaign's own: PostgreSQL, Temporal, the demo provider, object storage, two gateways under their supervisor, and workers
// that take backups. Everything that is secret in it was made here, and none of it may be read anywhere at the end. The bench of backups has one too,
// with one worker and a folder for its backups.
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { Client } from 'pg';
import { replaceFile } from '../../../scripts/parts/atomic-file.ts';
import { TEMPORAL_NAMESPACE } from '../../../scripts/parts/temporal.ts';
import { REMOVER, WRITER } from '../../support/fake-s3.ts';
import { freePort } from '../../support/free-port.ts';
import { noteMigrations } from '../../support/noted-migrations.ts';
import { postgresPrograms } from '../../support/postgres-programs.ts';
import {
  startThrowawayPostgres,
  type ThrowawayDatabase,
  type ThrowawayPostgres,
} from '../../support/throwaway-postgres.ts';
import { workflowBundle } from '../../support/workflow-bundle.ts';
import {
  NEIGHBOUR_AWAY_MS,
  ours,
  type Served,
  type ServedWorker,
  startDemoProvider,
  startDevServer,
  startWorker,
} from '../kept-parts.ts';
import { type KeptProcess, ProcessYard } from '../process-yard.ts';
import { answers } from '../product.ts';

const LOGINS = ['gateway', 'worker', 'members', 'backup'] as const;

export interface KeysParts {
  readonly workers: readonly string[];
  readonly gateways: number;
  /** Settings of its server. */
  readonly postgres: Parameters<typeof startThrowawayPostgres>[0];
  readonly storage: 'objects' | 'folder';
}

const OF_A_CAMPAIGN: KeysParts = {
  workers: ['worker-a', 'worker-b'],
  gateways: 2,
  postgres: {},
  storage: 'objects',
};

export interface KeysProduct {
  readonly folder: string;
  readonly postgres: ThrowawayPostgres;
  readonly database: ThrowawayDatabase;
  readonly api: string;
  readonly gateway: KeptProcess;
  readonly demo: Served;
  /** Null: backups lie in a folder. */
  readonly objects: Served | null;
  readonly temporal: Served;
  readonly workers: readonly ServedWorker[];
  readonly adminToken: string;
  readonly masterKeys: MasterKeys;
  /** Of gateways and workers. */
  readonly environment: NodeJS.ProcessEnv;
  /** Where servers are made to restore on, and must be gone. */
  readonly scratch: string;
  /** Where backups lie as they are stored. */
  readonly stored: string;
  /** What nobody may read, by what it is. */
  readonly secrets: ReadonlyMap<string, string>;
  close(): Promise<void>;
}

export async function startKeysProduct(wanted: Partial<KeysParts> = {}): Promise<KeysProduct> {
  const parts = { ...OF_A_CAMPAIGN, ...wanted };
  await using stack = new AsyncDisposableStack();
  const folder = mkdtempSync(join(tmpdir(), 'tollgate-chaos-keys-'));
  chmodSync(folder, 0o711); // PostgreSQL walks through it as nobody, where we run as root
  const [scratch, stored] = [join(folder, 'scratch'), join(folder, 'stored')];
  for (const one of [join(folder, 'journal'), scratch, stored]) mkdirSync(one, { mode: 0o711 });
  const postgres = stack.adopt(await startThrowawayPostgres(parts.postgres), (one) => one.stop());
  const database = await postgres.createDatabase();
  await asAdmin(database, noteMigrations);
  const yard = stack.adopt(new ProcessYard(folder), (one) => one.close());
  const site: Site = { folder, scratch, stored, yard, database, masterKeys: new MasterKeys(folder), parts };

  const demo = await startDemoProvider(site, NEIGHBOUR_AWAY_MS);
  const objects = parts.storage === 'objects' ? await startObjects(site) : null;
  const temporal = await startDevServer(site);
  const port = await freePort();
  const api = `http://127.0.0.1:${port}`;
  const { environment, secrets } = await environmentOf(site, { objects, temporal, api });
  const env = { ...environment, PORT: String(port), GATEWAY_PROCESSES: String(parts.gateways) };
  const gateway = yard.keep(ours('gateway', 'api/main.ts', env));
  await answers(`${api}/readyz`);
  const workers = await Promise.all(parts.workers.map((name) => startWorker(site, name, environment)));

  const belongings = stack.move();
  const close = () => belongings.disposeAsync();
  const adminToken = secrets.get('admin token') ?? '';
  const { masterKeys } = site;
  return {
    ...{ folder, postgres, database, api, gateway, demo, objects, temporal, workers, adminToken, masterKeys },
    ...{ environment, scratch, stored, secrets, close },
  };
}

/** As superuser, by a connection of its own. */
export async function asAdmin<T>({ url }: ThrowawayDatabase, work: (db: Client) => Promise<T>): Promise<T> {
  const db = new Client({ connectionString: url });
  db.on('error', () => undefined); // it is being killed all the time
  await db.connect();
  try {
    return await work(db);
  } finally {
    await db.end().catch(() => undefined);
  }
}

interface Site {
  readonly folder: string;
  readonly scratch: string;
  readonly stored: string;
  readonly yard: ProcessYard;
  readonly database: ThrowawayDatabase;
  readonly masterKeys: MasterKeys;
  readonly parts: KeysParts;
}

/** The file of master keys as the operator keeps it: every process reads it, and he adds to it. */
export class MasterKeys {
  readonly file: string;
  readonly #keys = new Map<number, string>();

  constructor(folder: string) {
    this.file = join(folder, 'master-keys.json');
    this.add();
  }

  /** Its version. */
  add(): number {
    const version = this.#keys.size + 1;
    this.#keys.set(version, randomBytes(32).toString('base64'));
    replaceFile(this.file, JSON.stringify({ current: 1, keys: Object.fromEntries(this.#keys) }), 0o600);
    return version;
  }

  get newest(): number {
    return this.#keys.size;
  }

  /** In base64. */
  all(): readonly string[] {
    return [...this.#keys.values()];
  }
}

async function startObjects({ stored, yard }: Site): Promise<Served> {
  const port = await freePort();
  const env = { PORT: String(port), OBJECT_STORE_DIR: stored };
  const process = yard.keep(ours('objects', 'test/support/object-store/main.ts', env, NEIGHBOUR_AWAY_MS));
  return { url: `http://127.0.0.1:${port}`, process };
}

interface Neighbours {
  readonly objects: Served | null;
  readonly temporal: Served;
  readonly api: string;
}

async function environmentOf(
  { folder, database, scratch, stored, masterKeys }: Site,
  { objects, temporal, api }: Neighbours,
): Promise<{ readonly environment: NodeJS.ProcessEnv; readonly secrets: ReadonlyMap<string, string> }> {
  const secrets = new Map<string, string>();
  const secret = (name: string, value = randomBytes(24).toString('hex')) => {
    secrets.set(name, value);
    return value;
  };
  const [gateway, worker, members, backup] = LOGINS.map((login) => {
    const url = new URL(database.urlFor(login));
    url.password = secret(`password of ${login}`); // the server trusts whom it sees; where it goes is looked at
    return url.href;
  });
  const environment = {
    ...{ DATABASE_URL: gateway, DATABASE_URL_WORKER: worker, DATABASE_URL_MEMBERS: members },
    DATABASE_URL_BACKUP: backup,
    TOLLGATE_ADMIN_TOKEN: secret('admin token'),
    TOLLGATE_LINK_SECRET: secret('link secret'),
    TOLLGATE_MASTER_KEYS_FILE: masterKeys.file,
    TOLLGATE_PAYLOAD_KEYS: JSON.stringify({
      current: 1,
      keys: { 1: secret('payload key', randomBytes(32).toString('base64')) },
    }),
    TOLLGATE_JOURNAL_DIR: join(folder, 'journal'),
    TOLLGATE_PUBLIC_URL: api,
    TEMPORAL_ADDRESS: temporal.url,
    TEMPORAL_NAMESPACE,
    TOLLGATE_WORKFLOW_BUNDLE: await workflowBundle(),
    TOLLGATE_BACKUP_SCRATCH: scratch,
    PG_BIN: postgresPrograms().join(delimiter),
    ...(objects === null ? { TOLLGATE_BACKUP_STORE: stored } : objectStorage(objects)),
  };
  if (objects !== null) for (const { id, secret: value } of [WRITER, REMOVER]) secret(`credential of ${id}`, value);
  return { environment, secrets };
}

function objectStorage({ url }: Served): NodeJS.ProcessEnv {
  return {
    TOLLGATE_BACKUP_STORE: 's3://backups',
    TOLLGATE_BACKUP_ENDPOINT: url,
    TOLLGATE_BACKUP_WRITER: `${WRITER.id}:${WRITER.secret}`,
    TOLLGATE_BACKUP_REMOVER: `${REMOVER.id}:${REMOVER.secret}`,
  };
}
