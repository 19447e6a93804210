// An amount, cut for the eye; to the last nano for whoever asks.
import { Tooltip } from '@mantine/core';
import { spokenTag, useWords } from '../messages/language.ts';
import { exactMoney, shownMoney } from '../money.ts';

export function Money({ nano }: { readonly nano: string }) {
  useWords();
  const shown = shownMoney(nano, spokenTag());
  const exact = exactMoney(nano, spokenTag());
  if (shown === exact) return <span className="figure">{shown}</span>;
  return (
    <Tooltip label={exact}>
      <span className="figure exact-on-demand">{shown}</span>
    </Tooltip>
  );
}
