// The steps by Node's http or fetch. Arguments: which of them, the base URL, a file to send.
import crypto from "node:crypto";
import fs from "node:fs";
import http from "node:http";
import zlib from "node:zlib";

const [kind, base, file] = process.argv.slice(2);
const large = fs.readFileSync(file);

function tell(step, status, type, coding, body) {
  console.log([step, status, type, coding || "none", crypto.createHash("sha256").update(body).digest("hex")].join(" "));
}

async function* pieces() {
  for (let i = 0; i < large.length; i += 100_000) yield large.subarray(i, i + 100_000);
}

const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });

function byHTTP(step, method, path, headers, body) {
  return new Promise((resolve, reject) => {
    const request = http.request(base + path, { agent, method, headers }, async (response) => {
      const parts = [];
      for await (const part of response) parts.push(part);
      let got = Buffer.concat(parts);
      if (response.headers["content-encoding"] === "gzip" && got.length) got = zlib.gunzipSync(got);
      tell(step, response.statusCode, response.headers["content-type"], response.headers["content-encoding"], got);
      resolve();
    });
    request.on("error", reject);
    if (body !== pieces) {
      request.end(body);
      return;
    }
    (async () => {
      for await (const piece of pieces()) request.write(piece); // without a length, so in chunks
      request.end();
    })();
  });
}

async function byFetch(step, method, path, headers, body) {
  const init = { method, headers, body };
  if (body === pieces) Object.assign(init, { body: ReadableStream.from ? ReadableStream.from(pieces()) : pieces(), duplex: "half" });
  const response = await fetch(base + path, init);
  tell(step, response.status, response.headers.get("content-type"), response.headers.get("content-encoding"), Buffer.from(await response.arrayBuffer()));
}

const send = kind === "http" ? byHTTP : byFetch;
await send("gzip", "GET", "/text.txt", { "Accept-Encoding": "gzip" });
await send("identity", "GET", "/text.txt", { "Accept-Encoding": "identity" });
await send("large", "GET", "/large.bin", {});
await send("head", "HEAD", "/large.bin", {});
await send("missing", "GET", "/missing", {});
await send("post", "POST", "/echo", {}, large);
await send("chunked", "POST", "/echo", {}, pieces);
process.exit(0); // kept connections would hold it up
