/** A typed emitter. `on` returns a function that removes the listener. */
export function createEvents<Events extends object>() {
  const listeners = new Map<keyof Events, Set<(data: never) => void>>();
  return {
    on<Name extends keyof Events>(name: Name, listener: (data: Events[Name]) => void): () => void {
      const set = listeners.get(name) ?? new Set();
      listeners.set(name, set);
      set.add(listener);
      return () => void set.delete(listener);
    },
    emit<Name extends keyof Events>(name: Name, data: Events[Name]): void {
      for (const listener of listeners.get(name) ?? []) (listener as (data: Events[Name]) => void)(data);
    },
  };
}
