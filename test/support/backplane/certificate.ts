import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** Paths of PEM files. */
export interface Certificate {
  ca: string;
  cert: string;
  key: string;
}

/** A CA of its own, and a server's certificate of it for this host; in a new folder under `dir`. */
export function makeCertificate(dir: string): Certificate {
  const own = mkdtempSync(join(dir, "tls-"));
  const file = (name: string) => join(own, name);
  const openssl = (...args: string[]) => execFileSync("openssl", args, { cwd: own, stdio: "pipe" });
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  openssl("req", "-x509", ...key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=test CA");
  openssl("req", ...key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=server");
  writeFileSync(file("san"), "subjectAltName=IP:127.0.0.1,DNS:localhost\n");
  const signed = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "san"];
  openssl("x509", "-req", "-in", "server.csr", "-out", "server.pem", ...signed);
  return { ca: file("ca.pem"), cert: file("server.pem"), key: file("server.key") };
}
