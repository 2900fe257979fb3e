// An API in Node: the files of a folder, and /echo. It prints its ports for HTTP/1.1 and for HTTP/2 in clear text.
import fs from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import zlib from "node:zlib";

const folder = process.argv[2];

function answer(request, response) {
  response.setHeader("X-Protocol", request.httpVersion);
  if (request.url === "/echo") { // in chunks, while it comes
    request.pipe(response);
    return;
  }
  const file = folder + request.url;
  if (!fs.existsSync(file)) {
    response.writeHead(404, { "Content-Type": "text/plain" });
    response.end("no such file");
    return;
  }
  if (!file.endsWith(".txt")) {
    response.setHeader("Content-Type", "application/octet-stream");
    response.setHeader("Content-Length", fs.statSync(file).size);
    fs.createReadStream(file).pipe(response);
    return;
  }
  response.setHeader("Content-Type", "text/plain");
  response.setHeader("Vary", "Accept-Encoding");
  if (!/gzip/.test(request.headers["accept-encoding"])) {
    fs.createReadStream(file).pipe(response);
    return;
  }
  response.setHeader("Content-Encoding", "gzip");
  fs.createReadStream(file).pipe(zlib.createGzip()).pipe(response);
}

const clear = http.createServer({ keepAliveTimeout: 600_000 }, answer);
const second = http2.createServer(answer);
clear.listen(0, "127.0.0.1", () => {
  second.listen(0, "127.0.0.1", () => console.log(`${clear.address().port} ${second.address().port}`));
});
