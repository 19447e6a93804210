// The state in memory and its way to the disk. Rows are never changed in place: events and kept answers may hold on to them.
// Nothing is written outside transact(), which is synchronous, so no request ever sees half of another.
import { Journal } from './journal.ts';
import type { Kind, Tables } from './tables.ts';

type Change = { [K in Kind]: readonly [kind: K, id: string, row: Tables[K] | null] }[Kind];

export class Store {
  readonly #tables: { [K in Kind]: Map<string, Tables[K]> } = {
    customer: new Map(),
    deleted_customer: new Map(),
    payment_method: new Map(),
    setup_intent: new Map(),
    payment_intent: new Map(),
    charge: new Map(),
    refund: new Map(),
    dispute: new Map(),
    early_fraud_warning: new Map(),
    balance_transaction: new Map(),
    checkout_session: new Map(),
    portal_session: new Map(),
    tax_calculation: new Map(),
    tax_transaction: new Map(),
    event: new Map(),
    card_use: new Map(),
    session_of_intent: new Map(),
    checkout_order: new Map(),
    ledger_entry: new Map(),
    task: new Map(),
    webhook_endpoint: new Map(),
    delivery: new Map(),
    answer: new Map(),
    clock: new Map(),
  };
  readonly #journal: Journal;
  #changes: Change[] | null = null;
  #undo: (() => void)[] = [];

  constructor(dataDir: string) {
    this.#journal = Journal.open(dataDir, (line) => {
      const changes: Change[] = JSON.parse(line);
      for (const [kind, id, row] of changes) this.#set(kind, id, row);
    });
  }

  get<K extends Kind>(kind: K, id: string): Tables[K] | undefined {
    return this.#table(kind).get(id);
  }

  /** Oldest first. */
  rows<K extends Kind>(kind: K): IterableIterator<Tables[K]> {
    return this.#table(kind).values();
  }

  put<K extends Kind>(kind: K, row: Tables[K] & { readonly id: string }): void {
    this.#change(kind, row.id, row);
  }

  drop(kind: Kind, id: string): void {
    this.#change(kind, id, null);
  }

  #change<K extends Kind>(kind: K, id: string, row: Tables[K] | null): void {
    if (this.#changes === null) throw new Error(`${kind} ${id} was to be written outside a transaction`);
    const before = this.#table(kind).get(id) ?? null;
    this.#undo.push(() => this.#set(kind, id, before));
    // A generic tuple is not seen as a member of the union that it is made for.
    this.#changes.push([kind, id, row] as Change);
    this.#set(kind, id, row);
  }

  /** All of it or nothing: what throws leaves no trace. */
  transact<T>(work: () => T): T {
    if (this.#changes !== null) throw new Error('a transaction within a transaction');
    const changes: Change[] = [];
    this.#changes = changes;
    this.#undo = [];
    try {
      const result = work();
      if (changes.length > 0) this.#journal.append(JSON.stringify(changes));
      return result;
    } catch (error) {
      this.takeBack();
      throw error;
    } finally {
      this.#changes = null;
    }
  }

  /** Within a transaction: as if nothing had been written in it yet. */
  takeBack(): void {
    for (const undo of this.#undo.reverse()) undo();
    this.#undo = [];
    this.#changes?.splice(0);
  }

  durable(): Promise<void> {
    return this.#journal.durable();
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  #table<K extends Kind>(kind: K): Map<string, Tables[K]> {
    return this.#tables[kind];
  }

  #set<K extends Kind>(kind: K, id: string, row: Tables[K] | null): void {
    if (row === null) this.#table(kind).delete(id);
    else this.#table(kind).set(id, row);
  }
}
