/** The ids of a stack's proxies, `proxy` and `proxy-2`, by its setting `PROXIES`. */
export function proxyIds(settings: Readonly<Record<string, string>>): string[] {
  return settings["PROXIES"] === "2" ? ["proxy", "proxy-2"] : ["proxy"];
}

/** True for a proxy's id. */
export function isProxy(id: string): boolean {
  return id === "proxy" || /^proxy-\d+$/.test(id);
}

/** `1` of `proxy`, `2` of `proxy-2`. */
export function proxyNumber(id: string): string {
  return id === "proxy" ? "1" : id.slice("proxy-".length);
}

/** The variable of a proxy's admin port. */
export function proxyAdminPort(id: string): string {
  return id === "proxy" ? "PROXY_ADMIN_PORT" : `PROXY_${proxyNumber(id)}_ADMIN_PORT`;
}
