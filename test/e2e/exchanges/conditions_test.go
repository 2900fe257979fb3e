package exchanges

import "hedgerow/test/faultserver"

// conditions are exchanges about parts of an answer and about answers that the caller has, and those without a body.
func conditions() []exchange {
	gzipped := faultserver.Gzip("hello there")
	parts := "\r\n--THIS\r\nContent-Type: text/plain\r\nContent-Range: bytes 0-1/10\r\n\r\nab\r\n--THIS\r\nContent-Range: bytes 8-9/10\r\n\r\nij\r\n--THIS--\r\n"
	with := func(fields ...string) []string { return fields }
	all := []exchange{
		{name: "a range", fields: with("Range: bytes=2-3"), status: "HTTP/1.1 206 Partial Content", answerFields: with("Content-Range: bytes 2-3/10", `Etag: "x"`), answer: sized("cd")},
		{name: "a range in chunks", fields: with("Range: bytes=2-3"), status: "HTTP/1.1 206 Partial Content", answerFields: with("Content-Range: bytes 2-3/*"), answer: chunked("cd", 1, "")},
		{name: "several ranges", fields: with("Range: bytes=0-1, -2"), status: "HTTP/1.1 206 Partial Content", answerFields: with("Content-Type: multipart/byteranges; boundary=THIS"), answer: sized(parts)},
		{name: "several ranges in chunks", fields: with("Range: bytes=0-1,8-"), status: "HTTP/1.1 206 Partial Content", answerFields: with("Content-Type: multipart/byteranges; boundary=THIS"), answer: chunked(parts, 7, "")},
		{name: "a range of gzip", fields: with("Range: bytes=3-9", "Accept-Encoding: gzip"), status: "HTTP/1.1 206 Partial Content", answerFields: with("Content-Encoding: gzip", "Content-Range: bytes 3-9/40"), answer: sized(gzipped[3:10])},
		{name: "a range with a condition", fields: with("Range: bytes=0-", `If-Range: "x"`), answerFields: with("Accept-Ranges: bytes"), answer: sized("all of it")},
		{name: "a range of something else", fields: with("Range: seconds=1-2"), answerFields: with("Accept-Ranges: none"), answer: sized("all of it")},
		{name: "a range that there is not", fields: with("Range: bytes=99-"), status: "HTTP/1.1 416 No", answerFields: with("Content-Range: bytes */10"), answer: sized("")},
		{name: "a range by HEAD", method: "HEAD", fields: with("Range: bytes=0-1"), answerFields: with("Accept-Ranges: bytes"), answer: content{field: "Content-Length: 10"}},
		{name: "not modified", fields: with(`If-None-Match: "x", W/"y"`), status: "HTTP/1.1 304 Not Modified", answerFields: with(`Etag: "x"`, "Cache-Control: max-age=1")},
		{name: "not modified, with the length", fields: with("If-None-Match: *"), status: "HTTP/1.1 304 Not Modified", answerFields: with(`Etag: "x"`, "Content-Type: a/b"), answer: content{field: "Content-Length: 999"}},
		{name: "not modified since", fields: with("If-Modified-Since: Tue, 15 Nov 1994 12:45:26 GMT"), status: "HTTP/1.1 304 Not Modified", answerFields: with("Vary: Accept")},
		{name: "not modified, as gzip", fields: with(`If-None-Match: "x"`, "Accept-Encoding: gzip"), status: "HTTP/1.1 304 Not Modified", answerFields: with("Content-Encoding: gzip", `Etag: "x"`)},
		{name: "not modified by HEAD", method: "HEAD", fields: with(`If-None-Match: "x"`), status: "HTTP/1.1 304 Not Modified", answerFields: with(`Etag: "x"`)},
		{name: "a condition of a change", method: "PUT", fields: with(`If-Match: "x"`, "If-Unmodified-Since: Tue, 15 Nov 1994 12:45:26 GMT"), content: sized("new"), status: "HTTP/1.1 412 Changed", answer: sized("no")},
		{name: "HEAD with a length", method: "HEAD", answerFields: with("Content-Type: a/b"), answer: content{field: "Content-Length: 123456"}},
		{name: "HEAD with chunks", method: "HEAD", answer: content{field: "Transfer-Encoding: chunked"}},
		{name: "HEAD with neither", method: "HEAD", answer: content{}},
		{name: "HEAD of nothing", method: "HEAD", answer: sized("")},
		{name: "HEAD of gzip", method: "HEAD", fields: with("Accept-Encoding: gzip"), answerFields: with("Content-Encoding: gzip"), answer: content{field: "Content-Length: 40"}},
		{name: "OPTIONS", method: "OPTIONS", status: "HTTP/1.1 204 No Content", answerFields: with("Allow: GET, PUT", "Access-Control-Allow-Methods: PUT")},
		{name: "OPTIONS with a body", method: "OPTIONS", answerFields: with("Allow: GET"), answer: sized("{}")},
		{name: "no content for DELETE", method: "DELETE", status: "HTTP/1.1 204 No Content"},
		{name: "no content, as gzip", status: "HTTP/1.1 204 No Content", fields: with("Accept-Encoding: gzip"), answerFields: with("Content-Encoding: gzip")},
		{name: "gzip of no bytes", fields: with("Accept-Encoding: gzip"), answerFields: with("Content-Encoding: gzip"), answer: sized("")},
		{name: "created", method: "POST", content: sized("{}"), status: "HTTP/1.1 201 Created", answerFields: with("Location: /x/1"), answer: sized("")},
	}
	for i := range all {
		all[i].target = "/x"
		if all[i].method == "" {
			all[i].method = "GET"
		}
	}
	return all
}
