// The days of the last weeks, each with what became of its backups; of the one that is chosen all that is known.
import { Badge } from '@mantine/core';
import { useState } from 'react';
import type { Backup } from '../api/operations-questions.ts';
import { type BackupDay, backupDays, stateOf } from '../backup-days.ts';
import { spokenSize, spokenSpan } from '../measures.ts';
import { spokenTag, useWords } from '../messages/language.ts';
import { Fact } from './fact.tsx';
import { Moment } from './moment.tsx';
import { ToWorkflow } from './to-workflow.tsx';

const WEEKS = 5;

export function BackupCalendar({ backups }: { readonly backups: readonly Backup[] }) {
  const t = useWords();
  const days = backupDays(backups, WEEKS, Date.now());
  const [chosen, choose] = useState<string | null>(null);
  const shown = days.find(({ day }) => day === chosen) ?? whatHeCameFor(days);
  return (
    <section className="part" aria-labelledby="days">
      <h2 id="days">{t('backups.days')}</h2>
      <p className="quiet">{t('backups.daysMore')}</p>
      <ol className="calendar">
        {days.map((day) => (
          <li key={day.day}>
            <Day day={day} isShown={day === shown} choose={() => choose(day.day)} />
          </li>
        ))}
      </ol>
      {shown === undefined ? null : <OfDay day={shown} />}
    </section>
  );
}

/** Until somebody chooses: what waits for a person, else what is newest. */
function whatHeCameFor(days: readonly BackupDay<Backup>[]): BackupDay<Backup> | undefined {
  const waits = days.findLast(({ backups }) => backups.some(({ stage }) => stage === 'attention'));
  return waits ?? days.findLast(({ became }) => became !== 'none') ?? days.at(-1);
}

interface Day {
  readonly day: BackupDay<Backup>;
  readonly isShown: boolean;
  choose(): void;
}

/** Where there is no room for words: colours alone say nothing to some. */
const MARKS = { proven: '✓', running: '…', failed: '!', gone: '·', none: '–' } as const;

function Day({ day: { day, became, bytes }, isShown, choose }: Day) {
  const t = useWords();
  const size = bytes === null ? '' : spokenSize(bytes, spokenTag());
  return (
    <button type="button" data-became={became} aria-pressed={isShown} onClick={choose}>
      <span className="only-heard">{`${spokenDay(day, 'long')}: ${t(`backups.became.${became}`)} ${size}`}</span>
      <span aria-hidden="true">
        <span className="day-number">{spokenDay(day, 'short')}</span>
        <span className="day-mark">{MARKS[became]}</span>
        <span className="day-became">{became === 'none' ? MARKS.none : t(`backups.became.${became}`)}</span>
        <span className="day-size">{size}</span>
      </span>
    </button>
  );
}

/** Days are those of UTC, wherever somebody reads of them. */
function spokenDay(day: string, how: 'long' | 'short'): string {
  const format: Intl.DateTimeFormatOptions =
    how === 'long' ? { dateStyle: 'full' } : { month: 'numeric', day: 'numeric' };
  return new Intl.DateTimeFormat(spokenTag(), { ...format, timeZone: 'UTC' }).format(new Date(day));
}

function OfDay({ day: { day, backups } }: Pick<Day, 'day'>) {
  const t = useWords();
  return (
    <section className="of-day" aria-label={spokenDay(day, 'long')}>
      <h3>{spokenDay(day, 'long')}</h3>
      {backups.length === 0 ? <p className="quiet">{t('backups.nothing')}</p> : null}
      {backups.map((backup) => (
        <One key={backup.name} backup={backup} />
      ))}
    </section>
  );
}

const COLOURS = { proven: 'teal', running: 'yellow', failed: 'red', gone: 'gray' } as const;

function One({ backup }: { readonly backup: Backup }) {
  const t = useWords();
  const { name, stage, takenAt, bytes, dumpedInMs, provenAt, provenInMs, rows, masterKeyVersion, trouble, workflowId } =
    backup;
  const tag = spokenTag();
  const state = stateOf(backup);
  const span = (ms: number | null) => (ms === null ? null : spokenSpan(ms, tag));
  return (
    <article className="backup">
      <p className="badges">
        <code className="key-shape">{name}</code>
        <Badge variant="light" color={COLOURS[state]}>
          {t(`backups.became.${state}`)}
        </Badge>
        {stage === 'attention' ? <ToWorkflow id={workflowId} /> : null}
      </p>
      {trouble === null ? null : <p className="queue-attention">{trouble}</p>}
      {stage === 'attention' ? <p className="quiet">{t('backups.howOn')}</p> : null}
      <dl className="slot-facts">
        <Fact name={t('backups.of')}>{takenAt === null ? null : <Moment at={takenAt} />}</Fact>
        <Fact name={t('backups.size')}>{bytes === null ? null : spokenSize(bytes, tag)}</Fact>
        <Fact name={t('backups.dumped')}>{span(dumpedInMs)}</Fact>
        <Fact name={t('backups.proven')}>
          {provenAt === null ? t('backups.notProven') : <Moment at={provenAt} />}
          {provenInMs === null ? null : ` · ${t('backups.in', { span: span(provenInMs) })}`}
        </Fact>
        <Fact name={t('backups.rows')}>{rows === null ? null : new Intl.NumberFormat(tag).format(rows)}</Fact>
        <Fact name={t('backups.masterKey')}>{masterKeyVersion}</Fact>
      </dl>
    </article>
  );
}
