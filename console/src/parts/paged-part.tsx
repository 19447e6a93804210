// A list whose newest lines are here, and older ones when they are asked for: invoices, payments, the ledger.
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Asked } from './asked.tsx';
import { NothingYet } from './nothing-yet.tsx';
import { Older } from './older.tsx';

interface PagedPart<T> {
  readonly id: string;
  readonly title: string;
  readonly lead?: string;
  readonly question: UseInfiniteQueryResult<InfiniteData<{ readonly data: readonly T[] }>>;
  readonly height: number;
  readonly none: { readonly title: string; readonly more: string };
  /** Without: all are. */
  isShown?(item: T): boolean;
  children(items: readonly T[]): ReactNode;
}

export function PagedPart<T>({ id, title, lead, question, height, none, isShown, children }: PagedPart<T>) {
  return (
    <section className="part" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {lead === undefined ? null : <p className="quiet">{lead}</p>}
      <Asked question={question} height={height}>
        {({ pages }) => {
          const items = pages.flatMap(({ data }) => data).filter((item) => isShown?.(item) ?? true);
          return items.length === 0 ? <NothingYet title={none.title}>{none.more}</NothingYet> : children(items);
        }}
      </Asked>
      <Older list={question} />
    </section>
  );
}
