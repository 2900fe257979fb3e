package file_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/config/file"
)

// environment is what ${NAME} is in these tests.
var environment = map[string]string{
	"EMPTY": "", "TOKEN": "hunter2", "LINES": "a\nb", "NUM": "77777", "CODE": `a" == hunter2`, "OTHER": "${TOKEN}",
}

func reader() file.Reader {
	return file.Reader{
		LookupEnv: func(name string) (string, bool) { value, set := environment[name]; return value, set },
		ReadFile:  func(string) ([]byte, error) { return nil, fs.ErrNotExist },
	}
}

// broken are files that must not be taken, and what is said of them, behind "apis.yaml:".
var broken = []struct {
	name, text string
	told       []string
}{
	{"empty", "", []string{
		"1:1: the file is empty: expected apis",
	}},
	{"only comments", "# nothing", []string{
		"1:1: the file is empty: expected apis",
	}},
	{"null document", "---", []string{
		"1:1: the file is empty: expected apis",
	}},
	{"two documents", `apis: {a: {url: "http://h"}}
---
apis: {b: {url: "http://h"}}`, []string{
		"2:1: a second document (---): expected one",
	}},
	{"directive", `%YAML 1.2
---
apis: {a: {url: "http://h"}}`, []string{
		"1:1: a directive (%): expected none",
	}},
	{"tab", "apis:\n\ta: {url: \"http://h\"}", []string{
		"2:1: not YAML: a tab: expected spaces",
	}},
	{"not utf-8", "apis:\n  é\xff: {url: \"http://h\"}", []string{
		"2:4: not UTF-8: expected a text file",
	}},
	{"a text", "hello", []string{
		"1:1: is a single value: expected a map of apis and defaults",
	}},
	{"list root", "- a", []string{
		"1:1: is a list: expected a map of apis and defaults",
	}},
	{"no apis", `defaults: {timeout: 1s, url: "http://h", routes: {}, colour: red}`, []string{
		"1:1: there is no apis: expected a map of the APIs by their names",
		`1:25: "url" belongs to each API: defaults cannot have it`,
		`1:42: "routes" belongs to each API: defaults cannot have it`,
		`1:54: unknown key "colour": expected one of attempts, forward, hedge, idempotency_key, keep, max_body, max_in_flight, max_request_body, max_timeout, methods, protocol, quota, remove, repeatable, set, spread, strategy, success, timeout and tls`,
	}},
	{"apis null", "apis:", []string{
		"1:6: apis: is nothing: expected a map of the APIs by their names",
	}},
	{"apis empty", "apis: {}", []string{
		"1:7: apis: is empty: expected at least one API",
	}},
	{"apis list", `apis:
  - a`, []string{
		"2:3: apis: is a list: expected a map of the APIs by their names",
	}},
	{"unknown top", `apis: {a: {url: "http://h"}}
api: {}
timeout: 1s`, []string{
		`2:1: unknown key "api": did you mean "apis"?`,
		`3:1: unknown key "timeout": expected apis or defaults`,
	}},
	{"unknown keys", `apis:
  a:
    url: http://h
    timout: 1s
    Timeout: 1s
    hedge: {delai: 1s}
    forward: {header: [A]}
    success: {stats: [200]}
    colour: blue`, []string{
		`4:5: unknown key "timout": did you mean "timeout"?`,
		`5:5: unknown key "Timeout": did you mean "timeout"?`,
		`6:13: unknown key "delai": did you mean "delay"?`,
		`7:15: unknown key "header": did you mean "headers"?`,
		`8:15: unknown key "stats": did you mean "status"?`,
		`9:5: unknown key "colour": expected one of attempts, example, forward, hedge, idempotency_key, keep, max_body, max_in_flight, max_request_body, max_timeout, methods, protocol, quota, remove, repeatable, routes, set, spread, strategy, success, timeout, tls, url and urls`,
	}},
	{"repeated", `apis:
  a:
    url: http://h
    url: http://i
  b: {url: "http://h"}
  a: {url: "http://h"}`, []string{
		`4:5: "url" is here a second time: expected it once, it is at 3:5 too`,
		`6:3: "a" is here a second time: expected it once, it is at 2:3 too`,
	}},
	{"kinds", `apis:
  a: http://h
  b:
  c: [1]
  d:
    url: [http://h]
    methods: GET
    timeout: [1s]
    hedge: 300ms
    forward: [A]
    set: [A]
    success: [2xx]
    remove: {A: b}
    routes: [a]
    urls: http://h
    strategy:
    tls: ca.pem`, []string{
		"2:6: a: is a single value: expected a map with url and settings",
		"3:5: b: is nothing: expected a map with url and settings",
		"4:6: c: is a list: expected a map with url and settings",
		"6:10: url: is a list: expected a URL like https://api.example.org/v1",
		"7:14: methods: is a single value: expected a list, such as [GET, HEAD]",
		"8:14: timeout: is a list: expected a single value",
		"9:12: hedge: is a single value: expected a map of budget, delay, max and min",
		"10:14: forward: is a list: expected a map of headers",
		`11:10: set: is a list: expected a map, such as {Authorization: "Bearer ${TOKEN}"}`,
		"12:14: success: is a list: expected a map of if and status",
		"13:13: remove: is a map: expected a list, such as [Server]",
		`14:13: routes: is a list: expected a map of patterns, such as {"GET /search/": {timeout: 3s}}`,
		"15:11: urls: is a single value: expected a list of URLs",
		"15:11: urls: is beside url: expected one of the two",
		"16:14: strategy: is nothing: expected a single value",
		"17:10: tls: is a single value: expected a map of ca, cert and key",
	}},
	{"anchors", `defaults: &d {timeout: 1s}
apis:
  a: {url: &u "http://h", <<: *d}
  b: {url: *u}
  c: {url: !!str "http://h"}
  ? d
  : {url: "http://h"}`, []string{
		"1:11: an anchor (&): expected the value itself; what APIs have in common belongs under defaults",
		"3:12: an anchor (&): expected the value itself; what APIs have in common belongs under defaults",
		"3:27: a merge key (<<): expected the keys themselves; what APIs have in common belongs under defaults",
		"4:12: an alias (*): expected the value itself; what APIs have in common belongs under defaults",
		"5:12: a tag (!!str): expected the value alone",
		"6:3: expected a key that is a word",
	}},
	{"laughs", `a: &a [lol, lol]
b: &b [*a, *a]
apis: *b`, []string{
		`1:1: unknown key "a": expected apis or defaults`,
		"1:4: an anchor (&): expected the value itself; what APIs have in common belongs under defaults",
		`2:1: unknown key "b": expected apis or defaults`,
		"2:4: an anchor (&): expected the value itself; what APIs have in common belongs under defaults",
		"2:8: an alias (*): expected the value itself; what APIs have in common belongs under defaults",
		"2:12: an alias (*): expected the value itself; what APIs have in common belongs under defaults",
		"3:7: an alias (*): expected the value itself; what APIs have in common belongs under defaults",
	}},
	{"deep", "apis: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", []string{
		"1:39: nested too deep: expected at most 32 levels",
	}},
	{"durations", `apis:
  a: {url: "http://h", timeout: 5, max_timeout: "10"}
  b: {url: "http://h", timeout: 1.5ms, max_timeout: 25h}
  c: {url: "http://h", timeout: -1s, max_timeout: soon}
  d: {url: "http://h", timeout: 0s, hedge: {delay: 300}}
  e: {url: "http://h", hedge: {delay: p49, min: 0s, max: 25h, budget: 0%}, quota: 100/d}
  f: {url: "http://h", hedge: {delay: 25h}}
  g: {url: "http://h", hedge: {delay: px}}
  h: {url: "http://h", hedge: {delay: soon}}
  i: {url: "http://h", hedge: {min: 2ms, max: 1ms}}
  j: {url: "http://h", hedge: {min: 2ms}, routes: {/x: {hedge: {max: 1ms}}, /y: {hedge: {max: 2ms}}}}
  k: {url: "http://h", hedge: {min: 2h}}
  l: {url: "http://h", hedge: {max: 1ms}}`, []string{
		`2:33: timeout: "5" has no unit: expected a duration like 250ms or 1m30s`,
		`2:49: max_timeout: "10" has no unit: expected a duration like 250ms or 1m30s`,
		`3:33: timeout: "1.5ms" is not between 1ms and 24h in whole milliseconds`,
		`3:53: max_timeout: "25h" is not between 1ms and 24h in whole milliseconds`,
		`4:33: timeout: "-1s" is not a duration: expected one like 250ms or 1m30s`,
		`4:51: max_timeout: "soon" is not a duration: expected one like 250ms or 1m30s`,
		`5:33: timeout: "0s" is not between 1ms and 24h in whole milliseconds`,
		`5:52: delay: "300" has no unit: expected a duration like 250ms or 1m30s, or a quantile like p95`,
		`6:39: delay: "p49" is not a quantile: expected one from p50 to p99.9`,
		`6:49: min: "0s" is not between 1us and 24h`,
		`6:58: max: "25h" is not between 1us and 24h`,
		`6:71: budget: "0%" is not a budget: expected a percentage over 0% and up to 100%, such as 10%, or off`,
		`6:83: quota: "100/d" is not a quota: expected requests per second, minute or hour, such as 100/s, 600/m or 30/h, or off`,
		`7:39: delay: "25h" is over 24h`,
		`8:39: delay: "px" is not a quantile: expected one from p50 to p99.9`,
		`9:39: delay: "soon" is not a duration: expected one like 250ms or 1m30s, or a quantile like p95`,
		`10:37: min is over max, which is at 10:47: expected at most that`,
		`11:70: max is below min, which is at 11:37: expected at least that`,
	}},
	{"order", `defaults: {timeout: 5s, max_timeout: 2s}
apis:
  a: {url: "http://h"}
  b: {url: "http://h", timeout: 3s}
  c: {url: "http://h", max_timeout: 4s}
  d: {url: "http://h", routes: {/x: {timeout: 6s}}}
  e: {url: "http://h", attempts: 5, max_in_flight: 4}`, []string{
		"1:21: timeout is over max_timeout, which is at 1:38: expected at most that",
		"4:33: timeout is over max_timeout, which is at 1:38: expected at most that",
		"5:37: max_timeout is below timeout, which is at 1:21: expected at least that",
		"6:47: timeout is over max_timeout, which is at 1:38: expected at most that",
		"7:34: attempts is over max_in_flight, which is at 7:52: expected at most that",
	}},
	{"numbers", `apis:
  a: {url: "http://h", attempts: 0}
  b: {url: "http://h", attempts: 101}
  c: {url: "http://h", attempts: 0x10}
  d: {url: "http://h", attempts: "1_0"}
  e: {url: "http://h", attempts: 1.5, max_in_flight: -1}
  f: {url: "http://h", repeatable: yes, spread: 1}`, []string{
		`2:34: attempts: "0" is not a whole number from 1 to 100`,
		`3:34: attempts: "101" is not a whole number from 1 to 100`,
		`4:34: attempts: "0x10" is not a whole number from 1 to 100`,
		`5:34: attempts: "1_0" is not a whole number from 1 to 100`,
		`6:34: attempts: "1.5" is not a whole number from 1 to 100`,
		`6:54: max_in_flight: "-1" is not a whole number from 1 to 1000000`,
		`7:36: repeatable: "yes" is not a choice: expected true or false`,
		`7:49: spread: "1" is not a choice: expected true or false`,
	}},
	{"sizes", `apis:
  a: {url: "http://h", max_body: 65536}
  b: {url: "http://h", max_body: 1MB}
  c: {url: "http://h", max_body: 0B}
  d: {url: "http://h", max_body: 2GiB}
  e: {url: "http://h", max_body: 1.5MiB, max_request_body: -1KiB}
  f: {url: "http://h", max_body: 9999999999999999999GiB}`, []string{
		`2:34: max_body: "65536" has no unit: expected a size like 512B, 64KiB, 1MiB or 1GiB`,
		`3:34: max_body: "1MB" is not a size: expected one like 512B, 64KiB, 1MiB or 1GiB`,
		`4:34: max_body: "0B" is not between 1B and 1GiB`,
		`5:34: max_body: "2GiB" is not between 1B and 1GiB`,
		`6:34: max_body: "1.5MiB" is not a size: expected one like 512B, 64KiB, 1MiB or 1GiB`,
		`6:60: max_request_body: "-1KiB" is not a size: expected one like 512B, 64KiB, 1MiB or 1GiB`,
		`7:34: max_body: "9999999999999999999GiB" is not a size: expected one like 512B, 64KiB, 1MiB or 1GiB`,
	}},
	{"urls", `apis:
  a: {url: "h"}
  b: {url: "ftp://h"}
  c: {url: "http://"}
  d: {url: "http://u:hunter2@h"}
  e: {url: "http://h?q=1"}
  f: {url: "http://h#f"}
  g: {url: "http://h:99999"}
  h: {url: "http://[::1"}
  i: {url: "http://h", urls: ["http://h"]}
  j: {urls: []}
  k: {}
  l: {url: ""}
  m: {urls: [http://h, https://]}
  n: {url: "http://h?"}
  o: {url: "http://h#"}
  p: {url: " http://h"}`, []string{
		"2:12: url: is neither http nor https: expected one like https://api.example.org/v1",
		"3:12: url: is neither http nor https: expected one like https://api.example.org/v1",
		"4:12: url: has no host: expected one like https://api.example.org/v1",
		"5:12: url: has a user or password, which belong into an Authorization header under set: expected one like https://api.example.org/v1",
		"6:12: url: has a query, but the caller's query goes there: expected one like https://api.example.org/v1",
		"7:12: url: has a fragment, which is never sent: expected one like https://api.example.org/v1",
		"8:12: url: has no port from 1 to 65535: expected one like https://api.example.org/v1",
		"9:12: url: is not a URL: expected one like https://api.example.org/v1",
		"10:30: urls: is beside url: expected one of the two",
		"11:13: urls: is an empty list: expected at least one URL",
		`12:3: "k" has no url: expected url, or urls for a list of mirrors`,
		"13:12: url: is neither http nor https: expected one like https://api.example.org/v1",
		"14:24: urls: has no host: expected one like https://api.example.org/v1",
		"15:12: url: has a query, but the caller's query goes there: expected one like https://api.example.org/v1",
		"16:12: url: has a fragment, which is never sent: expected one like https://api.example.org/v1",
		"17:12: url: is not a URL: expected one like https://api.example.org/v1",
	}},
	{"names", `apis:
  a/b: {url: "http://h"}
  "": {url: "http://h"}
  "..": {url: "http://h"}
  "a b": {url: "http://h"}
  ä: {url: "http://h"}
  a%41: {url: "http://h"}
  ok-1_2.3: {url: "http://h"}
  1: {url: "http://h"}`, []string{
		`2:3: "a/b" is not a name for an API: expected letters, digits, -, _ and .`,
		`3:3: "" is not a name for an API: expected letters, digits, -, _ and .`,
		`4:3: ".." is not a name for an API: expected letters, digits, -, _ and .`,
		`5:3: "a b" is not a name for an API: expected letters, digits, -, _ and .`,
		`6:3: "ä" is not a name for an API: expected letters, digits, -, _ and .`,
		`7:3: "a%41" is not a name for an API: expected letters, digits, -, _ and .`,
	}},
	{"methods", `apis:
  a: {url: "http://h", methods: [TRACE, CONNECT, get, "G T", "", GET, HEAD, GET]}
  b: {url: "http://h", methods: []}
  c: {url: "http://h", strategy: fist}
  d: {url: "http://h", strategy: random, protocol: http2}`, []string{
		`2:34: methods: "TRACE" is never passed on: expected a method like GET or POST`,
		`2:41: methods: "CONNECT" is never passed on: expected a method like GET or POST`,
		`2:50: methods: "get" is not upper case: expected a method like GET or POST`,
		`2:55: methods: "G T" is not a method: expected one like GET or POST`,
		`2:62: methods: "" is not a method: expected one like GET or POST`,
		`2:77: methods: "GET" is here a second time`,
		"3:33: methods: is an empty list: expected at least one method",
		`4:34: strategy: "fist" is not known: expected one of smart, first, all and within-timeout`,
		`5:34: strategy: "random" is not known: expected one of smart, first, all and within-timeout`,
		`5:52: protocol: "http2" is not known: expected one of auto, http1 and h2c`,
	}},
	{"headers", `apis:
  a:
    url: http://h
    set:
      Connection: close
      host: x
      Bad Name: x
      X-A: "a\tb"
      X-B: "a\x01b"
      X-C: " a"
      X-D: "é"
      X-E:
      X-F: [a]
      X-G: 5
      x-g: 6
      X-H: "${LINES}"
      Hedgerow-Timeout: 5
    forward: {headers: [Forwarded, x-forwarded-for, Host, Via, "A B", Connection, Accept, accept]}
    remove: [Content-Length, ""]
    keep: [transfer-encoding]`, []string{
		`5:7: set: "Connection" is written by Hedgerow itself: expected the name of another header`,
		`6:7: set: "host" is written by Hedgerow itself: expected the name of another header`,
		`7:7: set: "Bad Name" is not the name of a header: expected one like X-Api-Key`,
		"9:12: X-B: has a control character in it: expected the value of a header",
		"10:12: X-C: begins or ends with a space or a line break: expected the value of a header",
		"11:12: X-D: has a character in it that is not ASCII: expected the value of a header",
		"12:11: X-E: is nothing: expected the value of a header",
		"13:12: X-F: is a list: expected the value of a header",
		`15:7: set: "x-g" is here a second time: expected it once, in whatever case`,
		"16:12: X-H: has a control character in it: expected the value of a header",
		`17:7: set: "Hedgerow-Timeout" is written by Hedgerow itself: expected the name of another header`,
		`18:25: headers: "Forwarded" never goes on: expected the name of an end-to-end header of the caller`,
		`18:36: headers: "x-forwarded-for" never goes on: expected the name of an end-to-end header of the caller`,
		`18:53: headers: "Host" never goes on: expected the name of an end-to-end header of the caller`,
		`18:59: headers: "Via" never goes on: expected the name of an end-to-end header of the caller`,
		`18:64: headers: "A B" is not the name of a header: expected one like X-Api-Key`,
		`18:71: headers: "Connection" never goes on: expected the name of an end-to-end header of the caller`,
		`18:91: headers: "accept" is here a second time`,
		`19:14: remove: "Content-Length" belongs to the connection: expected the name of an end-to-end header of the answer`,
		`19:30: remove: "" is not the name of a header: expected one like X-Api-Key`,
		`20:12: keep: "transfer-encoding" belongs to the connection: expected the name of an end-to-end header of the answer`,
	}},
	{"success", `apis:
  a: {url: "http://h", success: {status: [2xx, 404, 600, 1xx, 20x, 200-299, ok]}}
  b: {url: "http://h", success: {status: []}}
  c: {url: "http://h", success: {status: 200}}
  d: {url: "http://h", success: {if: 'json("a") =='}}
  e: {url: "http://h", success: {if: 'status'}}
  f: {url: "http://h", success: {if: 'jsn("a") == 1'}}
  g: {url: "http://h", success: {if: 'header("X") matches "("'}}
  h: {url: "http://h", success: {if: ''}}
  i: {url: "http://h", success: {if: 'header("X") == "${CODE}"'}}
  j: {url: "http://h", success: {if: 'json("a")'}}`, []string{
		`2:53: status: "600" is not a status like 404 or a class like 2xx, from 200 to 599`,
		`2:58: status: "1xx" is not a status like 404 or a class like 2xx, from 200 to 599`,
		`2:63: status: "20x" is not a status like 404 or a class like 2xx, from 200 to 599`,
		`2:68: status: "200-299" is not a status like 404 or a class like 2xx, from 200 to 599`,
		`2:77: status: "ok" is not a status like 404 or a class like 2xx, from 200 to 599`,
		"3:42: status: is an empty list: expected at least one status, such as [2xx]",
		"4:42: status: is a single value: expected a list, such as [2xx, 404]",
		`5:38: if: character 12: unexpected token EOF: expected true or false of status, header("X") and json("path")`,
		`6:38: if: character 1: expected bool, but got int: expected true or false of status, header("X") and json("path")`,
		`7:38: if: character 1: unknown name jsn: expected true or false of status, header("X") and json("path")`,
		"8:38: if: character 13: error parsing regexp: missing closing ): `(`: expected true or false of status, header(\"X\") and json(\"path\")",
		`9:38: if: is empty: expected an expression like 'json("status") == "ok"'`,
		`10:38: if: is not an expression: expected true or false of status, header("X") and json("path")`,
		`11:38: if: character 1: may be anything: compare it, as in json("ok") == true: expected true or false of status, header("X") and json("path")`,
	}},
	{"patterns", `apis:
  a:
    url: http://h
    routes:
      "GET x": {}
      "get /x": {}
      "TRACE /x": {}
      "POST /x": {}
      "/{": {}
      "/a//b": {}
      "h.example/x": {}
      "/x/{id}": {timeout: 2s}
      "/x/{name}": {}
      "/{a}/y": {}
      "GET /ok/{rest...}": {timeout: 1}
      "/q?x": {}
      "/q": {url: "http://h", set: {}, quota: 1/s, spread: true, example: /, colour: red}
      "/x/../y": {}
      "/null":`, []string{
		`5:7: routes: "GET x" is not a pattern: expected a path, or a method and a path, like "GET /search/" or "POST /orders/{id}/pay"`,
		`6:7: routes: "get /x" has a method that is not upper case: expected a method like GET or POST`,
		`7:7: routes: "TRACE /x" has a method that is never passed on: expected a method like GET or POST`,
		`8:7: routes: "POST /x" is never called: expected one of its methods, GET and HEAD, or others under methods`,
		`9:7: routes: "/{" is not a pattern (at offset 1: bad wildcard segment (must end with '}')): expected a path, or a method and a path, like "GET /search/" or "POST /orders/{id}/pay"`,
		`10:7: routes: "/a//b" is never called: net/http matches no path with an empty segment`,
		`11:7: routes: "h.example/x" is not a pattern: expected a path, or a method and a path, like "GET /search/" or "POST /orders/{id}/pay"`,
		`13:7: routes: "/x/{name}" conflicts with "/x/{id}" at 12:7: expected patterns of which one is more specific`,
		`14:7: routes: "/{a}/y" conflicts with "/x/{id}" at 12:7: expected patterns of which one is more specific`,
		`15:38: timeout: "1" has no unit: expected a duration like 250ms or 1m30s`,
		`16:7: routes: "/q?x" is not a pattern: expected a path, or a method and a path, like "GET /search/" or "POST /orders/{id}/pay"`,
		`17:14: "url" belongs to the API: a route cannot change it`,
		`17:31: "set" belongs to the API: a route cannot change it`,
		`17:40: "quota" belongs to the API: a route cannot change it`,
		`17:52: "spread" belongs to the API: a route cannot change it`,
		`17:66: "example" belongs to the API: a route cannot change it`,
		`17:78: unknown key "colour": expected one of attempts, forward, hedge, idempotency_key, keep, max_body, max_request_body, max_timeout, methods, remove, repeatable, strategy, success and timeout`,
		`18:7: routes: "/x/../y" is never called: a path with . or .. in it is refused`,
		"19:15: /null: is nothing: expected a map of attempts, forward, hedge, idempotency_key, keep, max_body, max_request_body, max_timeout, methods, remove, repeatable, strategy, success and timeout",
	}},
	{"secrets", `apis:
  a: {url: "http://h/${NOPE}", set: {Authorization: "Bearer ${NOPE} ${EMPTY}", X: "${TOKEN"}}
  b: {url: "http://h", set: {A: "${}", B: "${a-b}", C: "${file:}", D: "${file:/nope}", E: "$${TOKEN", F: "${TOKEN}"}}
  c: {url: "http://h", timeout: "${NUM}", max_body: "${NUM}", strategy: "${TOKEN}", attempts: "${NUM}", methods: ["${TOKEN}"], success: {status: ["${NUM}"]}, example: "${TOKEN}"}
  d: {url: "${TOKEN}", timeout: "${NOPE}"}`, []string{
		"2:12: url: ${NOPE} is not set: expected a variable of that name in the environment",
		"2:53: Authorization: ${NOPE} is not set: expected a variable of that name in the environment",
		"2:53: Authorization: ${EMPTY} is empty: expected a variable with a value in the environment",
		"2:83: X: ${ is not closed: expected ${NAME} or ${file:/path}; a literal ${ is written $${",
		"3:33: A: ${} is not the name of a variable: expected ${NAME} or ${file:/path}; a literal ${ is written $${",
		"3:43: B: ${a-b} is not the name of a variable: expected ${NAME} or ${file:/path}; a literal ${ is written $${",
		"3:56: C: ${file:} has no path: expected ${NAME} or ${file:/path}; a literal ${ is written $${",
		"3:71: D: ${file:/nope} cannot be read: file does not exist",
		`4:33: timeout: "${NUM}" has no unit: expected a duration like 250ms or 1m30s`,
		`4:53: max_body: "${NUM}" has no unit: expected a size like 512B, 64KiB, 1MiB or 1GiB`,
		`4:73: strategy: "${TOKEN}" is not known: expected one of smart, first, all and within-timeout`,
		`4:95: attempts: "${NUM}" is not a whole number from 1 to 100`,
		`4:115: methods: "${TOKEN}" would show: expected a word without a secret in it`,
		`4:147: status: "${NUM}" is not a status like 404 or a class like 2xx, from 200 to 599`,
		`4:168: example: "${TOKEN}" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
		"5:12: url: is neither http nor https: expected one like https://api.example.org/v1",
		"5:33: timeout: ${NOPE} is not set: expected a variable of that name in the environment",
	}},
	{"example and tls", `apis:
  a: {url: "http://h", example: latest}
  b: {url: "http://h", example: /a/../b}
  c: {url: "http://h", example: "/a b"}
  d: {url: "http://h", example: "/%zz"}
  e: {url: "http://h", tls: {ca: ca.pem}}
  f: {url: "http://h", tls: {}}
  g: {url: "https://h", protocol: h2c}
  h: {url: "https://h", tls: {ciphers: x}}`, []string{
		`2:33: example: "latest" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
		`3:33: example: "/a/../b" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
		`4:33: example: "/a b" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
		`5:33: example: "/%zz" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
		"6:29: tls: is for https: expected a URL of that scheme",
		`6:34: ca: "ca.pem" cannot be read: file does not exist`,
		"7:29: tls: is for https: expected a URL of that scheme",
		"8:35: protocol: h2c is HTTP/2 in clear text: expected a URL of the scheme http, or protocol: auto",
		`9:31: unknown key "ciphers": expected one of ca, cert and key`,
	}},
	{"syntax", `apis:
  a: {url: "http://h"
  b: 1`, []string{
		"3:3: not YAML: ',' or '}' must be specified",
	}},
	{"unclosed quote", `apis:
  a: {url: "http://h}`, []string{
		"2:12: not YAML: could not find end character of double-quoted text",
	}},
	{"indent", `apis:
  a:
    url: http://h
   b: c`, []string{
		"4:4: not YAML: value is not allowed in this context",
	}},
	{"variable without quotes in braces", `apis:
  a: {url: "http://h", set: {X-Key: ${TOKEN}}}`, []string{
		"2:38: not YAML: ',' or '}' must be specified; a text with ${ needs quotes within { }: \"${NAME}\"",
	}},
	{"letters swapped", `apis:
  a: {ulr: "http://h"}`, []string{
		`2:3: "a" has no url: expected url, or urls for a list of mirrors`,
		`2:7: unknown key "ulr": did you mean "url"?`,
	}},
	{"two on a line", "apis: a: b", []string{
		"1:7: not YAML: mapping value is not allowed in this context",
	}},
	{"literal", `apis:
  a:
    url: |
      http://h
    timeout: >-
      soon
    example: "/a
      b"`, []string{
		"3:10: url: is not a URL: expected one like https://api.example.org/v1",
		`5:14: timeout: "soon" is not a duration: expected one like 250ms or 1m30s`,
		`7:14: example: "/a b" is not a path: expected one that begins with /, like /latest?base=EUR, in ASCII and without .. in it`,
	}},
	{"nul", "apis: {a: {url: \"http://h\x00\"}}\n", []string{
		"1:17: url: is not a URL: expected one like https://api.example.org/v1",
	}},
	{"long texts", `apis: {a: {url: "http://h", timeout: ` + strings.Repeat("é", 100) + `}}`, []string{
		`1:38: timeout: "` + strings.Repeat("é", 80) + `"... is not a duration: expected one like 250ms or 1m30s`,
	}},
	{"control characters", "apis: {a: {url: 'http://h', strategy: \"\\e[31m\\u202e\"}}", []string{
		`1:39: strategy: "\x1b[31m\u202e" is not known: expected one of smart, first, all and within-timeout`,
	}},
}

func TestEachBrokenFileIsToldWithAllItsProblemsAndTheirPlaces(t *testing.T) {
	for _, b := range broken {
		t.Run(b.name, func(t *testing.T) {
			read, err := reader().Parse("apis.yaml", []byte(b.text))
			require.Error(t, err)
			assert.Nil(t, read)
			assert.Equal(t, "apis.yaml:"+strings.Join(b.told, "\napis.yaml:"), err.Error())
			for _, secret := range []string{"hunter2", "77777"} {
				assert.NotContains(t, err.Error(), secret)
			}
		})
	}
}

func TestFiftyProblemsAreToldAndTheRestCounted(t *testing.T) {
	for count, last := range map[int]string{
		50: `apis.yaml:51:1: unknown key "nonsense49": expected apis or defaults`,
		51: "apis.yaml: 1 more problems",
		60: "apis.yaml: 10 more problems",
	} {
		var text strings.Builder
		text.WriteString("apis: {a: {url: 'http://h'}}\n")
		for i := range count {
			fmt.Fprintf(&text, "nonsense%02d: 1\n", i)
		}
		_, err := reader().Parse("apis.yaml", []byte(text.String()))
		require.Error(t, err)
		lines := strings.Split(err.Error(), "\n")
		assert.Len(t, lines, min(count, 51))
		assert.Equal(t, last, lines[len(lines)-1])
	}
}

func TestAFileThatCannotBeReadIsTold(t *testing.T) {
	folder := t.TempDir()
	missing, secret := filepath.Join(folder, "missing.yaml"), filepath.Join(folder, "secret.yaml")
	require.NoError(t, os.WriteFile(secret, []byte("apis: {a: {url: 'http://h', set: {X: '${file:.}'}}}"), 0o600))
	for path, want := range map[string]string{
		missing: missing + ": there is no such file",
		folder:  folder + ": cannot be read: is a directory",
		secret:  secret + ":1:38: X: ${file:.} cannot be read: is a directory",
	} {
		_, err := file.Reader{}.Read(path)
		assert.EqualError(t, err, want)
	}
}

func TestAFileThatIsTooLargeIsToldAtOnce(t *testing.T) {
	const mebibyte = 1 << 20
	api := "apis: {a: {url: 'http://h'}}\n"
	fill := func(text string) string {
		return strings.Repeat(text, mebibyte/len(text)+1)[:mebibyte-len(api)-1] + "\n"
	}
	path := filepath.Join(t.TempDir(), "apis.yaml")
	for name, c := range map[string]struct{ text, told string }{
		"over 1 MiB":                 {api + fill("# x\n") + "#", ":1:1: the file is over 1 MiB"},
		"1 MiB of comments":          {api + fill("# x\n"), ""},
		"1 MiB of keys":              {fill("k: 1\n"), ":16667:4: the file has too many keys and values: expected at most 50,000 words and signs of YAML"},
		"1 MiB of brackets":          {fill("["), ":1:33: nested too deep: expected at most 32 levels"},
		"1 MiB of dashes":            {fill("- "), ":1:65: nested too deep: expected at most 32 levels"},
		"1 MiB of anchors":           {"a: " + fill("&a "), ":1:100: nested too deep: expected at most 32 levels"},
		"1 MiB in one text":          {"apis: {a: {url: 'http://h/" + fill("x")[:1000000] + "'}}", ""},
		"1 MiB that opens a bracket": {"apis: [" + fill("x"), ":1:7: not YAML: sequence end token ']' not found"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, []byte(c.text), 0o600))
			start := time.Now()
			_, err := file.Reader{}.Read(path)
			assert.Less(t, time.Since(start), 30*time.Second)
			if c.told == "" {
				assert.NoError(t, err)
				return
			}
			assert.EqualError(t, err, path+c.told)
		})
	}
}

func TestProblemsCanBeToldApart(t *testing.T) {
	_, err := reader().Parse("apis.yaml", []byte("apis: {a: {url: 1}}\nb: c"))
	var problems *file.Problems
	require.ErrorAs(t, err, &problems)
	assert.Equal(t, []file.Problem{
		{Line: 1, Column: 17, Text: "url: is neither http nor https: expected one like https://api.example.org/v1"},
		{Line: 2, Column: 1, Text: `unknown key "b": expected apis or defaults`},
	}, problems.List)
}
