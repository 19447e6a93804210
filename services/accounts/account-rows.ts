// better-auth's way to our rows: in the transaction of whoever called it, so that what it writes becomes true together with the audit entry; a
// person is read where persons are kept, and never written here; and the id of a session is stored and looked up by its hash alone (D85).
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import { type CleanedWhere, createAdapterFactory } from 'better-auth/adapters';
import type { Pool, PoolClient } from 'pg';

interface Table {
  readonly name: string;
  readonly columns: Readonly<Record<string, string>>;
}

const TABLES: Readonly<Record<string, Table>> = {
  user: {
    name: 'persons',
    columns: {
      id: 'id',
      email: 'email',
      name: 'name',
      emailVerified: '(email_verified_at is not null)',
      createdAt: 'created_at',
      updatedAt: 'created_at',
    },
  },
  account: {
    name: 'auth.accounts',
    columns: {
      id: 'id',
      userId: 'person_id',
      providerId: 'provider_id',
      accountId: 'account_id',
      password: 'password_hash',
      createdAt: 'created_at',
      updatedAt: 'changed_at',
    },
  },
  session: {
    name: 'auth.sessions',
    columns: {
      id: 'id',
      userId: 'person_id',
      token: 'id_hash',
      createdAt: 'created_at',
      updatedAt: 'seen_at',
      expiresAt: 'expires_at',
      ipAddress: 'client_address',
      userAgent: 'user_agent',
    },
  },
};

const OPERATORS: Readonly<Record<string, string>> = { eq: '=', lt: '<', lte: '<=', gt: '>', gte: '>=' };

const transaction = new AsyncLocalStorage<PoolClient>();

/** All that better-auth reads and writes meanwhile. */
export function within<T>(tx: PoolClient, work: () => Promise<T>): Promise<T> {
  return transaction.run(tx, work);
}

export function accountRows(pool: Pool) {
  const rowsOf = async (sql: string, values: readonly unknown[]): Promise<Record<string, unknown>[]> => {
    const { rows } = await (transaction.getStore() ?? pool).query<Record<string, unknown>>(sql, [...values]);
    return rows;
  };
  return createAdapterFactory({
    config: {
      adapterId: 'tollgate',
      supportsJSON: false,
      supportsDates: true,
      supportsBooleans: true,
      transaction: false,
    },
    adapter: () => ({
      async create({ model, data }) {
        await rowsOf(...insertion(model, data));
        return data;
      },
      async findOne<T>({ model, where }: { model: string; where: CleanedWhere[] }) {
        const [row] = await rowsOf(...selection(model, where, 1));
        return (row === undefined ? null : asAsked(row, where)) as T | null;
      },
      async findMany<T>({ model, where, limit }: { model: string; where?: CleanedWhere[] | undefined; limit: number }) {
        return (await rowsOf(...selection(model, where ?? [], limit))) as T[];
      },
      async update<T>({ model, where, update }: { model: string; where: CleanedWhere[]; update: T }) {
        await rowsOf(...updating(model, where, Object(update)));
        const [row] = await rowsOf(...selection(model, where, 1));
        return (row === undefined ? null : asAsked(row, where)) as T | null;
      },
      updateMany: async ({ model, where, update }) => (await rowsOf(...updating(model, where, update))).length,
      async delete({ model, where }) {
        await rowsOf(...deletion(model, where));
      },
      deleteMany: async ({ model, where }) => (await rowsOf(...deletion(model, where))).length,
      async count() {
        throw new Error('nobody counts accounts by better-auth');
      },
    }),
  });
}

function tableOf(kind: string): Table {
  const table = TABLES[kind];
  if (table === undefined) throw new Error(`better-auth asked for ${kind}, which is not kept for it`);
  return table;
}

/** What a person is, services/people alone says. */
function written(kind: string): Table {
  if (kind === 'user') throw new Error('better-auth wanted to write a person');
  return tableOf(kind);
}

/** Of what better-auth knows for other ways to sign in, it gives nothing here, as null. */
function isKept(columns: Table['columns'], field: string, value: unknown): boolean {
  if (field in columns) return true;
  if (value === null || value === undefined) return false;
  throw new Error(`better-auth wanted to keep ${field}, for which there is no column`);
}

type Statement = [sql: string, values: unknown[]];

function insertion(kind: string, data: Readonly<Record<string, unknown>>): Statement {
  const { name, columns } = written(kind);
  const fields = Object.keys(data).filter((field) => isKept(columns, field, data[field]));
  const list = fields.map((field) => columns[field]).join(', ');
  const places = fields.map((_, at) => `$${at + 1}`).join(', ');
  return [`insert into ${name} (${list}) values (${places})`, fields.map((field) => stored(field, data[field]))];
}

function updating(kind: string, where: readonly CleanedWhere[], update: Readonly<Record<string, unknown>>): Statement {
  const { name, columns } = written(kind);
  const fields = Object.keys(update).filter((field) => isKept(columns, field, update[field]));
  const set = fields.map((field, at) => `${columns[field]} = $${at + 1}`).join(', ');
  const { sql, values } = condition(columns, where, fields.length);
  const given = fields.map((field) => stored(field, update[field]));
  return [`update ${name} set ${set} where ${sql} returning id`, [...given, ...values]];
}

function deletion(kind: string, where: readonly CleanedWhere[]): Statement {
  const { name, columns } = written(kind);
  const { sql, values } = condition(columns, where, 0);
  return [`delete from ${name} where ${sql} returning id`, values];
}

function selection(kind: string, where: readonly CleanedWhere[], most: number): [sql: string, values: unknown[]] {
  const { name, columns } = tableOf(kind);
  const list = Object.entries(columns).map(([field, column]) => `${column} as "${field}"`);
  const { sql, values } = condition(columns, where, 0);
  return [`select ${list.join(', ')} from ${name} where ${sql} limit ${Math.trunc(most)}`, values];
}

function condition(columns: Table['columns'], where: readonly CleanedWhere[], used: number) {
  const parts = where.map(({ field, operator, connector }, at) => {
    const [column, sign] = [columns[field], OPERATORS[operator ?? 'eq']];
    if (column === undefined || sign === undefined || connector === 'OR') {
      throw new Error(`better-auth asked for ${connector} ${field} ${operator}, which nobody foresaw`);
    }
    return `${column} ${sign} $${used + at + 1}`;
  });
  return { sql: ['true', ...parts].join(' and '), values: where.map(({ field, value }) => stored(field, value)) };
}

function stored(field: string, value: unknown): unknown {
  return field === 'token' ? hashOfSessionId(String(value)) : value;
}

/** Whoever looked a session up by its id knows it; nobody else is told. */
function asAsked(row: Record<string, unknown>, where: readonly CleanedWhere[]): Record<string, unknown> {
  if (!('token' in row)) return row;
  return { ...row, token: where.find(({ field }) => field === 'token')?.value ?? '' };
}

export function hashOfSessionId(id: string): Buffer {
  return createHash('sha256').update(id).digest();
}
