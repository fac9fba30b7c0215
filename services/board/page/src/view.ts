/** One page of the board. */
export interface View {
  element: HTMLElement;
  /** Called once it is in the document and has a size. */
  opened?(): void;
  /** Draws anew in other colours. */
  redraw?(): void;
  /** It is left: timers, streams and charts end. */
  close(): void;
}
