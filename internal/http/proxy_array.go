package http

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"hedgerow/internal/gateway"
)

// appendElement appends one answer of the array of all and within-timeout. A body that is JSON by its type and in fact stands there
// byte for byte, which encoding/json would not do.
func appendElement(b []byte, a *gateway.Answer) []byte {
	contentType := a.Header.Get("Content-Type")
	b = append(b, `{"attempt":`...)
	b = strconv.AppendInt(b, int64(a.Attempt)+1, 10)
	b = append(b, `,"status":`...)
	b = strconv.AppendInt(b, int64(a.Status), 10)
	if contentType != "" {
		b = append(append(b, `,"type":`...), quoted(contentType)...)
	}
	switch {
	case isJSON(contentType) && json.Valid(a.Unpacked):
		b = append(append(b, `,"body":`...), a.Unpacked...)
	case utf8.Valid(a.Unpacked):
		b = append(append(b, `,"body":`...), quoted(string(a.Unpacked))...)
	default:
		b = append(b, `,"encoding":"base64","body":"`...)
		b = append(base64.StdEncoding.AppendEncode(b, a.Unpacked), '"')
	}
	return append(b, '}')
}

// quoted is a text as a JSON string.
func quoted(text string) []byte {
	q, _ := json.Marshal(text) //nolint:errchkjson // a string cannot fail
	return q
}

// isJSON tells whether a media type is JSON: RFC 8259 and the suffix of RFC 6839.
func isJSON(contentType string) bool {
	media, _, err := mime.ParseMediaType(contentType)
	return err == nil && (media == "application/json" || strings.HasSuffix(media, "+json"))
}

// arrayOf writes answers into an array, in their order of arrival. It asks for room for each; the error is errBuffersFull.
func arrayOf(answers []*gateway.Answer, take func(bytes int64) bool) ([]byte, error) {
	b := []byte{'['}
	for i, a := range answers {
		if i > 0 {
			b = append(b, ',')
		}
		before := len(b)
		if b = appendElement(b, a); !take(int64(len(b) - before)) {
			return nil, errBuffersFull
		}
	}
	return append(b, ']'), nil
}

// writeArray answers with an array.
func writeArray(c *gin.Context, array []byte) {
	h := c.Writer.Header()
	h["Cache-Control"] = []string{"no-store"}
	h["Content-Type"] = []string{"application/json; charset=utf-8"}
	h["Content-Length"] = []string{strconv.Itoa(len(array))}
	c.Status(http.StatusOK)
	writeBody(c, array)
}
