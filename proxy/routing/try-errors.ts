/** A try at one replica took too long. */
export class TryTimeout extends Error {}

/** The replica went down, or its session was moved, while the request was with it. */
export class Ejected extends Error {}
