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

// writeArray answers with an array of answers, in their order of arrival.
func writeArray(c *gin.Context, answers []*gateway.Answer) {
	b := []byte{'['}
	for i, a := range answers {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendElement(b, a)
	}
	c.Header("Cache-Control", "no-store")
	c.Data(http.StatusOK, "application/json; charset=utf-8", append(b, ']'))
}
