import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";

/** An authority of one test, made by openssl; its files lie in the directory that it is given. */
export class Authority {
  readonly #directory: string;

  constructor(directory: string) {
    this.#directory = directory;
    this.#openssl(["req", "-x509", "-subj", "/CN=authority", "-days", "2", ...this.#newKey("authority")]);
  }

  /** Where the certificate of that name is; its key is `NAME-key`. */
  file(name: string): string {
    return join(this.#directory, `${name}.pem`);
  }

  /** @param subject as openssl takes it, such as `/CN=etcd` */
  sign(name: string, subject: string): void {
    const [request, names] = [join(this.#directory, `${name}.csr`), join(this.#directory, `${name}.cnf`)];
    writeFileSync(names, "subjectAltName=IP:127.0.0.1\nextendedKeyUsage=serverAuth,clientAuth\n");
    this.#openssl(["req", "-subj", subject, ...this.#newKey(name, request)]);
    const authority = [
      "-CA",
      this.file("authority"),
      "-CAkey",
      this.file("authority-key"),
      "-CAcreateserial",
    ];
    this.#openssl([
      ...["x509", "-req", "-in", request, "-out", this.file(name), "-days", "1", "-extfile", names],
      ...authority,
    ]);
  }

  #newKey(name: string, out = this.file(name)): string[] {
    const curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"];
    return [...curve, "-nodes", "-keyout", this.file(`${name}-key`), "-out", out];
  }

  #openssl(args: readonly string[]): void {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }
}
