// What to look at twice in an application. Each is a fact, and none decides.
import { Badge } from '@mantine/core';
import type { InboxItem } from '../api/staff-questions.ts';
import { useWords } from '../messages/language.ts';

export function Hints({ hints }: Pick<InboxItem, 'hints'>) {
  const t = useWords();
  if (hints.length === 0) return null;
  return (
    <span className="hints">
      {[...new Set(hints.map((hint) => textOf(hint)))].map((text) => (
        <Badge key={text} color="yellow" variant="light">
          {text}
        </Badge>
      ))}
    </span>
  );

  function textOf(hint: InboxItem['hints'][number]): string {
    if ('mailDomain' in hint) return t(`hints.${hint.kind}`, { mailDomain: hint.mailDomain });
    if ('months' in hint) return t('hints.credit_beyond_volume', { count: hint.months });
    return t(`hints.${hint.kind}`);
  }
}
