package rule_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"hedgerow/internal/rule"
)

// FuzzCondition: whatever the expression and the body, there is a verdict, or an error with a place in the expression. nil is
// what a body that encoding/json does not take is made of.
func FuzzCondition(f *testing.F) {
	for _, body := range []string{
		"", "null", `{"a":{"b":[1,2,{"c":"d"}]}}`, `{"a":1}{"a":2}`, "[[[[", "\ufeff{}", "{\"a\":\"\\ud800\"}", `"text"`, "1e400", "[1,2", "{\"\xff\":1}",
	} {
		for _, expression := range []string{
			`json("a.b.#(c==\"d\").c") == "d"`, `any(json("a.b"), # == 1)`, `header("X") matches "^(a+)+$"`, `status in 200..299`, `json("@this") != nil`,
			`json("a") == `, `len(json("..#")) > 0`, `let x = json("a"); x?.b[0] == 1`, `json("@pretty") == nil ? true : false`, `status / 0 == 1`,
			`"x" * 2`, `not (json("*") == 1) and json("a|@reverse") != ""`, `{"a": status}.a == 200`, `[1, 2][status] == 1`, `status ** status > 0`, `1 in nil`,
		} {
			f.Add(expression, body)
		}
	}
	f.Fuzz(func(t *testing.T, expression, body string) {
		answer := rule.Answer{Status: 200, Header: http.Header{"X": {body}}, Body: []byte(body)}
		notJSON, err := judge(t, `json("@this") == nil`, answer)
		require.NoError(t, err)
		if !json.Valid([]byte(body)) {
			assert.Equal(t, rule.Success, notJSON)
		}
		condition, err := rule.Compile(expression)
		if err != nil {
			var syntax *rule.SyntaxError
			require.ErrorAs(t, err, &syntax)
			assert.True(t, syntax.Offset >= 0 && syntax.Offset <= utf8.RuneCountInString(expression), syntax.Offset)
			assert.NotContains(t, syntax.Message, "goroutine ")
			return
		}
		r := rule.Rule{Status: rule.DefaultStatuses(), If: condition}
		verdict, err := r.Judge(answer)
		assert.True(t, err == nil || verdict == rule.ConditionNotMet)
	})
}
