/**
 * Value of a query parameter, decoded; the first of several. Undefined: it is not there, or cannot be decoded.
 * (URLSearchParams does the same for a whole query; this is for one or two names on every request.)
 */
export function queryValue(query: string, name: string): string | undefined {
  for (let at = 0; at < query.length; ) {
    const end = query.indexOf("&", at);
    const stop = end === -1 ? query.length : end;
    if (query.startsWith(name, at) && query[at + name.length] === "=")
      return decode(query.slice(at + name.length + 1, stop));
    at = stop + 1;
  }
  return undefined;
}

function decode(text: string): string | undefined {
  if (!text.includes("%") && !text.includes("+")) return text;
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return undefined;
  }
}
