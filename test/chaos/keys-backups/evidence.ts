// Everything that an installation writes down, as text in files, for a search: the database row by row, the newest backup opened as whoever has the master key opens it,
// the logs, the journals, what lies in storage as it lies there, and Temporal's histories, as they are stored and as whoever has their key reads them.
import { createWriteStream, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';
import type { Client } from 'pg';
import { openedBackup } from '../../../services/backups/backup-file.ts';
import type { OpenPlace } from '../../../services/backups/backups.ts';
import { withProgram } from '../../../services/backups/niced-program.ts';
import { dumpProgramsFor } from '../../../services/backups/postgres-programs.ts';
import { KNOWN_NAME } from './key-tenants.ts';
import { asAdmin, type KeysProduct } from './keys-product.ts';
import type { RecordedBackup } from './stored-backups.ts';
import { payloadCodec, withTemporal } from './temporal-client.ts';

const OLDEST_MAJOR = 15;

export interface Evidence {
  readonly what: string;
  /** A file or a folder. */
  readonly path: string;
  /** Stands there, and may: a search that does not find it finds nothing. Null: there may be nothing at all. */
  readonly known: string | null;
}

export async function gatherEvidence(
  product: KeysProduct,
  place: OpenPlace,
  newest: RecordedBackup,
): Promise<Evidence[]> {
  const folder = join(product.folder, 'evidence');
  mkdirSync(folder, { recursive: true });
  const [database, dump, histories] = ['database.txt', 'dump.sql', 'histories.jsonl'].map((name) => join(folder, name));
  await asAdmin(product.database, (db) => writeDatabase(db, database ?? ''));
  await writeDump(place, newest, dump ?? '');
  await writeHistories(product, histories ?? '');
  return [
    { what: 'the database', path: database ?? '', known: KNOWN_NAME },
    { what: 'a dump', path: dump ?? '', known: KNOWN_NAME },
    { what: 'storage', path: product.stored, known: newest.name },
    { what: 'logs', path: join(product.folder, 'logs'), known: 'backup_proven' },
    { what: 'journals', path: join(product.folder, 'journal'), known: null },
    { what: 'histories', path: histories ?? '', known: newest.name },
    ...['', '-wal'].map((end) => ({
      what: "Temporal's own file",
      path: join(product.folder, `temporal.sqlite${end}`),
      known: end === '' ? 'backup' : null,
    })),
  ];
}

async function writeDatabase(db: Client, file: string): Promise<void> {
  const { rows: tables } = await db.query<{ name: string }>(
    `select format('%I.%I', n.nspname, c.relname) as name from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where c.relkind = 'r' and n.nspname not in ('pg_catalog', 'information_schema')`,
  );
  const out = createWriteStream(file);
  const text = async function* () {
    for (const { name } of tables) {
      yield `${name}\n`;
      const { rows } = await db.query<{ row: string }>(`select t::text as row from ${name} t`);
      for (const { row } of rows) yield `${row}\n`;
    }
  };
  await pipeline(Readable.from(text()), out);
}

async function writeDump(
  { store, vault, programs }: OpenPlace,
  { object }: RecordedBackup,
  file: string,
): Promise<void> {
  const { pgRestore } = await dumpProgramsFor(OLDEST_MAJOR, programs);
  await withProgram({ command: pgRestore, args: ['--file=-'] }, async ({ input, output }) => {
    const [written] = await Promise.all([
      pipeline(Readable.from(output()), createWriteStream(file)),
      pipeline(Readable.from(openedBackup(store.get(object), vault)), input),
    ]);
    return written;
  });
}

/** One line for each run. */
async function writeHistories(product: KeysProduct, file: string): Promise<void> {
  const codec = payloadCodec(product);
  const lines = await withTemporal(product, async ({ workflow }) => {
    const written: string[] = [];
    for await (const { workflowId, runId } of workflow.list()) {
      const history = historyToJSON(await workflow.getHandle(workflowId, runId).fetchHistory());
      written.push(`${workflowId} ${JSON.stringify(await opened(JSON.parse(history), codec))}`);
    }
    return written;
  });
  writeFileSync(file, lines.join('\n'));
}

interface EncodedPayload {
  readonly metadata: Readonly<Record<string, string>>;
  readonly data: string;
}

/** With every payload, wherever it stands, as what it says. */
async function opened(part: unknown, codec: ReturnType<typeof payloadCodec>): Promise<unknown> {
  if (Array.isArray(part)) return Promise.all(part.map((one) => opened(one, codec)));
  if (typeof part !== 'object' || part === null) return part;
  if (isPayload(part)) return textOf(part, codec);
  const entries = Object.entries(part).map(async ([name, value]) => [name, await opened(value, codec)] as const);
  return Object.fromEntries(await Promise.all(entries));
}

function isPayload(part: object): part is EncodedPayload {
  return 'data' in part && 'metadata' in part && typeof part.data === 'string';
}

async function textOf({ metadata, data }: EncodedPayload, codec: ReturnType<typeof payloadCodec>): Promise<string> {
  const bytes = (text: string) => Buffer.from(text, 'base64');
  const encoded = Object.fromEntries(Object.entries(metadata).map(([name, value]) => [name, bytes(value)]));
  const [payload] = await codec.decode([{ metadata: encoded, data: bytes(data) }]);
  return Buffer.from(payload?.data ?? []).toString();
}
