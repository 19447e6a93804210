// A moment as people speak of it, with the exact one for whoever asks.
import { Tooltip } from '@mantine/core';
import { useMe } from '../api/questions.ts';
import { spokenTag, useWords } from '../messages/language.ts';

const STEPS: readonly (readonly [unit: Intl.RelativeTimeFormatUnit, seconds: number])[] = [
  ['year', 31_536_000],
  ['month', 2_592_000],
  ['day', 86_400],
  ['hour', 3_600],
  ['minute', 60],
];

function relativeTime(at: Date, now: Date, tag: string): string {
  const seconds = Math.round((at.getTime() - now.getTime()) / 1000);
  const [unit, size] = STEPS.find(([, step]) => Math.abs(seconds) >= step) ?? ['second', 1];
  const isNow = unit === 'second';
  return new Intl.RelativeTimeFormat(tag, { numeric: 'auto' }).format(isNow ? 0 : Math.trunc(seconds / size), unit);
}

function exactTime(at: Date, tag: string, timeZone: string): string {
  return new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeStyle: 'long', timeZone }).format(at);
}

export function Moment({ at }: { readonly at: string }) {
  useWords();
  const { timeZone } = useMe();
  const moment = new Date(at);
  return (
    <Tooltip label={exactTime(moment, spokenTag(), timeZone)}>
      <time dateTime={at} className="moment">
        {relativeTime(moment, new Date(), spokenTag())}
      </time>
    </Tooltip>
  );
}

/** A day as it stands in a sentence, where the reader lives. */
export function useDay(): (at: string) => string {
  useWords();
  const { timeZone } = useMe();
  const format = new Intl.DateTimeFormat(spokenTag(), { dateStyle: 'long', timeZone });
  return (at) => format.format(new Date(at));
}
