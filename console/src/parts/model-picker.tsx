// One of the models that are offered, by its name. A button adds it: whoever has no mouse passes over others on the way to his.
import { Button, NativeSelect } from '@mantine/core';
import { useRef, useState } from 'react';
import type { OfferedModel } from '../api/organization-questions.ts';
import { useWords } from '../messages/language.ts';

interface ModelPicker {
  /** Undefined: not known yet. */
  readonly offered: readonly OfferedModel[] | undefined;
  add(id: string): void;
}

export function ModelPicker({ offered = [], add }: ModelPicker) {
  const t = useWords();
  const [chosen, setChosen] = useState('');
  const [added, setAdded] = useState<string | null>(null);
  const select = useRef<HTMLSelectElement>(null);
  return (
    <div className="picker">
      <NativeSelect
        ref={select}
        label={t('bounds.addModel')}
        value={chosen}
        onChange={({ currentTarget: { value } }) => setChosen(value)}
        data={[
          { value: '', label: t('bounds.chooseModel') },
          ...offered.map(({ id, name }) => ({ value: id, label: name === id ? id : `${name} (${id})` })),
        ]}
      />
      <Button
        variant="default"
        disabled={chosen === ''}
        onClick={() => {
          add(chosen);
          setAdded(chosen);
          setChosen('');
          // The button has nothing to add any more, and would lose it.
          select.current?.focus();
        }}
      >
        {t('bounds.add')}
      </Button>
      <span role="status" className="only-heard">
        {added === null ? '' : t('bounds.added', { id: added })}
      </span>
    </div>
  );
}
