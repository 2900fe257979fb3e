package exchanges

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"

	"hedgerow/test/faultserver"
)

const mebibyte = 1 << 20

// random are bytes that nothing can pack.
func random(size int) string {
	source := rand.NewChaCha8([32]byte{1})
	b := make([]byte, size)
	_, _ = source.Read(b)
	return string(b)
}

func deflated(body string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(body))
	_ = w.Close()
	return b.String()
}

func everyByte() string {
	b := make([]byte, 256)
	for i := range b {
		b[i] = byte(i)
	}
	return string(b)
}

// samples are bodies and the fields that describe them.
var samples = map[string]struct{ body, fields string }{
	"nothing":            {"", ""},
	"one byte":           {"x", "Content-Type: text/plain"},
	"a line end":         {"\r\n", "Content-Type: text/plain"},
	"JSON":               {`{"a": [1, 2.50, null], "b": "\u00e9"}` + "\n", "Content-Type: application/json"},
	"JSON that is none":  {`{"a": `, "Content-Type: application/json"},
	"HTML":               {"<!doctype html><script>alert(1)</script>", "Content-Type: text/html; charset=iso-8859-1"},
	"HTML without type":  {"<html>", ""},
	"a form":             {"a=1&b=%20+&a=2", "Content-Type: application/x-www-form-urlencoded"},
	"a form of parts":    {"--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n\x00\xff\r\n--b--\r\n", "Content-Type: multipart/form-data; boundary=b"},
	"every byte":         {everyByte(), "Content-Type: application/octet-stream"},
	"UTF-16":             {"\xff\xfeh\x00i\x00", "Content-Type: text/plain; charset=utf-16"},
	"zeros":              {strings.Repeat("\x00", 5000), ""},
	"what looks like us": {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n", "Content-Type: message/http"},
	"events":             {"event: a\ndata: 1\n\ndata: 2\n\n", "Content-Type: text/event-stream"},
	"gzip":               {faultserver.Gzip(strings.Repeat("hello ", 1000)), "Content-Type: text/plain\r\nContent-Encoding: gzip\r\nVary: Accept-Encoding"},
	"gzip of nothing":    {faultserver.Gzip(""), "Content-Encoding: gzip"},
	"gzip, an old name":  {faultserver.Gzip("hello"), "Content-Encoding: x-gzip"},
	"gzip of gzip":       {faultserver.Gzip(faultserver.Gzip("hello")), "Content-Encoding: gzip, gzip"},
	"a file in gzip":     {faultserver.Gzip("hello"), "Content-Type: application/gzip"},
	"gzip in two parts":  {faultserver.Gzip("hello ") + faultserver.Gzip("there"), "Content-Encoding: gzip"},
	"deflate":            {deflated("hello"), "Content-Encoding: deflate"},
	"a coding unheard":   {"\x0b\x02\x80hello\x03", "Content-Encoding: br"},
	"as it is":           {"hello", "Content-Encoding: identity"},
	"64 KiB and a byte":  {random(64<<10 + 1), "Content-Type: application/octet-stream"},
	"1 MiB":              {random(mebibyte), "Content-Type: application/octet-stream"},
	"1 MiB in gzip":      {faultserver.Gzip(random(mebibyte)), "Content-Encoding: gzip"},
}

// bodies are exchanges with every sample in every framing: by POST to the API and from it, and by GET from it alone.
func bodies() []exchange {
	var all []exchange
	for _, name := range slices.Sorted(maps.Keys(samples)) {
		sample := samples[name]
		var fields []string
		if sample.fields != "" {
			fields = strings.Split(sample.fields, "\r\n")
		}
		small := max(len(sample.body)/50, 1)
		framings := map[string]content{
			"sized":           sized(sample.body),
			"in one chunk":    chunked(sample.body, mebibyte*2, ""),
			"in small chunks": chunked(sample.body, small, ""),
			"with extensions": chunked(sample.body, small, `;a=b;c="d;e"`),
			"with trailers":   chunked(sample.body, 1<<14, "", "X-Trailer: 1", "Etag: \"x\""),
			"until the end":   untilClosed(sample.body),
		}
		for _, framing := range slices.Sorted(maps.Keys(framings)) {
			c := framings[framing]
			e := exchange{
				name: fmt.Sprintf("%s %s", name, framing), method: "GET", target: "/x", fields: []string{"Accept-Encoding: gzip"}, answerFields: fields, answer: c,
			}
			all = append(all, e)
			if c.closes {
				continue // a request cannot end so
			}
			e.name, e.method, e.content, e.fields = "POST "+e.name, "POST", c, append([]string{"Accept-Encoding: gzip"}, fields...)
			all = append(all, e)
		}
	}
	return all
}
