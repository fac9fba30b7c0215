/** One page of the board. */
export interface View {
  element: HTMLElement;
  /** Called once the element is in the document and has a size. */
  opened?(): void;
  /** Redraws after a change of theme. */
  redraw?(): void;
  /** Called when the view is left: ends timers, streams and charts. */
  close(): void;
}
