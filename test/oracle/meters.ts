// Billed units by their class; the classes are disjoint.
/** Units by class; absent is 0. */
export type Meters = Readonly<Record<string, number>>;
