// How far something is that goes on by itself: a bar for those who see it, and the same in words.

interface Progress {
  /** In words, with the figures. */
  readonly label: string;
  /** Null: under way, and nobody can say how far. */
  readonly value: number | null;
  readonly max: number;
}

export function Progress({ label, value, max }: Progress) {
  return (
    <label className="progress">
      <span>{label}</span>
      <progress {...(value === null ? {} : { value: Math.min(value, max) })} max={Math.max(max, 1)} />
    </label>
  );
}
